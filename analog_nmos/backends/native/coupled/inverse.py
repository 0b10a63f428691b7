"""The inverse of a small matrix: for few unknowns a product with it is faster than substitution by factors.

Gauss-Jordan elimination without exchange of rows, in place and on whole vectors. It is stable here for the same reason
as the factors are (see `factor`): columns have their largest entries on the diagonal. The matrix comes transposed, so
that a product adds up whole rows.
"""

# mypy: allow-untyped-defs

from __future__ import annotations

import math

from common.kernels.jit import leaf
from common.kernels.vectors import WIDTH, load, select, splat, store


@leaf
def invert(data, load_S, a, stride, room):
    """Fill `a` with the inverse of the matrix `data` (rows `stride` apart) plus loads (F,) on its diagonal.

    `room` is overwritten, 2 * stride long. False if a pivot is not finite.
    """
    size = load_S.size
    for j in range(0, size * stride, WIDTH):
        store(a, j, load(data, j))
    for i in range(size):
        a[i * (stride + 1)] += load_S[i]
    for j in range(0, 2 * stride, WIDTH):
        store(room, j, 0.0)
    room[stride] = 1.0  # read from stride - k on, this is row k of the unit matrix
    for k in range(size):
        row = k * stride
        pivot = a[row + k]
        if pivot == 0.0 or not math.isfinite(pivot):
            return False
        inverse = 1.0 / pivot
        for j in range(0, stride, WIDTH):
            store(a, row + j, select(load(room, stride - k + j) > 0.5, 1.0, load(a, row + j)) * inverse)
        for i in range(k + 1, size):
            _eliminate(a, i * stride, row, stride, k, room)
        for i in range(k):
            _eliminate(a, i * stride, row, stride, k, room)
    return True


@leaf
def _eliminate(a, other, row, stride, k, room):
    """Subtract from another row what it has of row k; where its own column was, the inverse grows."""
    share = a[other + k]
    for j in range(0, stride, WIDTH):
        rest = select(load(room, stride - k + j) > 0.5, 0.0, load(a, other + j))
        store(a, other + j, rest - share * load(a, row + j))


@leaf
def multiply(a, stride, x, room):
    """Replace x (F,) by its product with the inverse; `room` is `stride` long."""
    for j in range(0, stride, WIDTH):
        found = splat(0.0)
        for k in range(x.size):
            found = found + x[k] * load(a, k * stride + j)
        store(room, j, found)
    for k in range(x.size):
        x[k] = room[k]
