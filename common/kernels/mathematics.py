"""Functions of the kernels, each with its error bound, which tests measure in units in the last place (ulp).

`exp` takes vectors of doubles; those whose names end in float32 take a float32, and loops over them vectorise. The
bounds hold with fused multiply-add and without, which changes bits.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import numpy as np

from common.kernels.jit import CONTRACT, inlined, leaf
from common.kernels.vector_arithmetic import power_of_two

_LN2, _LOG2_E = np.float32(0.6931471805599453), np.float32(1.4426950408889634)
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_SQRT_HALF_BITS, _MANTISSA = np.int32(0x3F3504F3), np.int32(0x7FFFFF)


@leaf
def exp(x: Any) -> Any:
    """e**x for |x| < 700 to 2.5 ulp: x = n ln 2 + r, a Taylor polynomial of degree 12 in r, and n into the exponent."""
    shifted = x * 1.4426950408889634 + 6755399441055744.0
    n = shifted - 6755399441055744.0
    r = (x - n * 0.6931471803691238) - n * 1.9082149292705877e-10
    s = r * r
    even = ((((s * (1 / 479001600) + 1 / 3628800) * s + 1 / 40320) * s + 1 / 720) * s + 1 / 24) * s + 0.5
    odd = (((s * (1 / 39916800) + 1 / 362880) * s + 1 / 5040) * s + 1 / 120) * s + 1 / 6
    return (((odd * r + even) * s + r) + 1.0) * power_of_two(shifted)


@inlined(floats=CONTRACT)
def log_float32(x: Any) -> Any:
    """ln x for 0 < x <= 1, not subnormal, to 1.75 ulp: 2 atanh(s) for the fraction, and the exponent times ln 2."""
    bits = np.int32(np.float32(x).view(np.int32) - _SQRT_HALF_BITS)
    exponent = np.int32(bits >> np.int32(23))
    m = np.int32(np.int32(bits & _MANTISSA) + _SQRT_HALF_BITS).view(np.float32) - np.float32(1.0)
    # s = m / (2 + m); ln(1 + m) = 2 atanh(s), |s| < 0.172
    s = m / (np.float32(2.0) + m)
    z = s * s
    series = np.float32(2.0 / 9.0)
    series = series * z + np.float32(2.0 / 7.0)
    series = series * z + np.float32(2.0 / 5.0)
    series = series * z + np.float32(2.0 / 3.0)
    return np.float32(exponent) * _LN2 + (s * z * series + np.float32(2.0) * s)


@inlined(floats=CONTRACT)
def sine_of_quarters_float32(y: Any) -> Any:
    """sin(pi y / 2) for |y| <= 1 to 5 ulp (3e-7 at most); odd, so that -y gives exactly the negative."""
    z = y * y
    series = np.float32(-3.5988432e-06)
    series = series * z + np.float32(1.6044119e-04)
    series = series * z + np.float32(-4.6817541e-03)
    series = series * z + np.float32(7.9692626e-02)
    series = series * z + np.float32(-6.4596410e-01)
    series = series * z + np.float32(1.5707963)
    return y * series


@inlined(floats=CONTRACT)
def expm1_float32(t: Any) -> Any:
    """e**t - 1 for t <= 0 to 0.95 ulp: t = n ln 2 + r, and a Taylor polynomial of degree 7 in r."""
    t = np.float32(-80.0) if t < np.float32(-80.0) else t
    n = np.floor(t * _LOG2_E + np.float32(0.5))
    r = (t - n * _LN2_HIGH) - n * _LN2_LOW
    series = np.float32(1.0 / 5040.0)
    series = series * r + np.float32(1.0 / 720.0)
    series = series * r + np.float32(1.0 / 120.0)
    series = series * r + np.float32(1.0 / 24.0)
    series = series * r + np.float32(1.0 / 6.0)
    series = series * r + np.float32(0.5)
    series = r * r * series + r
    power = np.int32(np.int32(np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)
    return power * series + (power - np.float32(1.0))
