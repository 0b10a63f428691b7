"""Solutions with the transposed matrix of a coupled network, from the factors of `stars`, `factor` and `inverse`.

With A = L U the transposed system is solved by U transposed, forwards over the fronts, and then by L transposed,
backwards. Both go over the factors row by row, as these lie in memory: what a row of `factor.substitute` sums up is
spread here over the row's columns.
"""

# mypy: allow-untyped-defs

from __future__ import annotations

from analog_nmos.backends.native.coupled.stars import first_entries
from common.kernels.jit import leaf, lean
from common.kernels.vectors import WIDTH, load, splat, store, total


@lean
def transposed_reply(w, memory, x):
    """Replace x (F,) by the solution of the transposed system: as `newton.reply`."""
    _forward(w, memory.data, memory.inverse, x, memory.entries)
    if w.fronts.entry_from.size == 0:
        _multiply(memory.matrix, w.fronts.stride[0], x, memory.part)
    else:
        _upper(w.fronts, memory.matrix, memory.inverse, x, memory.part)
        _lower(w.fronts, memory.matrix, x, memory.part)
    _backward(w, memory.data, memory.inverse, x)


@leaf
def _forward(w, data, inverse, x, room):
    """Divide at the stars by their pivots, and subtract at the outputs what their rows bring."""
    at, _, _ = first_entries(w)
    n, begin, pair = w.shape.size, w.bundle.size * WIDTH, 2 * WIDTH
    for e in range(n):
        store(room, e * WIDTH, 0.0)
    for b in range(w.bundle.size):
        found = load(x, b * WIDTH) * load(inverse, b * WIDTH)
        store(x, b * WIDTH, found)
        for e in range(n):
            store(room, e * WIDTH, load(room, e * WIDTH) + load(data, at + e * pair) * found)
        at += n * pair
    for e in range(n):
        x[w.outputs[w.shape[e]]] -= total(load(room, e * WIDTH))
    for k in range(w.star_at.size - 1):
        x[begin + k] *= inverse[begin + k]
        for e in range(w.star_at[k], w.star_at[k + 1]):
            x[w.outputs[w.star_output[e]]] -= data[w.star_place[e]] * x[begin + k]


@leaf
def _backward(w, data, inverse, x):
    """Subtract at the stars what their columns bring, which lie divided by the pivots."""
    at, _, _ = first_entries(w)
    begin, pair = w.bundle.size * WIDTH, 2 * WIDTH
    for b in range(w.bundle.size):
        found = load(x, b * WIDTH)
        for e in range(w.shape.size):
            found = found - load(data, at + e * pair + WIDTH) * x[w.outputs[w.shape[e]]]
        store(x, b * WIDTH, found)
        at += w.shape.size * pair
    for k in range(w.star_at.size - 1):
        for e in range(w.star_at[k], w.star_at[k + 1]):
            x[begin + k] -= data[w.star_place[e] + 1] * x[w.outputs[w.star_output[e]]]


@leaf
def _multiply(a, stride, x, part):
    """Replace x by its product with the transposed inverse, whose rows are those of `a`."""
    for j in range(0, stride, WIDTH):
        store(part, j, 0.0)
    for k in range(x.size):
        part[k] = x[k]
    for k in range(x.size):
        found = splat(0.0)
        for j in range(0, stride, WIDTH):
            found = found + load(a, k * stride + j) * load(part, j)
        x[k] = total(found)


@leaf
def _upper(fronts, a, inverse, x, part):
    """Solve by the transposed U. What `part` gets left of a row's pivot is not read any more."""
    for f in range(fronts.parent.size):
        first, begin, stride = fronts.first[f], fronts.rows_at[f], fronts.stride[f]
        pivots, n = fronts.first[f + 1] - first, fronts.rows_at[f + 1] - begin
        for j in range(0, stride, WIDTH):
            store(part, j, 0.0)
        for i in range(pivots):
            part[i] = x[first + i]
        for i in range(pivots):
            found, row = part[i] * inverse[first + i], fronts.at[f] + i * stride
            x[first + i] = found
            for j in range(i // WIDTH * WIDTH, stride, WIDTH):
                store(part, j, load(part, j) - found * load(a, row + j))
        for i in range(n):
            x[fronts.rows[begin + i]] += part[pivots + i]


@leaf
def _lower(fronts, a, x, part):
    """Solve by the transposed L, whose diagonal is 1. What `part` gets from a row's pivot on is not read any more."""
    for f in range(fronts.parent.size - 1, -1, -1):
        first, begin, stride = fronts.first[f], fronts.rows_at[f], fronts.stride[f]
        pivots, n = fronts.first[f + 1] - first, fronts.rows_at[f + 1] - begin
        last = -(-pivots // WIDTH) * WIDTH
        for j in range(0, last, WIDTH):
            store(part, j, 0.0)
        for i in range(pivots):
            part[i] = x[first + i]
        for i in range(n):
            known, row = x[fronts.rows[begin + i]], fronts.at[f] + (pivots + i) * stride
            for j in range(0, last, WIDTH):
                store(part, j, load(part, j) - known * load(a, row + j))
        for i in range(pivots - 1, -1, -1):
            known, row = part[i], fronts.at[f] + i * stride
            x[first + i] = known
            for j in range(0, i, WIDTH):
                store(part, j, load(part, j) - known * load(a, row + j))
