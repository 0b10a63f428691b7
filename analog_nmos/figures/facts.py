"""A topology in words and numbers: counts, degrees, parallel edges, and nodes without an edge."""

from __future__ import annotations

import json

import numpy as np
from numpy.typing import NDArray

from analog_nmos.topology import Topology
from analog_nmos.topology.graph import out_of_reach

IntArray = NDArray[np.int64]
SHOWN = 12  # longer lists are cut after this many


def degrees(topology: Topology, nodes: IntArray) -> IntArray:
    """How many edges touch each of the nodes, shape (nodes,)."""
    ends = np.bincount(np.concatenate([topology.edges_D, topology.edges_S]), minlength=topology.max_node + 1)
    return ends[nodes].astype(np.int64)


def parallel_pairs(topology: Topology) -> dict[tuple[int, int], int]:
    """Pairs of nodes (drain, source) that more than one edge joins, with the number of edges."""
    pairs, counts = np.unique(np.stack([topology.edges_D, topology.edges_S]), axis=1, return_counts=True)
    return {
        (int(drain), int(source)): int(count) for drain, source, count in zip(*pairs, counts, strict=True) if count > 1
    }


def describe(topology: Topology) -> list[str]:
    """Lines of `nmos-topology info`: a name, a colon and the numbers."""
    per_input, per_output = (degrees(topology, nodes) for nodes in (topology.input_nodes, topology.out_nodes))
    parallel = parallel_pairs(topology)
    possible = topology.n_inputs * topology.n_outputs
    direct = np.isin(topology.edges_D, topology.input_nodes) & np.isin(topology.edges_S, topology.out_nodes)
    joined = len(set(zip(topology.edges_D[direct].tolist(), topology.edges_S[direct].tolist(), strict=True)))
    facts = {
        "inputs": f"{topology.n_inputs}",
        "outputs": f"{topology.n_outputs}",
        "hidden nodes": f"{topology.hidden_nodes.size}",
        "rails": f"negref {topology.negref}, posref {topology.posref}",
        "edges": f"{topology.n_edges}",
        "connected pairs": f"{joined} of {possible} (input, output) pairs",
        "edges per output": _spread(per_output),
        "edges per input": _spread(per_input),
        "duplicate pairs": _duplicates(parallel),
        "parallel edges": f"{sum(parallel.values()) - len(parallel)} beyond the first of their pair",
        "isolated inputs": _numbers(np.flatnonzero(per_input == 0)),
        "isolated outputs": _numbers(np.flatnonzero(per_output == 0)),
        "out of reach": _unreached(out_of_reach(topology)),
        "meta": json.dumps(topology.meta) if topology.meta else "none",
    }
    return [f"{name + ':':18}{value}" for name, value in facts.items()]


def _spread(values: IntArray) -> str:
    return f"min {values.min()}, mean {values.mean():.2f}, max {values.max()}"


def _duplicates(parallel: dict[tuple[int, int], int]) -> str:
    if not parallel:
        return "none"
    named = [f"{drain}-{source} ({count} edges)" for (drain, source), count in list(parallel.items())[:SHOWN]]
    return f"{len(parallel)}, by node: {', '.join(named)}{', ...' * (len(parallel) > SHOWN)}"


def _unreached(outputs: NDArray[np.intp]) -> str:
    if not outputs.size:
        return "none"
    count, _, named = _numbers(outputs).partition(": ")
    return f"{count} outputs have no path of transistors to an input: {named}"


def _numbers(indices: NDArray[np.intp]) -> str:
    if not indices.size:
        return "none"
    named = ", ".join(map(str, indices[:SHOWN].tolist()))
    return f"{indices.size}: {named}{', ...' * (indices.size > SHOWN)}"
