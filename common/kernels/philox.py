"""Random words and normals as functions of a counter and a key, without a generator's state.

Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011) turns a counter of
four words into four random words; two words become two normals by Box and Muller's method. Everything is in single
precision, in vectors of floats (`common.kernels.vectors`).
"""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import numpy as np

from common.kernels.jit import leaf
from common.kernels.vectors import (
    as_floats,
    bits_of,
    both,
    fma,
    from_signed,
    from_unsigned,
    left,
    plus,
    right,
    splat,
    sqrt,
    swap_where,
    times_high,
    times_low,
    xor,
)  # fmt: skip

_ROUNDS = 10
_f, _u = np.float32, np.uint32
_MUL_A, _MUL_B = _u(0xD2511F53), _u(0xCD9E8D57)
_KEY_A, _KEY_B = _u(0x9E3779B9), _u(0xBB67AE85)
# Least-squares fits on Chebyshev nodes: (ln(1 + x) - x) / x^2 for x from sqrt(1/2) - 1 to sqrt(2) - 1, ..
_L0, _L1, _L2, _L3, _L4 = _f(-0.49999997), _f(0.33333322), _f(-0.25000772), _f(0.20001969), _f(-0.16627599)
_L5, _L6, _L7, _L8 = _f(0.14189), _f(-0.13101634), _f(0.12821749), _f(-0.07866667)
# .. sin(t pi/4) / t and cos(t pi/4) in powers of t^2, for t from -1 to 1.
_S0, _S1, _S2, _S3 = _f(0.7853982), _f(-0.08074545), _f(0.0024900599), _f(-3.599522e-05)
_C0, _C1, _C2, _C3, _C4 = _f(1.0), _f(-0.30842513), _f(0.015854329), _f(-0.00032594430), _f(3.532962e-06)
_LN2, _HALF_STEP, _STEP = _f(0.69314718), _f(2.0**-33), _f(2.0**-32)
_ONE, _MINUS_TWO, _QUARTERS = _f(1.0), _f(-2.0), _f(2.0**-31)
_ROOT_HALF_BITS, _MANTISSA, _TOP = _u(0x3F3504F3), _u(0x007FFFFF), _u(0x80000000)
_ONE_BITS_ABOVE, _MINUS_127_AND_ONE, _EXPONENT = _u(0x3F800000 - 0x3F3504F3), _u(0xFFFFFFFF - 126), _u(23)
_SHIFT_ONE, _SHIFT_TWO = _u(1), _u(2)


@leaf
def philox(c0: Any, c1: Any, c2: Any, c3: Any, key0: Any, key1: Any) -> Any:
    """Four random words for each lane of four counter words; the key is two integers."""
    for _ in range(_ROUNDS):
        high_a, low_a = times_high(splat(_MUL_A), c0), times_low(splat(_MUL_A), c0)
        high_b, low_b = times_high(splat(_MUL_B), c2), times_low(splat(_MUL_B), c2)
        c0, c1, c2, c3 = xor(xor(high_b, c1), splat(key0)), low_b, xor(xor(high_a, c3), splat(key1)), low_a
        key0, key1 = _u(key0 + _KEY_A), _u(key1 + _KEY_B)
    return c0, c1, c2, c3


@leaf
def log_uniform(word: Any) -> Any:
    """ln of (word + 1/2) / 2^32, to 0.9 ulp for that number in single precision."""
    value = fma(from_unsigned(word), _STEP, _HALF_STEP)
    # An exponent such that the mantissa lies between sqrt(1/2) and sqrt(2).
    shifted = plus(bits_of(value), splat(_ONE_BITS_ABOVE))
    exponent = from_signed(plus(right(shifted, splat(_EXPONENT)), splat(_MINUS_127_AND_ONE)))
    mantissa = as_floats(plus(both(shifted, splat(_MANTISSA)), splat(_ROOT_HALF_BITS)))
    x = mantissa - _ONE
    p = fma(x, _L8, _L7)
    p = fma(p, x, _L6)
    p = fma(p, x, _L5)
    p = fma(p, x, _L4)
    p = fma(p, x, _L3)
    p = fma(p, x, _L2)
    p = fma(p, x, _L1)
    p = fma(p, x, _L0)
    return fma(exponent, _LN2, fma(p * x, x, x))


@leaf
def sine_cosine(t: Any) -> Any:
    """Sine and cosine of t pi/4 for t from -1 to 1, to 1.7 and 1 ulp."""
    z = t * t
    sine = fma(fma(fma(z, _S3, _S2), z, _S1), z, _S0) * t
    return sine, fma(fma(fma(fma(z, _C4, _C3), z, _C2), z, _C1), z, _C0)


@leaf
def normal_pair(first: Any, second: Any) -> Any:
    """Two vectors of independent normals from two vectors of random words.

    Each is Box and Muller's of (first + 1/2) / 2^32, in single precision, and of the second word, to 4 ulp; at most
    6.77 in size. That number's rounding moves normals by 1e-7 (root mean square), and those near zero by 3e-4 at most.
    """
    radius = sqrt(log_uniform(first) * _MINUS_TWO)
    # The lower 30 bits are an angle within +- pi/4; the upper two turn it by a multiple of pi/2.
    sine, cosine = sine_cosine(from_signed(left(second, splat(_SHIFT_TWO))) * _QUARTERS)
    sign = both(left(second, splat(_SHIFT_ONE)), splat(_TOP))
    radius = as_floats(xor(bits_of(radius), sign))
    return radius * swap_where(second, sine, cosine), radius * swap_where(second, cosine, sine)
