"""Replicas with hidden nodes: one coupled system each, solved one replica after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.backends.base import BoolArray, FloatArray, Solution, Status
from analog_nmos.backends.native.coupled.replica import DENSE, CoupledReplica
from analog_nmos.backends.native.coupled.wiring import couple
from analog_nmos.backends.native.decoupled.layout import numbered
from analog_nmos.backends.native.device import Device
from analog_nmos.topology import Topology


class CoupledReplicas:
    """L replicas of any topology; arguments as in `decoupled.DecoupledReplicas`."""

    def __init__(
        self,
        topologies: Sequence[Topology],
        device: Device,
        settings: FloatArray,
        cold_V: float,
    ) -> None:
        tolerance_V, passes, self._free_S, self._clamp_S, vminus_V, vplus_V, *_ = settings.tolist()
        self._topologies, self._rails_V, self._cold_V = topologies, (vminus_V, vplus_V), cold_V
        self._replicas = [
            CoupledReplica(couple(topology, DENSE), device, self._rails_V, tolerance_V, int(passes))
            for topology in topologies
        ]
        self._guess_V = [np.full(replica.network.free.size, cold_V) for replica in self._replicas]
        self._sink_V = np.zeros((len(topologies), topologies[0].n_outputs))
        self._node_V = np.full((len(topologies), 1 + max(t.max_node for t in topologies)), np.nan)
        self._status = np.zeros(len(topologies), np.int64)
        self.passes = np.zeros(1, np.int64)

    def set_gates(self, gate_V: FloatArray) -> None:
        """As in `backends.base.Backend`, with arrays that are checked already."""
        for row, topology, replica in zip(gate_V, self._topologies, self._replicas, strict=True):
            replica.gate_V[: topology.n_edges] = row[: topology.n_edges]

    def solve_free(self, input_V: FloatArray, mask: BoolArray) -> Solution:
        """As in `backends.base.Backend`, with arrays that are checked already."""
        series_S = np.full(self._sink_V.shape, self._free_S)
        return self._solve(input_V, series_S, mask, keep=True)

    def solve_clamped(self, input_V: FloatArray, target_V: FloatArray, clamped: BoolArray, mask: BoolArray) -> Solution:
        """As in `backends.base.Backend`, with arrays that are checked already."""
        moved = clamped & mask[:, None]
        self._sink_V[moved] = target_V[moved]
        return self._solve(input_V, np.where(clamped, self._clamp_S, self._free_S), mask, keep=False)

    def _solve(self, input_V: FloatArray, series_S: FloatArray, mask: BoolArray, keep: bool) -> Solution:
        self._node_V[:] = np.nan
        self._status[:] = Status.SKIPPED
        for number in np.flatnonzero(mask).tolist():
            replica = self._replicas[number]
            found_V, status, passes = replica.solve(
                input_V[number], self._guess_V[number], series_S[number], self._sink_V[number]
            )
            self.passes[0] += passes
            self._status[number] = status
            if status != Status.CONVERGED:
                continue
            row_V, nodes = self._node_V[number], numbered(self._topologies[number])
            row_V[:] = 0.0
            row_V[nodes[:2]] = self._rails_V
            row_V[self._topologies[number].input_nodes] = input_V[number]
            row_V[replica.network.free] = found_V
            if keep:
                self._guess_V[number][:] = found_V
        return Solution(self._node_V, self._status)

    def solve_many(self, replica: int, input_V: FloatArray) -> tuple[FloatArray, NDArray[np.int64]]:
        """As in `backends.base.Backend`, with arrays that are checked already."""
        n_outputs = self._sink_V.shape[1]
        out_V = np.full((input_V.shape[0], n_outputs), np.nan)
        status = np.zeros(input_V.shape[0], np.int64)
        series_S, last_V = np.full(n_outputs, self._free_S), self._guess_V[replica]
        for n, row_V in enumerate(input_V):
            found_V, status[n], passes = self._replicas[replica].solve(row_V, last_V, series_S, self._sink_V[replica])
            self.passes[0] += passes
            if status[n] == Status.CONVERGED:
                last_V = found_V
                out_V[n] = found_V[:n_outputs]
        return out_V, status

    def arrays(self, replica: int) -> dict[str, NDArray[Any]]:
        """Views of the replica's state."""
        return {"sink_V": self._sink_V[replica], "guess_V": self._guess_V[replica]}

    def forget(self, replica: int) -> None:
        """A cold start for the next solve; VOUT and gates stay."""
        self._guess_V[replica][:] = self._cold_V
