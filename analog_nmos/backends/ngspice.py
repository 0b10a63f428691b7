"""The ngspice backend: one loaded circuit, altered where values changed, one solve for each phase.

Backends may take turns, sample by sample: each circuit has a copy of libngspice to itself (see ngspice_copies.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.backends.base import Backend, BoolArray, FloatArray, Solution, Status
from analog_nmos.backends.ngspice_copies import copies
from analog_nmos.backends.ngspice_library import Circuit, ngspice
from analog_nmos.cards.model_card import ModelCard
from analog_nmos.circuit import CircuitOptions
from analog_nmos.circuit.deviations import Deviations, fitting
from analog_nmos.circuit.netlist import Sources, write_netlist
from analog_nmos.topology import Topology
from common.errors import InputError, RunError

LARGEST_V = 1e9  # from 1e15 V on ngspice 39 can crash: its matrix overflows
LARGEST_A = 1.0  # through rshunt alone this is 1e9 V


class NgspiceBackend(Backend):
    """One circuit in libngspice, one replica. See `analog_nmos.backends.base.Backend` for the methods.

    A few backends (MOST_COPIES) keep their circuits loaded side by side. With more, the one not used for longest is
    loaded anew at its next solve, with the same numbers. One that is no longer referenced makes room as `close` does.

    Raises:
        InputError: libngspice is missing, ngspice does not accept the circuit with this card, or deviations do not fit.
    """

    most_replicas, takes_minutes = 1, True  # its circuit is one netlist
    takes_deviations = True

    def __init__(
        self,
        topologies: Sequence[Topology],
        card: ModelCard,
        options: CircuitOptions,
        *,
        deviations: Sequence[Deviations | None] | None = None,
    ) -> None:
        super().__init__(topologies, card, options)
        [self._topology], [self._deviations] = topologies, fitting(deviations, topologies)
        topology, self._card, self._options = self._topology, card, options
        self._spice = ngspice()
        self._circuit: Circuit | None = None
        touched = np.isin(topology.hidden_nodes, [topology.edges_D, topology.edges_S])
        # A hidden node without an edge is not in the netlist: it stays at 0 V, where rshunt would hold it.
        self._unknown = np.concatenate([topology.out_nodes, topology.hidden_nodes[touched]])
        self._node_V = np.zeros((1, topology.max_node + 1))
        self._node_V[0, topology.negref] = options.vminus
        self._node_V[0, topology.posref] = options.vplus
        self._wanted = _zeros(topology)
        self._resistor_ohm = np.full(topology.n_outputs, options.rs_free)
        self._drives, self._drive_A = options.nudge_mode == "current", np.zeros(topology.n_outputs)
        self._names = (
            [f"vin{i}" for i in range(topology.n_inputs)],
            [f"vg{e}" for e in range(topology.n_edges)],
            [f"vout{j}" for j in range(topology.n_outputs)],
            [f"rs{k + 1}" for k in range(topology.n_outputs)],
            [f"iout{j}" for j in range(topology.n_outputs)],
        )
        try:
            self._load()
        except RunError as problem:
            raise InputError(f"model card {card.path}: {problem}") from None

    @property
    def version(self) -> str:
        """Version of ngspice, for run_meta.json."""
        return f"ngspice-{self._spice.version}"

    def netlist(self) -> str:
        """The netlist with the current values and all outputs free."""
        return write_netlist(self._topology, self._card, self._options, self._wanted, self._deviations)

    def set_gates(self, gate_V: FloatArray) -> None:
        """Gate voltages for the next solves."""
        np.copyto(self._wanted.gate_V, gate_V[0, : self._topology.n_edges])

    def solve_free(self, input_V: FloatArray, mask: BoolArray) -> Solution:
        """All outputs free."""
        self._drive_A[:] = 0.0
        return self._solve(input_V, np.zeros(self._topology.n_outputs, bool), mask)

    def solve_clamped(self, input_V: FloatArray, target_V: FloatArray, clamped: BoolArray, mask: BoolArray) -> Solution:
        """The outputs of the mask near their targets, or driven by these currents."""
        if self._drives:
            self._drive_A[:] = np.where(clamped[0], target_V[0], 0.0)
        elif mask[0]:
            np.copyto(self._wanted.sink_V, target_V[0], where=clamped[0])
        return self._solve(input_V, clamped[0], mask)

    def reload(self, replica: int) -> None:
        """Load the circuit anew; the next solve alters everything, and is as if there had been no reload.

        A circuit is always loaded with the same values, so that ngspice orders its matrix in the same way.
        """
        self._load()

    def state(self, replica: int) -> dict[str, NDArray[Any]]:
        """VOUT: every operating point starts from zero, so nothing else carries over."""
        return {"sink_V": self._wanted.sink_V.copy()}

    def restore(self, replica: int, state: dict[str, NDArray[Any]]) -> None:
        """Take over VOUT."""
        np.copyto(self._wanted.sink_V, state["sink_V"])

    def close(self) -> None:
        """Free the circuit, unless another one has taken its place; a later solve loads it anew."""
        if self._circuit is not None and self._spice.is_loaded(self._circuit):
            self._spice.unload()
        self._circuit = None

    def _solve(self, input_V: FloatArray, clamped: BoolArray, mask: BoolArray) -> Solution:
        if not mask[0]:
            return self._solution(Status.SKIPPED)
        np.copyto(self._wanted.input_V, input_V[0])
        self._resistor_ohm[:] = np.where(clamped, self._options.clamp_ohm, self._options.rs_free)
        wanted = (self._wanted.input_V, self._wanted.gate_V, self._wanted.sink_V, self._resistor_ohm, self._drive_A)
        most = (LARGEST_V, LARGEST_V, LARGEST_V, np.inf, LARGEST_A)
        if not all((np.abs(values) <= limit).all() for values, limit in zip(wanted, most, strict=True)):
            return self._solution(Status.NOT_FINITE)  # the loaded circuit stays as it is
        circuit = self._circuit
        if circuit is None or not circuit.is_ready:
            circuit = self._load()
        self._alter(circuit, wanted)
        values = circuit.operating_point()
        if values is None:
            return self._solution(Status.NO_CONVERGENCE)
        row = self._node_V[0]
        row[self._topology.input_nodes] = input_V[0]
        row[self._unknown] = values
        return self._solution(Status.CONVERGED if np.isfinite(values).all() else Status.NOT_FINITE)

    def _load(self) -> Circuit:
        if self._circuit is None or not self._spice.is_loaded(self._circuit):
            self._spice = copies().room()
        start = _zeros(self._topology)
        self._circuit = circuit = self._spice.load(
            write_netlist(self._topology, self._card, self._options, start, self._deviations),
            self._unknown,
            temp_C=self._options.temp,
            rail="vplus",
            rail_V=self._options.vplus,
        )
        # Zeros mean the same in a netlist and in `alter`; other numbers may differ in the last bit.
        unknown_ohm, no_A = np.full_like(self._resistor_ohm, np.nan), np.zeros_like(self._drive_A)
        self._loaded = (start.input_V, start.gate_V, start.sink_V, unknown_ohm, no_A)
        return circuit

    def _solution(self, status: Status) -> Solution:
        if status not in (Status.CONVERGED, Status.SKIPPED):
            return Solution(np.full_like(self._node_V, np.nan), np.array([status]))
        return Solution(self._node_V, np.array([status]))

    def _alter(self, circuit: Circuit, wanted: tuple[FloatArray, ...]) -> None:
        """Bring the loaded circuit to the wanted values."""
        for names, new, old in zip(self._names, wanted, self._loaded, strict=True):
            changed = np.flatnonzero(new != old)
            circuit.alter([names[index] for index in changed.tolist()], new[changed].tolist())
            np.copyto(old, new)


def _zeros(topology: Topology) -> Sources:
    return Sources(np.zeros(topology.n_inputs), np.zeros(topology.n_edges), np.zeros(topology.n_outputs))
