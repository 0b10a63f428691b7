"""From edges to matrices: what joins which output to which input."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from analog_nmos.topology import Topology

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def edge_ends(topology: Topology) -> tuple[IntArray, IntArray]:
    """Index of the output and of the input that each edge joins, shape (edges,) each; -1 where it is neither.

    Which end is the drain does not matter here: where hidden nodes are declared, either may be.
    """
    ends = (topology.edges_D, topology.edges_S)
    outputs = [_index_in(topology.out_nodes, nodes) for nodes in ends]
    inputs = [_index_in(topology.input_nodes, nodes) for nodes in ends]
    return np.maximum(*outputs), np.maximum(*inputs)


def connection_counts(topology: Topology, there: NDArray[np.bool_] | None = None) -> IntArray:
    """How many edges join output k to input i, shape (K, I); edges at hidden nodes and rails are left out.

    Args:
        topology: the network.
        there: (edges,) which of its edges count; None for all.
    """
    output, input_ = edge_ends(topology)
    direct = (output >= 0) & (input_ >= 0)
    if there is not None:
        direct &= there
    counts = np.zeros((topology.n_outputs, topology.n_inputs), np.int64)
    np.add.at(counts, (output[direct], input_[direct]), 1)
    return counts


def mean_per_pair(topology: Topology, values: FloatArray) -> FloatArray:
    """Mean of the edges between output k and input i, shape (K, I); NaN where there is none.

    Args:
        topology: the network.
        values: (edges,) of any unit; NaN marks an edge that is gone.
    """
    there = np.isfinite(values)
    counts = connection_counts(topology, there)
    output, input_ = edge_ends(topology)
    direct = there & (output >= 0) & (input_ >= 0)
    sums = np.zeros(counts.shape)
    np.add.at(sums, (output[direct], input_[direct]), values[direct])
    means = np.full(counts.shape, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means


def image_side(n_inputs: int) -> int | None:
    """Side of the square image that the inputs form, 8 for 64; None if they form no square (or a single pixel)."""
    side = math.isqrt(n_inputs)
    return side if side * side == n_inputs and side > 1 else None


def _index_in(nodes: IntArray, wanted: IntArray) -> IntArray:
    """Position of each wanted node in `nodes`, -1 where it is absent."""
    index = np.full(int(max(nodes.max(), wanted.max())) + 1, -1, np.int64)
    index[nodes] = np.arange(nodes.size)
    return index[wanted]
