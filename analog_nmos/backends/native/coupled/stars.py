"""Elimination of stars, the hidden nodes whose only free neighbours are outputs; eight of one shape side by side.

Stars that see the same outputs through the same edges come first and in bundles of eight: what the data holds of a
bundle are vectors over its stars. Those that are left over are eliminated one by one. `room` is K * K vectors long.
"""

# mypy: allow-untyped-defs

from __future__ import annotations

import math

from common.kernels.jit import leaf, lean
from common.kernels.vectors import WIDTH, absolute, any_of, load, select, splat, store, total


@leaf
def first_entries(w):
    """Where the data of the bundles' entries begins, then of those of single stars, then of the outputs' block."""
    bundled = -(-(w.bundle.size * WIDTH + w.star_at.size - 1) // WIDTH) * WIDTH
    single = bundled + 2 * WIDTH * w.bundle.size * w.shape.size
    return bundled, single, single + 2 * w.star_place.size


@lean
def eliminate(w, data, load_S, inverse, room):
    """Eliminate the stars into the outputs' entries; False if one has no finite pivot."""
    _, _, outputs = first_entries(w)
    n_outputs, begin = w.outputs.size, w.bundle.size * WIDTH
    if not _eliminate_bundles(w, data, load_S, inverse, room):
        return False
    for k in range(w.star_at.size - 1):
        star = begin + k
        pivot = data[star] + load_S[star]
        if pivot == 0.0 or not math.isfinite(pivot):
            return False
        inverse[star] = 1.0 / pivot
        for e in range(w.star_at[k], w.star_at[k + 1]):
            share = data[w.star_place[e] + 1] * inverse[star]
            data[w.star_place[e] + 1] = share
            row = outputs + w.star_output[e] * n_outputs
            for f in range(w.star_at[k], w.star_at[k + 1]):
                data[row + w.star_output[f]] -= share * data[w.star_place[f]]
    return True


@leaf
def _eliminate_bundles(w, data, load_S, inverse, room):
    at, _, outputs = first_entries(w)
    n, n_outputs, pair = w.shape.size, w.outputs.size, 2 * WIDTH
    for k in range(0, n * n * WIDTH, WIDTH):
        store(room, k, 0.0)
    bad = splat(0.0)
    for b in range(w.bundle.size):
        pivot = load(data, b * WIDTH) + load(load_S, b * WIDTH)
        size = absolute(pivot)
        bad = bad + select(size > 0.0, select(size < math.inf, splat(0.0), 1.0), 1.0)
        upside = 1.0 / pivot
        store(inverse, b * WIDTH, upside)
        for e in range(n):
            share = load(data, at + e * pair + WIDTH) * upside
            store(data, at + e * pair + WIDTH, share)
            for f in range(n):
                k = (e * n + f) * WIDTH
                store(room, k, load(room, k) + share * load(data, at + f * pair))
        at += n * pair
    for e in range(n):
        for f in range(n):
            data[outputs + w.shape[e] * n_outputs + w.shape[f]] -= total(load(room, (e * n + f) * WIDTH))
    return not any_of(bad > 0.0)


@leaf
def forward(w, data, x, room):
    """What currents x (F,) at the stars leave at the outputs."""
    at, _, _ = first_entries(w)
    n, begin, pair = w.shape.size, w.bundle.size * WIDTH, 2 * WIDTH
    for e in range(n):
        store(room, e * WIDTH, 0.0)
    for b in range(w.bundle.size):
        current = load(x, b * WIDTH)
        for e in range(n):
            store(room, e * WIDTH, load(room, e * WIDTH) + load(data, at + e * pair + WIDTH) * current)
        at += n * pair
    for e in range(n):
        x[w.outputs[w.shape[e]]] -= total(load(room, e * WIDTH))
    for k in range(w.star_at.size - 1):
        for e in range(w.star_at[k], w.star_at[k + 1]):
            x[w.outputs[w.star_output[e]]] -= data[w.star_place[e] + 1] * x[begin + k]


@leaf
def backward(w, data, inverse, x):
    """The stars' voltages from those of the outputs, both in x (F,)."""
    at, _, _ = first_entries(w)
    begin, pair = w.bundle.size * WIDTH, 2 * WIDTH
    for b in range(w.bundle.size):
        found = load(x, b * WIDTH)
        for e in range(w.shape.size):
            found = found - load(data, at + e * pair) * x[w.outputs[w.shape[e]]]
        store(x, b * WIDTH, found * load(inverse, b * WIDTH))
        at += w.shape.size * pair
    for k in range(w.star_at.size - 1):
        found = x[begin + k]
        for e in range(w.star_at[k], w.star_at[k + 1]):
            found -= data[w.star_place[e]] * x[w.outputs[w.star_output[e]]]
        x[begin + k] = found * inverse[begin + k]
