"""Normal random numbers in bulk: xoshiro128++ in 64 lanes, and Box and Muller's transformation in single precision.

The numbers reach 6.7 standard deviations; a true normal variable goes beyond once in 5e10 draws.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.kernels.jit import CONTRACT, inlined, kernel
from common.seeding import seed_sequence

LANES = 64
PAIR = 2 * LANES  # numbers a step of all lanes gives
_LN2 = np.float32(0.6931471805599453)
_SQRT_HALF_BITS = np.int32(0x3F3504F3)
_ONE_BITS = np.int32(0x3F800000)
_MANTISSA = np.int32(0x7FFFFF)


class NormalStream:
    """Independent N(0, 1) numbers of one named stream; see `common.seeding`."""

    def __init__(self, seed: int, *names: str | int) -> None:
        words = seed_sequence(seed, *names).generate_state(4 * LANES, np.uint32)
        self._state = words.reshape(4, LANES)
        self._spare = np.zeros(PAIR, np.float32)

    def add(self, values: NDArray[np.float32], deviation: float) -> None:
        """Add N(0, deviation) to every element of a C-contiguous array, in place."""
        add_normal(values.reshape(-1), np.float32(deviation), self._state, self._spare)


@inlined(floats=CONTRACT)
def _rotate(word: Any, by: Any) -> Any:
    return np.uint32(word << np.uint32(by)) | np.uint32(word >> np.uint32(32 - by))


@inlined(floats=CONTRACT)
def _log(x: Any) -> Any:
    """ln x for 0 < x <= 1; error 2e-7 of the value, or 1e-7 near 0."""
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
def _sine(y: Any) -> Any:
    """sin(pi y / 2) for |y| <= 1; error 2e-8."""
    z = y * y
    series = np.float32(-3.5988432e-06)
    series = series * z + np.float32(1.6044119e-04)
    series = series * z + np.float32(-4.6817541e-03)
    series = series * z + np.float32(7.9692626e-02)
    series = series * z + np.float32(-6.4596410e-01)
    series = series * z + np.float32(1.5707963)
    return y * series


@kernel(floats=CONTRACT)
def add_normal(values: Any, deviation: Any, state: Any, spare: Any) -> None:
    """Add deviation * N(0, 1) to every element.

    Args:
        values: (n,) float32.
        deviation: standard deviation, float32.
        state: (4, LANES) uint32, moved on.
        spare: (PAIR,) float32, room for the last few.
    """
    a, b, c, d = state[0], state[1], state[2], state[3]
    scale = np.float32(2.0**-31)
    for start in range(0, values.size, PAIR):
        for lane in range(LANES):
            mixed = np.uint32(a[lane] + d[lane])
            first = np.uint32(_rotate(mixed, 7) + a[lane])
            shifted = np.uint32(b[lane] << np.uint32(9))
            c[lane] ^= a[lane]
            d[lane] ^= b[lane]
            b[lane] ^= c[lane]
            a[lane] ^= d[lane]
            c[lane] ^= shifted
            d[lane] = _rotate(d[lane], 11)
            mixed = np.uint32(a[lane] + d[lane])
            second = np.uint32(_rotate(mixed, 7) + a[lane])
            shifted = np.uint32(b[lane] << np.uint32(9))
            c[lane] ^= a[lane]
            d[lane] ^= b[lane]
            b[lane] ^= c[lane]
            a[lane] ^= d[lane]
            c[lane] ^= shifted
            d[lane] = _rotate(d[lane], 11)
            # uniform in (0, 1]
            uniform = (np.float32(np.int32(first >> np.uint32(1))) + np.float32(0.5)) * scale
            radius = deviation * np.sqrt(np.float32(-2.0) * _log(uniform))
            # The angle is 2 pi (k + 1/2) / 2^30, in one of four quadrants that the two top bits choose.
            part = np.float32(np.int32(second & np.uint32(0x3FFFFFFF))) * np.float32(2.0**-30)
            along = _sine(part) * radius
            across = _sine(np.float32(1.0) - part) * radius
            spare[lane] = along if second & np.uint32(0x80000000) else -along
            spare[LANES + lane] = across if second & np.uint32(0x40000000) else -across
        count = min(PAIR, values.size - start)
        for k in range(count):
            values[start + k] += spare[k]
