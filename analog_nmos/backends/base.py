"""The interface of a circuit solver: the trainer calls this, and does not know which solver answers.

All arrays have a leading replica axis L: replicas are independent runs that advance side by side in one process.
ngspice has one circuit and therefore one replica.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


class Status(IntEnum):
    """How an operating point ended."""

    CONVERGED = 0
    NO_CONVERGENCE = 1  # Newton, damped Newton and source stepping all gave up
    SINGULAR = 2  # the linear system has no solution, or none that double precision tells apart from others
    NOT_FINITE = 3  # a voltage became infinite or NaN
    SKIPPED = 4  # this replica was not asked for

    @property
    def advice(self) -> str:
        """What a user can do about it."""
        return _ADVICE[self]


_ADVICE = {
    Status.CONVERGED: "nothing to do",
    Status.NO_CONVERGENCE: "raise --itl1, or look for gate voltages at their limits",
    Status.SINGULAR: "look for a node without a path to ground, or lower --rshunt",
    Status.NOT_FINITE: "look for inputs or gate voltages that are not finite",
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


class Backend(Protocol):
    """A loaded circuit of one or more replicas."""

    name: str
    n_replicas: int

    @property
    def version(self) -> str:
        """Of the solver, for run_meta.json."""

    def set_gates(self, gate_V: FloatArray) -> None:
        """Gate voltages for the next solves, shape (L, edges) in volts; replicas with fewer edges pad with anything."""

    def solve_free(self, input_V: FloatArray, mask: BoolArray) -> Solution:
        """Operating points with all outputs free; input_V has shape (L, inputs), mask (L,) says which replicas."""

    def solve_clamped(self, input_V: FloatArray, target_V: FloatArray, clamped: BoolArray, mask: BoolArray) -> Solution:
        """Operating points with the outputs of mask `clamped` (L, outputs) held near target_V (L, outputs).

        A clamped output is joined to its target through rs_clamp; the others stay free. The targets remain in
        VOUT afterwards, where later free phases feel them through rs_free.
        """

    def solve_many(self, replica: int, input_V: FloatArray) -> tuple[FloatArray, NDArray[np.int64]]:
        """Free outputs (samples, outputs) in V and status (samples,) of one replica for inputs (samples, inputs)."""

    def reload(self, replica: int) -> None:
        """Build the replica's circuit anew with its whole state (gate voltages and VOUT), after a failed solve."""

    def state(self, replica: int) -> dict[str, NDArray[Any]]:
        """Everything that a later solve of this replica depends on besides gates and inputs; for checkpoints.

        "sink_V" (outputs,) is VOUT; what else there is belongs to the backend (its first guess, for example).
        """

    def restore(self, replica: int, state: dict[str, NDArray[Any]]) -> None:
        """Take over what `state` returned. "sink_V" alone will do (after pruning): the rest then starts anew."""

    def close(self) -> None:
        """Free the circuit."""
