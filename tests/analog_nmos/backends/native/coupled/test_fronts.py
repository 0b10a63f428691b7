"""Elimination by fronts against SciPy: factors, solutions, and the part that a clamped phase does again."""

import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import spsolve

from analog_nmos.backends.native.coupled.factor import BLOCK, factor, substitute
from analog_nmos.backends.native.coupled.fronts import arrays, elimination_order, tree
from common.kernels.vectors import WIDTH, aligned


def grid(side):
    """Pairs of neighbours of a periodic grid."""
    node = np.arange(side * side).reshape(side, side)
    return np.concatenate([np.stack([node.ravel(), np.roll(node, -1, axis).ravel()]) for axis in (0, 1)], axis=1).T


def chain(n):
    return np.stack([np.arange(n - 1), np.arange(1, n)]).T


def scattered(n, pairs):
    return np.random.default_rng(n).integers(0, n, (pairs, 2))


NETWORKS = {
    "grid": (grid(9), 81),
    "large grid": (grid(30), 900),
    "chain": (chain(50), 50),
    "scattered": (scattered(60, 140), 60),
    "in parts": (scattered(60, 25), 60),
    "all with all": (np.argwhere(np.triu(np.ones((37, 37)), 1)), 37),
    "one": (np.zeros((0, 2), int), 1),
}


class System:
    """A network's matrix with the given pairs, in old numbers, and its fronts; the last outputs come last."""

    def __init__(self, pairs, n, n_outputs):
        rng = np.random.default_rng(0)
        pairs = pairs[pairs[:, 0] != pairs[:, 1]]
        inner = pairs[(pairs < n - n_outputs).all(axis=1)]
        turn = np.concatenate([elimination_order(*inner.T, n - n_outputs), np.arange(n - n_outputs, n)])
        number = np.argsort(turn)
        neighbours = [set() for _ in range(n)]
        for a, b in number[pairs].tolist():
            neighbours[a].add(b)
            neighbours[b].add(a)
        entry = {(i, j): 0 for i in range(n) for j in sorted({i, *neighbours[i]})}
        entry = {pair: place for place, pair in enumerate(entry)}
        order, self.fronts = arrays(tree(neighbours, n - n_outputs), entry, 0)
        rows, columns = np.argsort(order)[np.array(list(entry))].T
        self.load = rng.uniform(1e-3, 1, n)
        off = rows != columns
        self.data = np.where(off, -(rng.uniform(0, 1, rows.size) ** 4), 0.0)
        self.data[~off] = -np.bincount(columns, self.data, n)[columns[~off]]  # columns add up to 0
        self.matrix = coo_matrix((self.data, (rows, columns)), (n, n)).tocsc()
        self.a, self.inverse = aligned(self.fronts.at[-1]), np.zeros(n)
        longest = self.fronts.stride.max()
        self.panel, self.part = aligned(BLOCK * longest), aligned(longest + WIDTH)

    def factor(self, begin=0):
        return factor(self.fronts, begin, self.a, self.data, self.load, self.inverse, self.panel)

    def solve(self, right):
        x = right.copy()
        substitute(self.fronts, self.a, self.inverse, x, self.part)
        return x

    def expected(self, right):
        full = self.matrix.copy()
        full.setdiag(full.diagonal() + self.load)
        return spsolve(full.tocsc(), right)


@pytest.mark.parametrize("n_outputs", [0, 1, 3])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_solution_is_scipys(name, n_outputs):
    pairs, n = NETWORKS[name]
    system = System(pairs, n, min(n_outputs, n))
    right = np.random.default_rng(1).normal(size=n)
    assert system.factor()
    np.testing.assert_allclose(system.solve(right), system.expected(right), rtol=1e-10, atol=1e-11)


def test_other_loads_of_the_outputs_need_the_last_front_only():
    pairs, n = NETWORKS["large grid"]
    system = System(pairs, n, 2)
    assert system.fronts.first[-1] - system.fronts.first[-2] < n / 2
    assert system.factor()
    outputs = np.arange(n - 2, n)
    system.load[outputs] += 0.1
    assert system.factor(system.fronts.parent.size - 1)
    right = np.random.default_rng(1).normal(size=n)
    np.testing.assert_allclose(system.solve(right), system.expected(right), rtol=1e-10, atol=1e-11)


def test_a_singular_matrix_is_named():
    system = System(chain(20), 20, 1)
    system.load[:] = 0.0
    system.data[:] = 0.0
    assert not system.factor()


def test_fronts_of_a_grid_stay_small():
    """A hundred nodes more must not cost a hundred times as much: entries of all fronts, per node."""
    small, large = System(*NETWORKS["grid"], 2), System(*NETWORKS["large grid"], 2)
    assert large.fronts.at[-1] / 900 < 2.5 * small.fronts.at[-1] / 81
