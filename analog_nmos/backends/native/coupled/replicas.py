"""Replicas with hidden nodes: their arrays, and the calls into the kernels of `phases`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.backends.base import BoolArray, FloatArray, Solution, Status
from analog_nmos.backends.native.accuracy import limits
from analog_nmos.backends.native.coupled import phases
from analog_nmos.backends.native.coupled.memory import memory
from analog_nmos.backends.native.coupled.newton import Settings
from analog_nmos.backends.native.coupled.wiring import Wiring, wire
from analog_nmos.backends.native.device import Device
from analog_nmos.topology import Topology

CHORD_WORK = 40.0  # multiply-adds of a factorisation per edge from which factors are used again


class CoupledReplicas:
    """L replicas of any topology; arguments as in `decoupled.DecoupledReplicas`."""

    def __init__(
        self,
        topologies: Sequence[Topology],
        device: Device,
        settings: FloatArray,
        cold_V: float,
    ) -> None:
        tolerance_V, passes, free_S, clamp_S, vminus_V, vplus_V, *_ = settings.tolist()
        self._cold_V, self._device, self._limits = cold_V, device, limits(device)
        wired: dict[int, Wiring] = {}
        self._wirings = [wired.setdefault(id(topology), wire(topology)) for topology in topologies]
        self._settings = [
            Settings(tolerance_V, int(passes), free_S, clamp_S, vminus_V, vplus_V, _chords_pay(wiring))
            for wiring in self._wirings
        ]
        self._memories = [memory(wiring) for wiring in self._wirings]
        self._edges = [topology.n_edges for topology in topologies]
        self._guess_V = [np.full(wiring.free.size, cold_V) for wiring in self._wirings]
        self._sink_V = np.zeros((len(topologies), topologies[0].n_outputs))
        self._node_V = np.full((len(topologies), 1 + max(t.max_node for t in topologies)), np.nan)
        self._status = np.zeros(len(topologies), np.int64)
        self._no_output = np.zeros(topologies[0].n_outputs, np.bool_)
        self._solution = Solution(self._node_V, self._status)
        self.passes = np.zeros(1, np.int64)

    def set_gates(self, gate_V: FloatArray) -> None:
        """As in `backends.base.Backend`, with arrays that are checked already."""
        for row_V, wiring, room in zip(gate_V, self._wirings, self._memories, strict=True):
            room.gate_V[wiring.slot] = row_V[: wiring.slot.size]
            room.reach_V[0] = np.inf

    def solve_free(self, input_V: FloatArray, mask: BoolArray) -> Solution:
        """As in `backends.base.Backend`, with arrays that are checked already."""
        return self._solve(phases.solve_free, input_V, np.broadcast_to(self._no_output, self._sink_V.shape), mask)

    def solve_clamped(self, input_V: FloatArray, target_V: FloatArray, clamped: BoolArray, mask: BoolArray) -> Solution:
        """As in `backends.base.Backend`, with arrays that are checked already."""
        moved = clamped & mask[:, None]
        self._sink_V[moved] = target_V[moved]
        return self._solve(phases.solve_clamped, input_V, clamped, mask)

    def _solve(self, phase: Any, input_V: FloatArray, clamped: BoolArray, mask: BoolArray) -> Solution:
        self._node_V[:] = np.nan
        self._status[:] = Status.SKIPPED
        for number in np.flatnonzero(mask).tolist():
            self._status[number], passes = phase(
                self._device, self._limits, self._wirings[number], self._memories[number], self._settings[number],
                input_V[number], self._guess_V[number], self._sink_V[number], np.ascontiguousarray(clamped[number]),
                self._node_V[number],
            )  # fmt: skip
            self.passes[0] += passes
        return self._solution

    def solve_many(self, replica: int, input_V: FloatArray) -> tuple[FloatArray, NDArray[np.int64]]:
        """As in `backends.base.Backend`, with arrays that are checked already."""
        out_V = np.empty((input_V.shape[0], self._sink_V.shape[1]))
        status = np.zeros(input_V.shape[0], np.int64)
        self.passes[0] += phases.solve_many(
            self._device, self._limits, self._wirings[replica], self._memories[replica], self._settings[replica],
            input_V, self._guess_V[replica].copy(), self._sink_V[replica], self._no_output, out_V, status,
        )  # fmt: skip
        return out_V, status

    def arrays(self, replica: int) -> dict[str, NDArray[Any]]:
        """Views of the replica's state."""
        return {"sink_V": self._sink_V[replica], "guess_V": self._guess_V[replica]}

    def forget(self, replica: int) -> None:
        """A cold start for the next solve; VOUT and gates stay."""
        self._guess_V[replica][:] = self._cold_V
        self._memories[replica].reach_V[0] = np.inf


def _chords_pay(wiring: Wiring) -> bool:
    pivots, boundary = np.diff(wiring.fronts.first), np.diff(wiring.fronts.rows_at)
    size = pivots + boundary
    return bool((pivots * size**2).sum() > CHORD_WORK * wiring.weight.size)
