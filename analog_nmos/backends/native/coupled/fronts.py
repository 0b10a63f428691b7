"""The order in which a network's free nodes are eliminated, and the dense blocks (fronts) that this takes.

Gaussian elimination by fronts (I. S. Duff and J. K. Reid, ACM Trans. Math. Softw. 9 (1983) 302): nodes that are
eliminated together form a front, a small dense matrix over themselves (its pivots) and those nodes that are still to
come and that they see (its boundary). What is left of a front on its boundary is added to the front of the boundary's
first node. All of this depends on the topology only and is found once.

The order comes from the minimum degree of SuperLU; outputs come last, in a front of their own (and what it absorbs),
so that a clamped phase, which changes nothing but what hangs on the outputs, eliminates this front alone again.
Hidden nodes whose only free neighbours are outputs need no front: they are eliminated first, one by one (stars).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from analog_nmos.topology.network import IntArray
from common.kernels.vectors import WIDTH

ROWS = 4  # of a front that are updated together: its rows are filled up to a multiple
MOST_ZEROS = 0.25  # share of a front that may be zeros for the sake of fewer, larger fronts
WHOLE = 24  # unknowns up to which a network is one front, which is inverted (`inverse`)
SMALL = 4  # pivots up to which fronts are joined whatever their zeros


class Fronts(NamedTuple):
    """All fronts in the order of elimination; nodes are numbered by it, after the stars.

    Attributes:
        first: (fronts + 1,) first pivot of each front.
        rows_at: (fronts + 1,) where a front's boundary begins in `rows`.
        rows: boundary nodes, ascending.
        into: rows of the parent front where the boundary's rows go.
        parent: (fronts,) which front takes what is left; -1 for none.
        child_at, child: the children of front f are child[child_at[f]:child_at[f + 1]].
        at: (fronts + 1,) where a front's matrix begins.
        stride: (fronts,) its row length, whole vectors.
        entry_at: (fronts + 1,) where a front's entries begin in `entry_from` and `entry_to`.
        entry_from: places in the network's data; none at all if the data is the matrix of the only front.
        entry_to: places in the memory of all fronts.
    """

    first: IntArray
    rows_at: IntArray
    rows: IntArray
    into: IntArray
    parent: IntArray
    child_at: IntArray
    child: IntArray
    at: IntArray
    stride: IntArray
    entry_at: IntArray
    entry_from: IntArray
    entry_to: IntArray


@dataclass
class _Front:
    pivots: list[int]
    boundary: set[int]
    children: list[_Front] = field(default_factory=list)
    zeros: int = 0  # entries that are there only because fronts were joined

    @property
    def size(self) -> int:
        return len(self.pivots) + len(self.boundary)


def elimination_order(rows: IntArray, columns: IntArray, n: int) -> IntArray:
    """A fill-reducing order of n nodes, joined where rows and columns say (each pair once or more): old numbers."""
    from scipy.sparse import coo_matrix  # heavy, and networks without hidden nodes need neither
    from scipy.sparse.linalg import splu

    if n < 2:
        return np.arange(n)
    every = np.arange(n)
    ends = np.concatenate([rows, columns, every]), np.concatenate([columns, rows, every])
    matrix = coo_matrix((np.ones(ends[0].size), ends), (n, n)).tocsc()
    matrix.data[:] = -1.0
    matrix.setdiag(np.diff(matrix.indptr) + 1.0)
    factors = splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    return np.argsort(factors.perm_c).astype(np.int64)


def tree(neighbours: list[set[int]], last: int) -> list[_Front]:
    """The fronts, children before parents; nodes from `last` on are outputs and the pivots of the last front."""
    n = len(neighbours)
    waiting: list[list[_Front]] = [[] for _ in range(n)]
    roots: list[_Front] = []
    for node in [*range(last), last] if last < n else range(n):
        pivots = [node] if node < last else list(range(last, n))
        children = [child for pivot in pivots for child in waiting[pivot]]
        boundary = {other for pivot in pivots for other in neighbours[pivot] if other > pivots[-1]}
        boundary = boundary.union(*(child.boundary for child in children)) - set(pivots)
        front = _absorb(_Front(pivots, boundary), children)
        if boundary:
            waiting[min(boundary)].append(front)
        else:
            roots.append(front)
    found: list[_Front] = []
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        front, seen = stack.pop()
        if seen:
            found.append(front)
        else:
            stack.append((front, True))
            stack.extend((child, False) for child in reversed(front.children))
    return found


def _absorb(front: _Front, children: list[_Front]) -> _Front:
    """The front with those children that it is better to eliminate together with it."""
    for child in sorted(children, key=lambda child: -child.size):
        pivots = len(child.pivots) + len(front.pivots)
        size = pivots + len(front.boundary)
        zeros = child.zeros + front.zeros + 2 * len(child.pivots) * (size - child.size)
        entries = size**2 - len(front.boundary) ** 2
        if zeros <= MOST_ZEROS * entries or pivots <= SMALL:
            front.pivots = child.pivots + front.pivots
            front.children += child.children
            front.zeros = zeros
        else:
            front.children.append(child)
    return front


def arrays(found: list[_Front], entry: dict[tuple[int, int], int], begin: int) -> tuple[IntArray, Fronts]:
    """The order of the nodes that the fronts have now (old numbers), and the fronts as the kernels read them.

    Args:
        found: from `tree`.
        entry: place in the data of each (row, column).
        begin: new number of the first node; those before are eliminated already.
    """
    order = np.array([pivot for front in found for pivot in front.pivots], np.int64)
    number = np.empty_like(order)
    number[order] = begin + np.arange(order.size)
    front_of = np.repeat(np.arange(len(found)), [len(front.pivots) for front in found])
    first = begin + np.concatenate([[0], np.cumsum([len(front.pivots) for front in found])]).astype(np.int64)
    rows = [np.sort(number[sorted(front.boundary)]) for front in found]
    stride = np.array([-(-front.size // WIDTH) * WIDTH for front in found], np.int64)
    height = np.array([-(-front.size // ROWS) * ROWS for front in found], np.int64)
    at = np.concatenate([[0], np.cumsum(stride * height)]).astype(np.int64)
    parent = np.array([front_of[row[0] - begin] if row.size else -1 for row in rows], np.int64)
    local = [np.concatenate([np.arange(*first[k : k + 2]), row]) for k, row in enumerate(rows)]
    into = [np.searchsorted(local[parent[k]], row) if row.size else row for k, row in enumerate(rows)]
    children = [np.flatnonzero(parent == k) for k in range(len(found))]
    keys = np.array(list(entry), np.int64).reshape(-1, 2)
    row, column = number[keys[:, 0]], number[keys[:, 1]]
    owner = front_of[np.minimum(row, column) - begin]
    turn = np.argsort(owner, kind="stable")
    entry_at = np.searchsorted(owner[turn], np.arange(len(found) + 1)).astype(np.int64)
    target = np.empty(owner.size, np.int64)
    for k, own in enumerate(local):
        mine = turn[entry_at[k] : entry_at[k + 1]]
        target[mine] = at[k] + np.searchsorted(own, row[mine]) * stride[k] + np.searchsorted(own, column[mine])
    return order, Fronts(
        first=first,
        rows_at=_starts(rows),
        rows=_joined(rows),
        into=_joined(into),
        parent=parent,
        child_at=_starts(children),
        child=_joined(children),
        at=at,
        stride=stride,
        entry_at=entry_at,
        entry_from=np.array(list(entry.values()), np.int64)[turn],
        entry_to=target[turn],
    )


def whole(n: int) -> Fronts:
    """A network of n nodes as one front, whose matrix is the network's data, transposed."""
    return arrays([_Front(list(range(n)), set())], {}, 0)[1]


def _starts(parts: list[IntArray]) -> IntArray:
    return np.concatenate([[0], np.cumsum([part.size for part in parts])]).astype(np.int64)


def _joined(parts: list[IntArray]) -> IntArray:
    return np.concatenate([np.zeros(0, np.int64), *parts]).astype(np.int64)
