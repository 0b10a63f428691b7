"""Where the edges of all replicas lie in memory: side by side by output, filled up to whole vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analog_nmos.backends.base import FloatArray
from analog_nmos.circuit.deviations import Deviations
from analog_nmos.topology.network import IntArray, Topology
from common.kernels.vectors import WIDTH, aligned


@dataclass(frozen=True)
class Layout:
    """Slots of L replicas; a replica's slots are contiguous, and within it those of an output.

    Attributes:
        first: (L, K + 1) first slot of each output, and the end of the last one.
        slot: (L, E) slot of each edge; -1 where a replica has fewer edges than E, the most of all replicas.
        drain: (slots,) input index of each slot's drain.
        weight: (slots,) 1 for an edge, 0 for filling.
        nodes: (L, 2 + I + K) node numbers of negref, posref, inputs and outputs.
        n_columns: largest node number of all replicas, plus one.
    """

    first: IntArray
    slot: IntArray
    drain: IntArray
    weight: FloatArray
    nodes: IntArray
    n_columns: int

    @property
    def stride(self) -> int:
        """Slots of the output with the most edges, at least one vector."""
        return max(int(np.diff(self.first, axis=1).max()), WIDTH)


def lay_out(topologies: Sequence[Topology]) -> Layout:
    """Slots for replicas whose edges all run from an input to an output."""
    n_outputs = topologies[0].n_outputs
    first = np.zeros((len(topologies), n_outputs + 1), np.int64)
    slot = np.full((len(topologies), max(t.n_edges for t in topologies)), -1, np.int64)
    end, drains, weights = 0, [], []
    for number, topology in enumerate(topologies):
        inputs = {node: i for i, node in enumerate(topology.input_nodes.tolist())}
        drain_of_edge = np.array([inputs[node] for node in topology.edges_D.tolist()], np.int64)
        for k, node in enumerate(topology.out_nodes):
            edges = np.flatnonzero(topology.edges_S == node)
            size = -(-edges.size // WIDTH) * WIDTH
            first[number, k] = end
            slot[number, edges] = end + np.arange(edges.size)
            drains.append(np.pad(drain_of_edge[edges], (0, size - edges.size)))
            weights.append(np.pad(np.ones(edges.size), (0, size - edges.size)))
            end += size
        first[number, n_outputs] = end
    weight = aligned(end)
    weight[:] = np.concatenate(weights)
    return Layout(
        first=first,
        slot=slot,
        drain=np.concatenate(drains),
        weight=weight,
        nodes=np.array([numbered(topology) for topology in topologies], np.int64),
        n_columns=1 + max(topology.max_node for topology in topologies),
    )


def deviating(
    layout: Layout, deviations: Sequence[Deviations | None]
) -> tuple[FloatArray, FloatArray] | tuple[None, None]:
    """Threshold offsets (slots,) in V and kp factors (slots,); None where no replica has any of its own."""
    if all(own is None for own in deviations):
        return None, None
    vto_offset_V, kp_factor = aligned(layout.drain.size), aligned(layout.drain.size)
    kp_factor[:] = 1.0
    for slot, own in zip(layout.slot, deviations, strict=True):
        if own is not None:
            slots = slot[: own.n_edges]
            vto_offset_V[slots], kp_factor[slots] = own.vto_offset_V, own.kp_factor
    return vto_offset_V, kp_factor


def numbered(topology: Topology) -> IntArray:
    """Node numbers of negref, posref, inputs and outputs."""
    rails = np.array([topology.negref, topology.posref], np.int64)
    return np.concatenate([rails, topology.input_nodes, topology.out_nodes])
