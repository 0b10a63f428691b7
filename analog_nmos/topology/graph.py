"""A network as a graph: of networkx, and which of its outputs inputs can move."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from analog_nmos.topology.network import Topology

if TYPE_CHECKING:
    import networkx as nx


def as_graph(topology: Topology, gate_V: NDArray[np.float64] | None = None) -> nx.MultiDiGraph[int]:
    """The network for networkx: nodes with their kind, an edge from drain to source with its uid and gate voltage."""
    import networkx as nx

    graph: nx.MultiDiGraph[int] = nx.MultiDiGraph()
    kinds = (
        ("rail", [topology.negref, topology.posref]),
        ("output", topology.out_nodes),
        ("input", topology.input_nodes),
        ("hidden", topology.hidden_nodes),
    )
    for kind, nodes in kinds:
        for node in nodes:
            graph.add_node(int(node), kind=kind)
    for uid, (drain, source) in enumerate(zip(topology.edges_D.tolist(), topology.edges_S.tolist(), strict=True)):
        facts = {} if gate_V is None else {"gate_V": float(gate_V[uid])}
        graph.add_edge(drain, source, key=uid, uid=uid, **facts)
    return graph


def out_of_reach(topology: Topology) -> NDArray[np.intp]:
    """Indices of the outputs that no input can move: without a path of transistors to one that passes no rail."""
    ends = np.stack([topology.edges_D, topology.edges_S])
    direct = np.isin(ends, topology.input_nodes)[::-1]  # ends of edges whose other end is an input
    if np.isin(topology.out_nodes, ends[direct]).all():  # most networks, which then need no SciPy
        return np.zeros(0, np.intp)
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    inside = ~np.isin(ends, [topology.negref, topology.posref]).any(axis=0)
    size = topology.max_node + 1
    joined = coo_array((np.ones(inside.sum()), tuple(ends[:, inside])), shape=(size, size))
    part = connected_components(joined, directed=False)[1]
    return np.flatnonzero(~np.isin(part[topology.out_nodes], part[topology.input_nodes]))
