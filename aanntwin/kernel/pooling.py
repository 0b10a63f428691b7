"""Maxima over squares of the convolution's output, and their gradient."""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import numpy as np

from common.kernels.jit import leaf
from common.kernels.vectors import FLOAT_WIDTH, load, select, splat, store

_ZERO = np.float32(0.0)


@leaf
def pool(net: Any, work: Any, place: int, target: Any, to: int) -> None:
    """target = maxima of work.relu; winner = the index of each, the first among equals; a NaN stays."""
    for c in range(net.real_channels):
        for y in range(net.pool_side):
            corner = (c * net.side + y * net.pool) * net.side
            _columns(net, work, corner)
            _squares(net, work, corner, place, target, to)
            place += net.pool_side
            to += net.pool_side


@leaf
def _columns(net: Any, work: Any, corner: int) -> None:
    """The largest of each column of a row of squares, and how many rows below the first one it lies."""
    for x in range(0, net.side, FLOAT_WIDTH):
        best, below = load(work.relu, corner + x), splat(_ZERO)
        for row in range(1, net.pool):
            value = load(work.relu, corner + row * net.side + x)
            keep, number = value <= best, best <= best
            best = select(keep, best, select(number, value, best))
            below = select(keep, below, select(number, np.float32(row), below))
        store(work.best, x, best)
        store(work.below, x, below)


@leaf
def _squares(net: Any, work: Any, corner: int, place: int, target: Any, to: int) -> None:
    """The largest of the columns of each square. Without jumps, which a processor would guess wrongly half the time."""
    for x in range(net.pool_side):
        first = np.uint64(x * net.pool)  # unsigned: numba then looks for no negative index
        best, below, column = work.best[first], work.below[first], 0
        for i in range(1, net.pool):
            value, row = work.best[first + np.uint64(i)], work.below[first + np.uint64(i)]
            better = (value > best) | (value != value) | ((value == best) & (row < below))
            best, below, column = value if better else best, row if better else below, i if better else column
        work.winner[place + x] = corner + np.int64(below) * net.side + x * net.pool + column
        target[to + x] = best


@leaf
def unpool(net: Any, gradient: Any, at: int, winner: Any, place: int, target: Any) -> None:
    """target = the gradient at the winners, zero elsewhere."""
    target[:] = 0
    for i in range(net.features):
        target[np.uint64(winner[place + i])] = gradient[at + i]
