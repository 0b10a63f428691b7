"""Samples at an epoch's gates: which of them train, and the states that all rules start from."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from analog_nmos.audit.bench import Bench
from analog_nmos.audit.components import States
from analog_nmos.backends.base import BoolArray, FloatArray
from analog_nmos.data.split import Split
from analog_nmos.objectives.base import Objective, loss_gradient
from analog_nmos.readouts import Readout
from analog_nmos.topology import Topology

IntArray = NDArray[np.int64]
FAILED, SKIPPED, TRAINS = -1, 0, 1


class Samples:
    """The samples of a part.

    Args:
        objective: of one replica, with what it measured for the epoch.
        readout: of the network.
        topology: of the network.
        bench: with the epoch's gates set.
        register_V: (edges,) these gates, before the chip's converter.
        part: samples.
    """

    def __init__(
        self,
        objective: Objective,
        readout: Readout,
        topology: Topology,
        bench: Bench,
        register_V: FloatArray,
        part: Split,
    ) -> None:
        self._objective, self._readout, self._topology = objective, readout, topology
        self._bench, self._part = bench, part
        self._register_V = np.tile(register_V, (bench.width, 1))

    def groups(self, rows: IntArray) -> Iterator[tuple[IntArray, int]]:
        """Sample numbers in groups of the bench's width, the last one filled up; and how many of a group count."""
        for first in range(0, rows.size, self._bench.width):
            group = rows[first : first + self._bench.width]
            yield np.concatenate([group, np.repeat(group[:1], self._bench.width - group.size)]), group.size

    def kinds(self, rows: IntArray) -> IntArray:
        """TRAINS, SKIPPED by the objective, or FAILED as there is no free state; rows (width,)."""
        self._bench.reset()
        node_V, found = self._bench.free(self._part.x_V[rows])
        kinds = np.full(rows.size, FAILED)
        if found.any():
            score_V = self._readout.scores_V(np.take(node_V[found], self._topology.out_nodes, axis=1))
            active = self._objective.evaluate(score_V, self._part.y[rows[found]]).active
            kinds[found] = np.where(active, TRAINS, SKIPPED)
        return kinds

    def states(self, rows: IntArray) -> tuple[States, BoolArray]:
        """The states of samples that train, rows (width,); and for which of them there is a gradient.

        Raises:
            RunError: see `transistor.states.edge_states`.
        """
        self._bench.reset()
        input_V, label, readout = self._part.x_V[rows], self._part.y[rows], self._readout
        node_V, found = self._bench.free(input_V)
        out_V = np.take(node_V, self._topology.out_nodes, axis=1)
        score_V = readout.scores_V(out_V)
        evaluation = self._objective.evaluate(score_V, label)
        target_V, held = readout.clamps(out_V, score_V, evaluation.target_V, evaluation.clamped)
        down = -loss_gradient(self._objective, score_V, label)
        if readout.pairs:  # a score is the first node's voltage less the second one's
            down = np.concatenate([down, -down], axis=1)
        gradient, there = self._bench.response(input_V, down)
        states = States(input_V, node_V, out_V, target_V, held, down, self._register_V, gradient)
        return states, found & there
