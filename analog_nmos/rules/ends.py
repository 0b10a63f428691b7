"""The voltages at the two ends of every transistor, from those of the nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analog_nmos.topology import Topology

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class Ends(NamedTuple):
    """Voltages at drains and sources in V, both of one shape; (L, E) for L replicas with E edges at most."""

    drain_V: FloatArray
    source_V: FloatArray


class EdgeEnds:
    """Where the ends of each replica's edges lie in an array of node voltages.

    Args:
        topologies: of the replicas; filled up with edges from ground to ground where one has fewer than another.
    """

    def __init__(self, topologies: Sequence[Topology]) -> None:
        ends = np.zeros((2, len(topologies), max(topology.n_edges for topology in topologies)), np.int64)
        for row, topology in enumerate(topologies):
            ends[0, row, : topology.n_edges] = topology.edges_D
            ends[1, row, : topology.n_edges] = topology.edges_S
        nodes = max(topology.max_node for topology in topologies) + 1
        self._drain, self._source = ends + np.arange(len(topologies))[:, None] * nodes

    def of(self, node_V: FloatArray) -> Ends:
        """The Ends (L, E) of node voltages (L, nodes)."""
        return Ends(np.take(node_V, self._drain), np.take(node_V, self._source))
