"""Some numbers at once, inside numba kernels: vectors of doubles, floats and unsigned integers, and what they can do.

numba's own loops do not vectorise here (aliasing between work arrays, and exp), so the kernels name vectors: `load`
from an array of doubles gives eight, from one of floats sixteen, and `a * b + c` on them is one AVX-512 instruction,
two with AVX2, four with SSE2 or NEON. Comparisons give a mask for `select`. NaN and infinity stay what they are.
Products and sums of doubles may be contracted to fused multiply-adds; those of floats only where `fma` says so, and
sums over lanes run in the same order everywhere.

With numba's compiler off (NUMBA_DISABLE_JIT=1) a vector is a single number: WIDTH is 1, `load` gives array[index],
and the same sources of kernels run as plain Python. So a kernel steps by WIDTH (or FLOAT_WIDTH), not by 8 (or 16).
"""

from __future__ import annotations

from common.kernels.jit import PLAIN
from common.kernels.mathematics import exp
from common.kernels.vector_arithmetic import absolute, any_of, fma, maximum, minimum, select, splat, sqrt
from common.kernels.vector_kinds import DOUBLES, FLOATS
from common.kernels.vector_memory import add_sums, aligned, gather, keep_first, lane, largest, load, store, total
from common.kernels.vector_words import (
    as_floats,
    bits_of,
    both,
    from_signed,
    from_unsigned,
    lanes,
    left,
    plus,
    right,
    swap_where,
    times_high,
    times_low,
    xor,
)  # fmt: skip

__all__ = [
    "FLOAT_WIDTH", "WIDTH", "absolute", "add_sums", "aligned", "any_of", "as_floats", "bits_of", "both", "exp",
    "fma", "from_signed", "from_unsigned", "gather", "keep_first", "lane", "lanes", "largest", "left", "load",
    "maximum", "minimum", "plus", "right", "select", "splat", "sqrt", "store", "swap_where", "times_high",
    "times_low", "total", "xor",
]  # fmt: skip

WIDTH = 1 if PLAIN else DOUBLES.lanes
FLOAT_WIDTH = 1 if PLAIN else FLOATS.lanes
