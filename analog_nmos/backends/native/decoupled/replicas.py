"""Replicas without hidden nodes: their arrays, and the calls into the kernels of `phases`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.backends.base import BoolArray, CompiledSolver, Edges, FloatArray, Sensitivity, Solution
from analog_nmos.backends.native.decoupled import adjoint
from analog_nmos.backends.native.decoupled import phases as kernels
from analog_nmos.backends.native.decoupled.layout import deviating, lay_out
from analog_nmos.backends.native.decoupled.newton import FIELDS
from analog_nmos.backends.native.transistor.accuracy import limits
from analog_nmos.backends.native.transistor.device import Device
from analog_nmos.backends.native.transistor.linked import Linked
from analog_nmos.backends.native.transistor.packing import pack
from analog_nmos.backends.native.transistor.settings import Settings
from analog_nmos.circuit.deviations import Deviations
from analog_nmos.topology import Topology
from common.kernels.vectors import aligned


class DecoupledReplicas:
    """L replicas whose edges all run from an input to an output.

    Args:
        topologies: one for each replica.
        device: from `parameters.device_parameters`.
        settings: what the solver is asked for.
        deviations: of each replica's transistors from the device.
    """

    def __init__(
        self,
        topologies: Sequence[Topology],
        device: Device | Linked,
        settings: Settings,
        deviations: Sequence[Deviations | None],
    ) -> None:
        self._topologies, self._layout = topologies, lay_out(topologies)
        layout, cold_V = self._layout, settings.cold_V
        n_replicas, n_inputs, n_outputs = len(topologies), topologies[0].n_inputs, topologies[0].n_outputs
        self._gate_V = aligned(layout.weight.size)
        self._guess_V = np.full((n_replicas, n_outputs), cold_V)
        self._sink_V = np.zeros((n_replicas, n_outputs))
        self._solved_gate_V = np.full(layout.weight.size, np.nan)
        self._solved_input_V = np.full((n_replicas, n_inputs), np.nan)
        self._solved_sink_V = np.full((n_replicas, n_outputs), np.nan)
        self._node_V = np.full((n_replicas, layout.n_columns), np.nan)
        self._status = np.zeros(n_replicas, np.int64)
        self._work = aligned((FIELDS + 1) * layout.stride)
        self.passes = np.zeros(1, np.int64)
        bounds = np.array([limits(device, own) for own in deviations])
        vto_offset_V, kp_factor = deviating(layout, deviations)
        numbers = (pack(settings, device), isinstance(device, Linked) or None, bounds)
        self._wiring = (*numbers, layout.first, layout.drain, layout.weight, vto_offset_V, kp_factor)
        self._memory = kernels.Memory(
            *self._wiring, layout.nodes, layout.slot, self._gate_V, self._guess_V, self._sink_V, self._solved_gate_V,
            self._solved_input_V, self._solved_sink_V, cold_V, self._work, self.passes,
        )  # fmt: skip
        self._solution = Solution(self._node_V, self._status)

    def set_gates(self, gate_V: FloatArray) -> None:
        """As in `backends.base.Backend`, with arrays that are checked already."""
        kernels.set_gates(gate_V, self._layout.slot, self._gate_V)

    def solve_free(self, input_V: FloatArray, mask: BoolArray) -> Solution:
        """As in `backends.base.Backend`, with arrays that are checked already."""
        kernels.solve_free(input_V, mask, self._node_V, self._status, *self._memory)
        return self._solution

    def solve_clamped(self, input_V: FloatArray, target_V: FloatArray, clamped: BoolArray, mask: BoolArray) -> Solution:
        """As in `backends.base.Backend`, with arrays that are checked already."""
        kernels.solve_clamped(input_V, target_V, clamped, mask, self._node_V, self._status, *self._memory)
        return self._solution

    def solve_many(self, replica: int, input_V: FloatArray) -> tuple[FloatArray, NDArray[np.int64]]:
        """As in `backends.base.Backend`, with arrays that are checked already."""
        out_V = np.empty((input_V.shape[0], self._sink_V.shape[1]))
        status = np.empty(input_V.shape[0], np.int64)
        state = (self._gate_V, self._guess_V, self._sink_V)
        kernels.solve_many(replica, input_V, *self._wiring, *state, out_V, status, self._work, self.passes)
        return out_V, status

    def adjoint(self, input_V: FloatArray, cotangent_A: FloatArray, mask: BoolArray) -> Sensitivity:
        """As in `backends.base.Backend`, with arrays that are checked already."""
        responses = np.empty((mask.size, 3, self._layout.slot.shape[1]))
        status = np.empty(mask.size, np.int64)
        adjoint.adjoints(input_V, cotangent_A, mask, responses, status, *self._memory)
        return Sensitivity.of(responses, status)

    def compiled(self) -> CompiledSolver:
        """As in `backends.base.Backend`."""
        edges = Edges.of(self._topologies, self._gate_V, self._layout.slot)
        return CompiledSolver(
            kernels.free_phase, kernels.clamped_phase, kernels.follow, kernels.forget, self._memory, edges,
            adjoint.adjoint,
        )  # fmt: skip

    def follow(self, other: Any, replica: int) -> None:
        """Guess what the replica's last free solution in another object of this kind was."""
        self._guess_V[replica] = other._guess_V[replica]

    def arrays(self, replica: int) -> dict[str, NDArray[Any]]:
        """Views of the replica's state. `solved_*` say for which sources `guess_V` is the solution."""
        slots = slice(self._layout.first[replica, 0], self._layout.first[replica, -1])
        return {
            "sink_V": self._sink_V[replica],
            "guess_V": self._guess_V[replica],
            "solved_gate_V": self._solved_gate_V[slots],
            "solved_input_V": self._solved_input_V[replica],
            "solved_sink_V": self._solved_sink_V[replica],
        }

    def forget(self, replica: int) -> None:
        """A cold start for the next solve; VOUT and gates stay."""
        for name, array in self.arrays(replica).items():
            if name != "sink_V":
                array[:] = self._memory.cold_V if name == "guess_V" else np.nan
