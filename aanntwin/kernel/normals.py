"""Normal random numbers as a function of seed, epoch, image, layer and element, without a generator's state.

Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011) turns a counter of
four words into four random words; pairs of these become pairs of normals by Box and Muller's method. The largest
magnitude is 6.7 standard deviations.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aanntwin.kernel.jit import kernel, leaf
from aanntwin.kernel.simd import (
    aligned,
    as_floats,
    bits_of,
    both,
    fma,
    from_signed,
    from_unsigned,
    lanes,
    left,
    load,
    plus,
    right,
    root,
    round_up,
    splat,
    store,
    swap_where,
    times_high,
    times_low,
    xor,
)  # fmt: skip
from common.seeding import seed_sequence

BLOCK = 64  # normals of one call: four words in sixteen lanes
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
_ROOT_HALF_BITS, _MANTISSA, _TOP, _EXPONENT, _TWO = (
    _u(0x3F3504F3), _u(0x007FFFFF), _u(0x80000000), _u(23), _u(2)
)  # fmt: skip
_SHIFT_ONE = _u(1)


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
def _log(word: Any) -> Any:
    """ln of (word + 1/2) / 2^32."""
    value = fma(from_unsigned(word), _STEP, _HALF_STEP)
    # An exponent such that the mantissa lies between sqrt(1/2) and sqrt(2).
    shifted = plus(bits_of(value), splat(_u(0x3F800000 - 0x3F3504F3)))
    exponent = from_signed(plus(right(shifted, splat(_EXPONENT)), splat(_u(0xFFFFFFFF - 126))))
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
def gaussian_pair(first: Any, second: Any) -> Any:
    """Two vectors of independent normals from two vectors of random words."""
    radius = root(_log(first) * _MINUS_TWO)
    # The lower 30 bits are an angle within +- pi/4; the upper two turn it by a multiple of pi/2.
    t = from_signed(left(second, splat(_TWO))) * _QUARTERS
    z = t * t
    sine = fma(fma(fma(z, _S3, _S2), z, _S1), z, _S0) * t
    cosine = fma(fma(fma(fma(z, _C4, _C3), z, _C2), z, _C1), z, _C0)
    sign = both(left(second, splat(_SHIFT_ONE)), splat(_TOP))
    radius = as_floats(xor(bits_of(radius), sign))
    return radius * swap_where(second, sine, cosine), radius * swap_where(second, cosine, sine)


@leaf
def add_normals(
    values: Any, start: int, count: int, scale: Any, key0: Any, key1: Any, site: int, image: int, epoch: int
) -> None:
    """values[start + i] += scale * normal(i) for all i < count; up to 15 elements after these are changed as well."""
    for base in range(0, count, BLOCK):
        c0 = plus(lanes(), splat(_u(base // 4)))
        w0, w1, w2, w3 = philox(c0, splat(_u(image)), splat(_u(site)), splat(_u(epoch)), key0, key1)
        n0, n1 = gaussian_pair(w0, w1)
        n2, n3 = gaussian_pair(w2, w3)
        at = start + base
        store(values, at, fma(n0, scale, load(values, at)))
        if count > base + 16:
            store(values, at + 16, fma(n1, scale, load(values, at + 16)))
        if count > base + 32:
            store(values, at + 32, fma(n2, scale, load(values, at + 32)))
        if count > base + 48:
            store(values, at + 48, fma(n3, scale, load(values, at + 48)))


def _fill(values: Any, count: int, key: Any, site: int, image: int, epoch: int) -> None:
    add_normals(values, 0, count, _ONE, key[0], key[1], site, image, epoch)


def _words(counter: Any, key: Any, out: Any) -> None:
    """For tests: the four words of a counter, as floats' bits in lane 0 of four vectors."""
    words = philox(splat(counter[0]), splat(counter[1]), splat(counter[2]), splat(counter[3]), key[0], key[1])
    store(out, 0, as_floats(words[0]))
    store(out, 16, as_floats(words[1]))
    store(out, 32, as_floats(words[2]))
    store(out, 48, as_floats(words[3]))


_fill_kernel = kernel(_fill)
_words_kernel = kernel(_words)


def make_key(seed: int, *names: str | int) -> NDArray[np.uint32]:
    """The generator's key for a seed and a stream's names."""
    return seed_sequence(seed, *names).generate_state(2, np.uint32).astype(np.uint32)


def normals(count: int, key: NDArray[np.uint32], *, site: int, image: int, epoch: int) -> NDArray[np.float32]:
    """The normals that a layer adds to an image: a float32 array of the layer's elements in their order."""
    values = aligned(round_up(count, BLOCK))
    _fill_kernel(values, count, key, site, image, epoch)
    return values[:count]


def philox_words(counter: tuple[int, int, int, int], key: tuple[int, int]) -> tuple[int, ...]:
    """The generator's four words for one counter."""
    out = aligned(4 * 16)
    _words_kernel(np.array(counter, np.uint32), np.array(key, np.uint32), out)
    return tuple(int(word) for word in out.view(np.uint32)[::16])
