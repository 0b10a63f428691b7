"""Sums of some rows of a table, each times a number: a voltage over lit pixels, or a gradient over images.

Eight rows at a time, always in the same order; `block_sum` gives the bits of `row_sum`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from common.kernels.jit import CONTRACT, inlined
from common.kernels.vectors import FLOAT_WIDTH, fma, load, splat, store

COLUMNS = 8 * FLOAT_WIDTH  # of a block, whose eight vectors of sums stay in registers


@inlined(floats=CONTRACT)
def row_sum(start: Any, end: Any, places: Any, factors: Any, table: Any, first: Any, total: Any) -> None:
    """total = sum over the entries from start to end of factors[entry] * table[places[entry], first : first + N].

    Args:
        start, end: integers.
        places: (entries,) integers.
        factors: (entries,) float32.
        table: (rows, columns) float32.
        first: the first column to sum.
        total: (N,) float32, overwritten.
    """
    total[:] = 0.0
    entry = start
    while entry + 8 <= end:  # eight at a time, so that a total is fetched and stored less often
        c0, c1, c2, c3 = factors[entry], factors[entry + 1], factors[entry + 2], factors[entry + 3]
        c4, c5, c6, c7 = factors[entry + 4], factors[entry + 5], factors[entry + 6], factors[entry + 7]
        row0, row1 = table[places[entry]][first:], table[places[entry + 1]][first:]
        row2, row3 = table[places[entry + 2]][first:], table[places[entry + 3]][first:]
        row4, row5 = table[places[entry + 4]][first:], table[places[entry + 5]][first:]
        row6, row7 = table[places[entry + 6]][first:], table[places[entry + 7]][first:]
        for j in range(total.size):
            left = (c0 * row0[j] + c1 * row1[j]) + (c2 * row2[j] + c3 * row3[j])
            right = (c4 * row4[j] + c5 * row5[j]) + (c6 * row6[j] + c7 * row7[j])
            total[j] += left + right
        entry += 8
    while entry < end:
        factor, row = factors[entry], table[places[entry]][first:]
        for j in range(total.size):
            total[j] += factor * row[j]
        entry += 1


@inlined(floats=CONTRACT)
def _eight(total: Any, flat: Any, at: Any, rows: Any, factors: Any) -> Any:
    r0, r1, r2, r3, r4, r5, r6, r7 = rows
    c0, c1, c2, c3, c4, c5, c6, c7 = factors
    left = fma(c0, load(flat, r0 + at), c1 * load(flat, r1 + at))
    left = left + fma(c2, load(flat, r2 + at), c3 * load(flat, r3 + at))
    right = fma(c4, load(flat, r4 + at), c5 * load(flat, r5 + at))
    right = right + fma(c6, load(flat, r6 + at), c7 * load(flat, r7 + at))
    return total + (left + right)


@inlined(floats=CONTRACT)
def block_sum(start: Any, end: Any, places: Any, factors: Any, flat: Any, total: Any) -> None:
    """The same for a table of COLUMNS columns, given as one stretch of memory, (rows * COLUMNS,)."""
    w = FLOAT_WIDTH
    t0 = t1 = t2 = t3 = t4 = t5 = t6 = t7 = splat(np.float32(0.0))
    entry = start
    while entry + 8 <= end:
        c0, c1, c2, c3 = factors[entry], factors[entry + 1], factors[entry + 2], factors[entry + 3]
        c4, c5, c6, c7 = factors[entry + 4], factors[entry + 5], factors[entry + 6], factors[entry + 7]
        r0, r1 = np.int64(places[entry]) * COLUMNS, np.int64(places[entry + 1]) * COLUMNS
        r2, r3 = np.int64(places[entry + 2]) * COLUMNS, np.int64(places[entry + 3]) * COLUMNS
        r4, r5 = np.int64(places[entry + 4]) * COLUMNS, np.int64(places[entry + 5]) * COLUMNS
        r6, r7 = np.int64(places[entry + 6]) * COLUMNS, np.int64(places[entry + 7]) * COLUMNS
        rows, numbers = (r0, r1, r2, r3, r4, r5, r6, r7), (c0, c1, c2, c3, c4, c5, c6, c7)
        t0, t1 = _eight(t0, flat, 0, rows, numbers), _eight(t1, flat, w, rows, numbers)
        t2, t3 = _eight(t2, flat, 2 * w, rows, numbers), _eight(t3, flat, 3 * w, rows, numbers)
        t4, t5 = _eight(t4, flat, 4 * w, rows, numbers), _eight(t5, flat, 5 * w, rows, numbers)
        t6, t7 = _eight(t6, flat, 6 * w, rows, numbers), _eight(t7, flat, 7 * w, rows, numbers)
        entry += 8
    while entry < end:
        c, r = factors[entry], np.int64(places[entry]) * COLUMNS
        t0, t1 = fma(c, load(flat, r), t0), fma(c, load(flat, r + w), t1)
        t2, t3 = fma(c, load(flat, r + 2 * w), t2), fma(c, load(flat, r + 3 * w), t3)
        t4, t5 = fma(c, load(flat, r + 4 * w), t4), fma(c, load(flat, r + 5 * w), t5)
        t6, t7 = fma(c, load(flat, r + 6 * w), t6), fma(c, load(flat, r + 7 * w), t7)
        entry += 1
    for k, t in enumerate((t0, t1, t2, t3, t4, t5, t6, t7)):
        store(total, k * w, t)
