"""Where the edges and nodes of a network with hidden nodes go: renumbered nodes, places in the matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix

from analog_nmos.backends.base import FloatArray
from analog_nmos.topology.network import IntArray, Topology
from common.kernels.vectors import WIDTH, aligned


@dataclass(frozen=True)
class CoupledNetwork:
    """Where one replica's edges and nodes go; nodes are renumbered, F free ones (outputs, hidden) before the fixed.

    Attributes:
        ends: (2, slots) renumbered drain and source of each edge; filling joins the last fixed node with itself.
        weight: (slots,) 1 for an edge, 0 for filling.
        free, fixed: node numbers in the new order.
        place: (slots, 4) where DD, DS, SD, SS go in the matrix's data; the last entry takes what has no place.
        diagonal: (F,) places of the diagonal.
        n_edges: (F,) edges that meet at each free node.
        pattern: (indices, indptr) of the CSC matrix, empty for a dense one.
        data_size: entries of the matrix, the one for what has no place included.
    """

    ends: IntArray
    weight: FloatArray
    free: IntArray
    fixed: IntArray
    place: IntArray
    diagonal: IntArray
    n_edges: FloatArray
    pattern: tuple[IntArray, IntArray]
    data_size: int

    @property
    def dense(self) -> bool:
        """Whether the matrix is held in full."""
        return self.pattern[0].size == 0


def couple(topology: Topology, dense_up_to: int) -> CoupledNetwork:
    """Renumber a topology and find the places of its matrix entries."""
    free = np.concatenate([topology.out_nodes, topology.hidden_nodes])
    fixed = np.concatenate([[topology.negref, topology.posref], topology.input_nodes]).astype(np.int64)
    number = np.full(topology.max_node + 1, -1, np.int64)
    number[free] = np.arange(free.size)
    number[fixed] = free.size + np.arange(fixed.size)
    slots = -(-topology.n_edges // WIDTH) * WIDTH
    ends = np.full((2, slots), free.size + fixed.size - 1, np.int64)
    ends[0, : topology.n_edges] = number[topology.edges_D]
    ends[1, : topology.n_edges] = number[topology.edges_S]
    rows = ends[[0, 0, 1, 1]].T  # (slots, 4): DD, DS, SD, SS
    columns = ends[[0, 1, 0, 1]].T
    inside = (rows < free.size) & (columns < free.size)
    if free.size <= dense_up_to:
        place = np.where(inside, rows * free.size + columns, free.size**2)
        diagonal = np.arange(free.size) * (free.size + 1)
        pattern, size = (np.zeros(0, np.int64), np.zeros(0, np.int64)), free.size**2
    else:
        all_rows = np.concatenate([rows[inside], np.arange(free.size)])
        all_columns = np.concatenate([columns[inside], np.arange(free.size)])
        ones = coo_matrix((np.ones(all_rows.size), (all_rows, all_columns)), (free.size, free.size)).tocsc()
        keys = ones.indices + free.size * np.repeat(np.arange(free.size), np.diff(ones.indptr))
        found = np.searchsorted(keys, all_rows + free.size * all_columns)
        place = np.full(rows.shape, ones.nnz, np.int64)
        place[inside] = found[: inside.sum()]
        diagonal = found[inside.sum() :]
        pattern, size = (ones.indices.astype(np.int64), ones.indptr.astype(np.int64)), ones.nnz
    weight = aligned(slots)
    weight[: topology.n_edges] = 1.0
    n_edges = np.bincount(ends[:, : topology.n_edges].ravel(), minlength=free.size)[: free.size].astype(np.float64)
    return CoupledNetwork(ends, weight, free, fixed, place.astype(np.int64), diagonal, n_edges, pattern, size + 1)
