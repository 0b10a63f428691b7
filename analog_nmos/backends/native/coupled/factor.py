"""Elimination by fronts: LU factors of a network's matrix, and solutions with them; every loop over whole vectors.

Rows are not exchanged. By Kirchhoff's current law a column of the matrix holds a positive diagonal and what of it
leaves the column's node through edges to other nodes, so that it is the largest and elimination is stable; what is
left over is judged by `newton`, which looks at the full equations again.

A front's matrix lies row by row, `stride` apart. Afterwards its pivots' rows hold U, and what lies left of it and
below holds the multipliers L. `inverse` (F,) is one over the pivots.
"""

# mypy: allow-untyped-defs

from __future__ import annotations

import math

from analog_nmos.backends.native.coupled.fronts import ROWS
from analog_nmos.backends.native.coupled.inverse import invert, multiply
from common.kernels.jit import leaf, lean
from common.kernels.vectors import WIDTH, load, splat, store, total

BLOCK = 16  # pivots that are eliminated from all later rows at once; whole vectors


@lean
def factor_front(a, at, stride, size, pivots, first, inverse, panel):
    """Eliminate the first `pivots` rows of a front of `size` rows; False if one of them has no finite pivot."""
    for begin in range(0, pivots, BLOCK):
        end = min(begin + BLOCK, pivots)
        if not _own_rows(a, at, stride, begin, end, first, inverse, panel):
            return False
        edge = -(-end // WIDTH) * WIDTH
        for i in range(end, size):
            _multipliers(a, at + i * stride, stride, begin, end, edge, first, inverse, panel)
        for i in range(end, size, ROWS):
            _update(a, at + i * stride, stride, begin, end, edge, panel)
    return True


@leaf
def _own_rows(a, at, stride, begin, end, first, inverse, panel):
    """Eliminate a block's pivots from its own rows; `panel` gets these rows, with zeros up to the diagonal.

    On the diagonal it gets the pivot less 1, so that the vector that a multiple of the row is subtracted from gets the
    multiple itself there: a store of this one number would hold up the load of the vector around it.
    """
    for i in range(begin, end):
        row, copy = at + i * stride, (i - begin) * stride
        for k in range(begin, i):
            share = a[row + k] * inverse[first + k]
            for j in range(k // WIDTH * WIDTH, stride, WIDTH):
                store(a, row + j, load(a, row + j) - share * load(panel, (k - begin) * stride + j))
        pivot = a[row + i]
        if pivot == 0.0 or not math.isfinite(pivot):
            return False
        inverse[first + i] = 1.0 / pivot
        here = i // WIDTH * WIDTH
        for j in range(begin, stride, WIDTH):
            store(panel, copy + j, load(a, row + j) if j >= here else splat(0.0))
        for j in range(here, i):
            panel[copy + j] = 0.0
        panel[copy + i] = pivot - 1.0
    return True


@leaf
def _multipliers(a, row, stride, begin, end, edge, first, inverse, panel):
    """Eliminate a block's pivots from the block's columns (up to `edge`) of a later row."""
    for k in range(begin, end):
        share = a[row + k] * inverse[first + k]
        for j in range(k // WIDTH * WIDTH, edge, WIDTH):
            store(a, row + j, load(a, row + j) - share * load(panel, (k - begin) * stride + j))


@leaf
def _update(a, row, stride, begin, end, edge, panel):
    """Eliminate a block's pivots from the columns from `edge` on of ROWS = 4 later rows."""
    second, third, fourth = row + stride, row + 2 * stride, row + 3 * stride
    j = edge
    while j + WIDTH < stride:
        a0, a1 = load(a, row + j), load(a, row + j + WIDTH)
        b0, b1 = load(a, second + j), load(a, second + j + WIDTH)
        c0, c1 = load(a, third + j), load(a, third + j + WIDTH)
        d0, d1 = load(a, fourth + j), load(a, fourth + j + WIDTH)
        at = j
        for k in range(begin, end):
            left, right = load(panel, at), load(panel, at + WIDTH)
            share = a[row + k]
            a0, a1 = a0 - share * left, a1 - share * right
            share = a[second + k]
            b0, b1 = b0 - share * left, b1 - share * right
            share = a[third + k]
            c0, c1 = c0 - share * left, c1 - share * right
            share = a[fourth + k]
            d0, d1 = d0 - share * left, d1 - share * right
            at += stride
        store(a, row + j, a0)
        store(a, row + j + WIDTH, a1)
        store(a, second + j, b0)
        store(a, second + j + WIDTH, b1)
        store(a, third + j, c0)
        store(a, third + j + WIDTH, c1)
        store(a, fourth + j, d0)
        store(a, fourth + j + WIDTH, d1)
        j += 2 * WIDTH
    if j < stride:
        a0, b0, c0, d0 = load(a, row + j), load(a, second + j), load(a, third + j), load(a, fourth + j)
        at = j
        for k in range(begin, end):
            left = load(panel, at)
            a0 = a0 - a[row + k] * left
            b0 = b0 - a[second + k] * left
            c0 = c0 - a[third + k] * left
            d0 = d0 - a[fourth + k] * left
            at += stride
        store(a, row + j, a0)
        store(a, second + j, b0)
        store(a, third + j, c0)
        store(a, fourth + j, d0)


@lean
def assemble(fronts, f, a, data, load_S):
    """A front's matrix: the network's own entries, loads on the diagonal, and what its children leave."""
    at, stride = fronts.at[f], fronts.stride[f]
    for j in range(at, fronts.at[f + 1], WIDTH):
        store(a, j, 0.0)
    for e in range(fronts.entry_at[f], fronts.entry_at[f + 1]):
        a[fronts.entry_to[e]] += data[fronts.entry_from[e]]
    for i in range(fronts.first[f + 1] - fronts.first[f]):
        a[at + i * (stride + 1)] += load_S[fronts.first[f] + i]
    for c in range(fronts.child_at[f], fronts.child_at[f + 1]):
        _extend(fronts, fronts.child[c], a, at, stride)


@leaf
def _extend(fronts, child, a, at, stride):
    """Add what a child leaves on its boundary to its parent's matrix, where columns follow each other as vectors."""
    begin, n = fronts.rows_at[child], fronts.rows_at[child + 1] - fronts.rows_at[child]
    pivots, theirs = fronts.first[child + 1] - fronts.first[child], fronts.stride[child]
    source, j = fronts.at[child] + pivots * (theirs + 1), 0
    while j < n:
        column, room = at + fronts.into[begin + j], source + j
        if j + WIDTH <= n and fronts.into[begin + j + WIDTH - 1] == fronts.into[begin + j] + WIDTH - 1:
            for i in range(n):
                place = column + fronts.into[begin + i] * stride
                store(a, place, load(a, place) + load(a, room))
                room += theirs
            j += WIDTH
        else:
            for i in range(n):
                a[column + fronts.into[begin + i] * stride] += a[room]
                room += theirs
            j += 1


@lean
def factor(fronts, begin, a, data, load_S, inverse, panel):
    """Factor all fronts from number `begin` on, the ones before being factored already; False if singular.

    A small network's only front is inverted.
    """
    if fronts.entry_from.size == 0:
        return invert(data, load_S, a, fronts.stride[0], panel)
    for f in range(begin, fronts.parent.size):
        assemble(fronts, f, a, data, load_S)
        pivots = fronts.first[f + 1] - fronts.first[f]
        size = pivots + fronts.rows_at[f + 1] - fronts.rows_at[f]
        if not factor_front(a, fronts.at[f], fronts.stride[f], size, pivots, fronts.first[f], inverse, panel):
            return False
    return True


@leaf
def _dot(a, at, x, begin, end):
    """Sum of a[at + j] * x[j] over whole vectors of j."""
    found = splat(0.0)
    for j in range(begin, end, WIDTH):
        found = found + load(a, at + j) * load(x, j)
    return total(found)


@lean
def substitute(fronts, a, inverse, x, part):
    """Replace x (F,) by the solution; `part` is room for the longest row of a front."""
    if fronts.entry_from.size == 0:
        multiply(a, fronts.stride[0], x, part)
        return
    n_fronts = fronts.parent.size
    for f in range(n_fronts):
        first, begin, stride = fronts.first[f], fronts.rows_at[f], fronts.stride[f]
        pivots, n = fronts.first[f + 1] - first, fronts.rows_at[f + 1] - begin
        last = -(-pivots // WIDTH) * WIDTH
        for j in range(0, last, WIDTH):
            store(part, j, 0.0)
        row = fronts.at[f]
        for i in range(pivots):
            if i:
                x[first + i] -= _dot(a, row, part, 0, i)
            part[i] = x[first + i]
            row += stride
        for i in range(n):
            x[fronts.rows[begin + i]] -= _dot(a, row, part, 0, pivots)
            row += stride
    for f in range(n_fronts - 1, -1, -1):
        first, begin, stride = fronts.first[f], fronts.rows_at[f], fronts.stride[f]
        pivots, n = fronts.first[f + 1] - first, fronts.rows_at[f + 1] - begin
        for j in range(0, stride, WIDTH):
            store(part, j, 0.0)
        for i in range(n):
            part[pivots + i] = x[fronts.rows[begin + i]]
        for i in range(pivots - 1, -1, -1):
            row = fronts.at[f] + i * stride
            found = (x[first + i] - _dot(a, row, part, i // WIDTH * WIDTH, stride)) * inverse[first + i]
            part[i] = found
            x[first + i] = found
