"""Replicas with hidden nodes: their arrays, and the calls into the kernels of `phases`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.backends.base import BoolArray, CompiledSolver, Edges, FloatArray, Sensitivity, Solution
from analog_nmos.backends.native.coupled import adjoint, phases
from analog_nmos.backends.native.coupled.memory import Memory, keep_book
from analog_nmos.backends.native.coupled.wiring import Wiring, wire
from analog_nmos.backends.native.transistor.accuracy import limits
from analog_nmos.backends.native.transistor.device import Device
from analog_nmos.backends.native.transistor.linked import Linked
from analog_nmos.backends.native.transistor.settings import Settings
from analog_nmos.circuit.deviations import Deviations
from analog_nmos.topology import Topology


class CoupledReplicas:
    """L replicas of any topology; arguments as in `decoupled.DecoupledReplicas`."""

    def __init__(
        self,
        topologies: Sequence[Topology],
        device: Device | Linked,
        settings: Settings,
        deviations: Sequence[Deviations | None],
    ) -> None:
        self._cold_V = settings.cold_V
        wired: dict[int, Wiring] = {}
        for topology in topologies:
            if id(topology) not in wired:
                wired[id(topology)] = wire(topology)
        self._topologies, self._wirings = topologies, [wired[id(topology)] for topology in topologies]
        book, self._memories = keep_book(self._wirings)
        for memory, wiring, own in zip(self._memories, self._wirings, deviations, strict=True):
            if own is not None:
                memory.vto_offset_V[wiring.slot], memory.kp_factor[wiring.slot] = own.vto_offset_V, own.kp_factor
        bounds = np.array([limits(device, own) for own in deviations])
        self._circuit = (device, bounds, settings, phases.with_address(device, bounds, settings, book))
        self._node_V = np.full((len(topologies), 1 + max(t.max_node for t in topologies)), np.nan)
        self._status = np.zeros(len(topologies), np.int64)
        self._nothing = np.zeros((len(topologies), topologies[0].n_outputs), np.bool_)
        self._solution = Solution(self._node_V, self._status)
        self.passes = np.zeros(1, np.int64)
        for replica in range(len(topologies)):
            self.forget(replica)

    def set_gates(self, gate_V: FloatArray) -> None:
        """As in `backends.base.Backend`, with arrays that are checked already."""
        phases.set_gates(self._circuit[-1], gate_V)

    def solve_free(self, input_V: FloatArray, mask: BoolArray) -> Solution:
        """As in `backends.base.Backend`, with arrays that are checked already."""
        self.passes[0] += phases.solve_free(*self._circuit, input_V, self._nothing, mask, self._node_V, self._status)
        return self._solution

    def solve_clamped(self, input_V: FloatArray, target_V: FloatArray, clamped: BoolArray, mask: BoolArray) -> Solution:
        """As in `backends.base.Backend`, with arrays that are checked already."""
        self.passes[0] += phases.solve_clamped(
            *self._circuit, input_V, target_V, clamped, mask, self._node_V, self._status
        )
        return self._solution

    def solve_many(self, replica: int, input_V: FloatArray) -> tuple[FloatArray, NDArray[np.int64]]:
        """As in `backends.base.Backend`, with arrays that are checked already."""
        out_V = np.empty((input_V.shape[0], self._nothing.shape[1]))
        status = np.zeros(input_V.shape[0], np.int64)
        last_V = self._memories[replica].guess_V.copy()
        self.passes[0] += phases.solve_many(
            *self._circuit, replica, input_V, last_V, self._nothing[replica], out_V, status
        )
        return out_V, status

    def adjoint(self, input_V: FloatArray, cotangent_A: FloatArray, mask: BoolArray) -> Sensitivity:
        """As in `backends.base.Backend`, with arrays that are checked already."""
        responses = np.empty((mask.size, 3, max(topology.n_edges for topology in self._topologies)))
        status = np.empty(mask.size, np.int64)
        adjoint.adjoints(self._circuits(), input_V, cotangent_A, mask, responses, status)
        return Sensitivity.of(responses, status)

    def compiled(self) -> CompiledSolver:
        """As in `backends.base.Backend`."""
        book = self._circuit[-1]
        slot = np.zeros((len(self._topologies), max(t.n_edges for t in self._topologies)), np.int64)
        for row, wiring in enumerate(self._wirings):
            slot[row, : wiring.slot.size] = book.float_at[row, Memory._fields.index("gate_V"), 0] + wiring.slot
        edges = Edges.of(self._topologies, book.floats, slot)
        return CompiledSolver(
            phases.free_phase, phases.clamped_phase, phases.follow, phases.forget, self._circuits(), edges,
            adjoint.adjoint,
        )  # fmt: skip

    def _circuits(self) -> phases.Circuits:
        return phases.Circuits(*self._circuit, self._nothing[0], self._cold_V, self.passes)

    def follow(self, other: Any, replica: int) -> None:
        """Guess what the replica's last free solution in another object of this kind was."""
        self._memories[replica].guess_V[:] = other._memories[replica].guess_V
        self._memories[replica].reach_V[0] = np.inf

    def arrays(self, replica: int) -> dict[str, NDArray[Any]]:
        """Views of the replica's state."""
        return {"sink_V": self._memories[replica].sink_V, "guess_V": self._memories[replica].guess_V}

    def forget(self, replica: int) -> None:
        """A cold start for the next solve; VOUT and gates stay."""
        self._memories[replica].guess_V[:] = self._cold_V
        self._memories[replica].reach_V[0] = np.inf
