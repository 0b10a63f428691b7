"""The interface of a circuit solver: the trainer calls this, and does not know which solver answers.

All arrays have a leading replica axis L: replicas are independent runs that advance side by side in one process.
ngspice has one circuit and therefore one replica.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from analog_nmos.cards.model_card import ModelCard
from analog_nmos.circuit import CircuitOptions
from analog_nmos.topology import Topology
from common.errors import InputError

if TYPE_CHECKING:
    from common.kernels.by_address import Address

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


class Status(IntEnum):
    """How an operating point ended."""

    CONVERGED = 0
    NO_CONVERGENCE = 1  # Newton, damped Newton and source stepping all failed
    SINGULAR = 2  # the linear system has no solution, or none that double precision tells apart from others
    NOT_FINITE = 3  # a voltage became infinite or NaN
    SKIPPED = 4  # this replica is not in the mask

    @property
    def advice(self) -> str:
        """What a user can do about it."""
        return _ADVICE[self]


_ADVICE = {
    Status.CONVERGED: "nothing to do",
    Status.NO_CONVERGENCE: "raise --itl1 (ngspice), or check for gate voltages at their limits",
    Status.SINGULAR: "check for a node without a path to ground, or lower --rshunt",
    Status.NOT_FINITE: "check for inputs or gate voltages that are not finite",
    Status.SKIPPED: "nothing to do",
}


@dataclass(frozen=True)
class Solution:
    """Operating points of all replicas.

    Attributes:
        node_V: voltages by node number, shape (L, max_node + 1) in volts; column 0 is ground. Rows of replicas that
            did not converge hold NaN, in all others every number is finite. A node that no edge touches is at 0 V,
            where rshunt holds it. The array belongs to the backend only until the next call.
        status: shape (L,), values of `Status`.
    """

    node_V: FloatArray
    status: NDArray[np.int64]


@dataclass(frozen=True)
class Sensitivity:
    """How a weighted sum of free outputs, sum over k of c_k V_k, changes with each transistor of L replicas.

    The unit is that of the weights times V, per V of a voltage; weights in A (a cost's derivative by the outputs seen
    as currents) give W per V. Rows that were not found hold NaN, columns of edges that a replica does not have 0.

    Attributes:
        by_gate: (L, E) by the gate voltage, in the topology's order of edges.
        by_vto: (L, E) by the threshold's offset (Deviations.vto_offset_V).
        by_kp: (L, E) by the kp factor (Deviations.kp_factor).
        status: (L,) values of `Status`.
    """

    by_gate: FloatArray
    by_vto: FloatArray
    by_kp: FloatArray
    status: NDArray[np.int64]

    @classmethod
    def of(cls, responses: FloatArray, status: NDArray[np.int64]) -> Sensitivity:
        """From an array (L, 3, E)."""
        return cls(responses[:, 0], responses[:, 1], responses[:, 2], status)


class Edges(NamedTuple):
    """The trainable edges of L replicas for compiled code; E is the most edges of a replica.

    Attributes:
        gate_V: (slots,) gate voltages, wherever the solver wants them; compiled code changes them in place.
        slot: (L, E) the slot of each edge.
        drain: (L, E) node number of its drain.
        source: (L, E) node number of its source.
        size: (L,) how many edges a replica has.
    """

    gate_V: FloatArray
    slot: NDArray[np.int64]
    drain: NDArray[np.int64]
    source: NDArray[np.int64]
    size: NDArray[np.int64]

    @classmethod
    def of(cls, topologies: Sequence[Topology], gate_V: FloatArray, slot: NDArray[np.int64]) -> Edges:
        """The edges of these networks, in their order."""
        ends = np.zeros((2, *slot.shape), np.int64)
        for row, topology in enumerate(topologies):
            ends[0, row, : topology.n_edges] = topology.edges_D
            ends[1, row, : topology.n_edges] = topology.edges_S
        return cls(gate_V, slot, ends[0], ends[1], np.array([topology.n_edges for topology in topologies], np.int64))


class CompiledSolver(NamedTuple):
    """A backend's solver as compiled functions of one replica and one sample, for epochs that never leave them.

    The functions are numba's, and behave as the methods of `Backend` that they stand for, to the last bit. `node_V`
    (max_node + 1,) is filled with the voltages by node number, or with NaN; a status is one of `Status`.

    Attributes:
        free: (memory, replica, input_V (inputs,), node_V) -> status.
        clamped: (memory, replica, input_V (inputs,), target_V (outputs,), clamped (outputs,), node_V) -> status.
        follow: (memory, another's memory, replica) -> None, as `Backend.follow`.
        forget: (memory, replica) -> None, as `Backend.reload`.
        memory: the solver's arrays, of whatever type its functions take.
        edges: where the gate voltages lie that they solve with.
        adjoint: (memory, replica, input_V (inputs,), cotangent_A (outputs,), response (3, edges)) -> status, as
            `Backend.adjoint`: response has the rows by_gate, by_vto and by_kp, all NaN unless the status is CONVERGED.
            None where there is none.
    """

    free: Callable[..., Any]
    clamped: Callable[..., Any]
    follow: Callable[..., Any]
    forget: Callable[..., Any]
    memory: Any
    edges: Edges
    adjoint: Callable[..., Any] | None = None

    def addresses(self) -> tuple[Address, Address]:
        """Of `free` and `clamped`, compiled for this memory."""
        from common.kernels.by_address import address_of

        volts, held = np.empty(1), np.empty(1, np.bool_)
        return (
            address_of(self.free, self.memory, 0, volts, volts),
            address_of(self.clamped, self.memory, 0, volts, volts, held, volts),
        )

    def adjoint_address(self, adjoint: Callable[..., Any]) -> Address:
        """Of a function that is called as `adjoint` is, compiled for this memory."""
        from common.kernels.by_address import address_of

        volts = np.empty(1)
        return address_of(adjoint, self.memory, 0, volts, volts, np.empty((3, 1)))


class Backend(ABC):
    """A loaded circuit for each of L replicas.

    Args of a subclass:
        topologies: one for each replica.
        card: of all transistors.
        options: rails, resistances, temperatures, tolerances.
        deviations: only where `takes_deviations`: for each replica what sets its transistors apart from the card, or
            None. One whose transistors all have offset 0 and factor 1 has the numbers of one with None.

    Attributes:
        most_replicas: how many circuits one process can solve at most; None for any number.
        takes_minutes: whether an epoch takes minutes, so that estimates measure some of its samples.
        takes_deviations: whether transistors may differ, so that there is a keyword `deviations`.
        has_adjoint: whether there is `adjoint`.
    """

    most_replicas: ClassVar[int | None] = None
    takes_minutes: ClassVar[bool] = False
    takes_deviations: ClassVar[bool] = False
    has_adjoint: ClassVar[bool] = False

    @abstractmethod
    def __init__(self, topologies: Sequence[Topology], card: ModelCard, options: CircuitOptions) -> None:
        """Load the circuits.

        Raises:
            InputError: the solver is missing, or does not model the card or the topologies.
        """
        self._topologies = topologies

    @property
    def version(self) -> str:
        """Version of the solver, for run_meta.json."""
        return ""

    @abstractmethod
    def set_gates(self, gate_V: FloatArray) -> None:
        """Gate voltages for the next solves, shape (L, edges) in volts; replicas with fewer edges pad with anything."""

    @abstractmethod
    def solve_free(self, input_V: FloatArray, mask: BoolArray) -> Solution:
        """Operating points with all outputs free; input_V has shape (L, inputs), mask (L,) says which replicas."""

    @abstractmethod
    def solve_clamped(self, input_V: FloatArray, target_V: FloatArray, clamped: BoolArray, mask: BoolArray) -> Solution:
        """Operating points with the outputs of mask `clamped` (L, outputs) nudged by target_V (L, outputs).

        What that does is options.nudge_mode; the other outputs stay free.

        clamp: an output is joined to its target in V through rs_clamp. The targets remain in VOUT afterwards, where
            they act on later free phases through rs_free.
        held: likewise, through circuit.options.HELD_OHM: it is at its target, but for its current times 1e-6 ohm.
        current: target_V holds currents in A, which are driven into the outputs in this phase only. Series resistors
            and VOUT stay as they are in a free phase.
        """

    def adjoint(self, input_V: FloatArray, cotangent_A: FloatArray, mask: BoolArray) -> Sensitivity:
        """Exact derivatives of a weighted sum of the free outputs by the transistors' parameters.

        They hold at the operating point of these inputs, the gate voltages that are set, and VOUT. Where a gate voltage
        stands at a kink of the equations (cutoff) they are those of one of its sides. Later solves have the same bits
        as without this call.

        Args:
            input_V: (L, inputs) in V.
            cotangent_A: (L, outputs) the weights c_k of the outputs' voltages, a cost's derivatives dC/dV_k.
            mask: (L,) which replicas; the others' rows are NaN, with status SKIPPED.

        Raises:
            InputError: the backend has none (`has_adjoint`).
        """
        name = type(self).__name__.removesuffix("Backend").lower()
        raise InputError(f"backend {name} has no adjoint; use --backend native")

    def solve_many(self, replica: int, input_V: FloatArray) -> tuple[FloatArray, NDArray[np.int64]]:
        """Free outputs (samples, outputs) in V and status (samples,) of one replica for inputs (samples, inputs)."""
        topology, mask = self._topologies[replica], np.arange(len(self._topologies)) == replica
        out_V = np.full((len(input_V), topology.n_outputs), np.nan)
        status = np.empty(len(input_V), np.int64)
        for sample, row in enumerate(input_V):
            solution = self.solve_free(np.tile(row, (mask.size, 1)), mask)
            status[sample] = solution.status[replica]
            out_V[sample] = solution.node_V[replica, topology.out_nodes]
        return out_V, status

    def compiled(self) -> CompiledSolver | None:
        """The solver for compiled epochs; None where there is none, and the Python loop calls the methods here."""
        return None

    def follow(self, other: Self, replica: int) -> None:
        """Take the last free solution of the same replica of a like backend as first guess of the next solve."""
        return

    def reload(self, replica: int) -> None:
        """Build the replica's circuit anew with its whole state (gate voltages and VOUT), after a failed solve."""
        return

    def state(self, replica: int) -> dict[str, NDArray[Any]]:
        """Everything that a later solve of this replica depends on besides gates and inputs; for checkpoints.

        "sink_V" (outputs,) is VOUT; what else there is belongs to the backend (its first guess, for example).
        """
        return {}

    def restore(self, replica: int, state: dict[str, NDArray[Any]]) -> None:
        """Take over what `state` returned. "sink_V" alone is enough (after pruning); the rest is then reset."""
        return

    def close(self) -> None:
        """Free the circuits."""
        return
