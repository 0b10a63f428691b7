"""Normal numbers from random bits by Box and Muller's method, in single precision, in two ways.

They differ in how many bits go in and in whose logarithm and cosine are used, so in all digits; published results of
two suites stand on them. Radius and angle come from bits of their own, and no logarithm is of zero.

Source: Box and Muller, A note on the generation of random normal deviates, Ann. Math. Statist. 29, 1958.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from common.kernels.jit import CONTRACT, STRICT, inlined
from common.kernels.mathematics import log_float32, sine_of_quarters_float32

_STEP24 = np.float32(2.0**-24)
_TURN24 = np.float32(2 * math.pi * 2.0**-24)
_LOW24, _SHIFT40, _ONE = np.uint64(0xFFFFFF), np.uint64(40), np.uint64(1)


@inlined(floats=CONTRACT)
def pair_from_words(first: Any, second: Any, deviation: Any) -> Any:
    """Two independent N(0, deviation) numbers from two words, with the polynomials of `common.kernels.mathematics`.

    The radius is sqrt(-2 ln u), u = (k + 1/2) / 2^31 in float32 and k the upper 31 bits of the first word; at most 6.7.
    The angle lies a share m / 2^30 into one of four quadrants, which the two top bits of the second word choose; m are
    its other bits. Each number is within 5.5 ulp of the radius (4.5e-7 of it) of the exact one.

    Args:
        first, second: uint32.
        deviation: float32.
    """
    uniform = (np.float32(np.int32(first >> np.uint32(1))) + np.float32(0.5)) * np.float32(2.0**-31)
    radius = deviation * np.sqrt(np.float32(-2.0) * log_float32(uniform))
    part = np.float32(np.int32(second & np.uint32(0x3FFFFFFF))) * np.float32(2.0**-30)
    along = sine_of_quarters_float32(part) * radius
    across = sine_of_quarters_float32(np.float32(1.0) - part) * radius
    along = along if second & np.uint32(0x80000000) else -along
    across = across if second & np.uint32(0x40000000) else -across
    return along, across


@inlined(floats=STRICT)
def polar_from_bits(bits: Any) -> Any:
    """Radius and cosine of the angle, whose product is N(0, 1), with the C library's logarithm and cosine.

    The radius is sqrt(-2 ln((k + 1) / 2^24)), k the upper 24 bits, at most 5.8, to 1 ulp; the angle 2 pi m / 2^24, m
    the lower 24 bits, its cosine to 4e-7 (with glibc's functions).

    Args:
        bits: uint64.
    """
    uniform = np.float32(np.int32((bits >> _SHIFT40) + _ONE)) * _STEP24
    radius = np.float32(math.sqrt(np.float32(-2) * np.float32(math.log(uniform))))
    return radius, np.float32(math.cos(np.float32(np.int32(bits & _LOW24)) * _TURN24))
