"""Maxima over squares of the convolution's output, and their gradient."""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

from common.kernels.jit import leaf


@leaf
def pool(net: Any, dense: Any, winner: Any, target: Any, to: int) -> None:
    """target = maxima; winner = the index of each, the first among equals; NaN counts as largest."""
    size, place = net.pool, 0
    for c in range(net.real_channels):
        for y in range(net.pool_side):
            for x in range(net.pool_side):
                corner = (c * net.side + y * size) * net.side + x * size
                best = corner
                for row in range(size):
                    for i in range(corner + row * net.side, corner + row * net.side + size):
                        if dense[i] > dense[best] or dense[i] != dense[i]:
                            best = i
                winner[place] = best
                target[to + place] = dense[best]
                place += 1


@leaf
def unpool(net: Any, gradient: Any, winner: Any, target: Any) -> None:
    """target = the gradient at the winners, zero elsewhere."""
    target[:] = 0
    for place in range(net.features):
        target[winner[place]] = gradient[place]
