"""Random numbers against published test vectors and second implementations, and normal numbers against doubles."""

import itertools

import numpy as np
import pytest
from generators import normal_pairs, polar, splitmix64, xoshiro128

from common.kernels.box_muller import pair_from_words, polar_from_bits
from common.kernels.jit import STRICT, kernel
from common.kernels.splitmix64 import bits_at
from common.kernels.xoshiro128 import next_word

RNG = np.random.default_rng(8)
# Of Vigna's splitmix64.c, and of xoshiro128plusplus.c, as the Rust crate rand_xoshiro tests it.
SPLITMIX_1234567 = [
    6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821
]  # fmt: skip
XOSHIRO_1234 = [
    641, 1573767, 3222811527, 3517856514, 836907274, 4247214768, 3867114732, 1355841295, 495546011, 621204420
]  # fmt: skip


def first(count, generator):
    return list(itertools.islice(generator, count))


@kernel(floats=STRICT, kept=False)
def _places(key, out):
    for n in range(out.size):
        out[n] = bits_at(key, n)


@kernel(floats=STRICT, kept=False)
def _words(state, out):
    a, b, c, d = state[0], state[1], state[2], state[3]
    for n in range(out.size):
        out[n], a, b, c, d = next_word(a, b, c, d)


def splitmix(key, count=1000):
    out = np.empty(count, np.uint64)
    _places(np.uint64(key), out)
    return out.tolist()


def xoshiro(state, count=1000):
    out = np.empty(count, np.uint32)
    _words(np.array(state, np.uint32), out)
    return out.tolist()


def test_published_test_vectors():
    assert splitmix(1234567, 5) == first(5, splitmix64(1234567)) == SPLITMIX_1234567
    assert xoshiro([1, 2, 3, 4], 10) == first(10, xoshiro128(1, 2, 3, 4)) == XOSHIRO_1234


@pytest.mark.parametrize("key", [0, 2**64 - 1, *RNG.integers(0, 2**64, 5, np.uint64).tolist()])
def test_splitmix64_is_that_of_the_second_implementation(key):
    assert splitmix(key) == first(1000, splitmix64(key))


@pytest.mark.parametrize("state", [[0, 0, 0, 1], [2**32 - 1] * 4, *RNG.integers(0, 2**32, (5, 4)).tolist()])
def test_xoshiro128_is_that_of_the_second_implementation(state):
    assert xoshiro(state) == first(1000, xoshiro128(*state))


@kernel(floats=STRICT, kept=False)
def _pairs(first, second, deviation, out):
    for n in range(first.size):
        out[0, n], out[1, n] = pair_from_words(first[n], second[n], deviation)


@kernel(floats=STRICT, kept=False)
def _polar(bits, out):
    for n in range(bits.size):
        out[0, n], out[1, n] = polar_from_bits(bits[n])


def test_pairs_from_words_are_within_five_and_a_half_ulp_of_their_length():
    ends = [0, 1, 2, 3, 2**30 - 1, 2**30, 2**31, 2**31 + 2**30, 2**32 - 2**8, 2**32 - 1]
    few = np.array(list(itertools.product(ends, ends)), np.uint32).T
    first, second = np.hstack([few, RNG.integers(0, 2**32, (2, 1_000_000), np.uint32)])
    out = np.empty((2, first.size), np.float32)
    _pairs(first, second, np.float32(1), out)
    radius, *wanted = normal_pairs(first, second)
    errors = np.abs(out - wanted) / np.spacing(radius.astype(np.float32))
    assert 4 < errors.max() < 5.5
    assert np.isfinite(out).all()
    assert 6.66 < np.abs(out).max() < 6.67
    twice = np.empty_like(out)
    _pairs(first, second, np.float32(2), twice)
    np.testing.assert_array_equal(twice, 2 * out)


def test_radius_and_cosine_from_bits_keep_their_bounds():
    few = np.array([0, 1, 2**24 - 1, 2**40 - 1, 2**40, 2**63, 2**64 - 1], np.uint64)
    bits = np.concatenate([few, RNG.integers(0, 2**64, 1_000_000, np.uint64)])
    out = np.empty((2, bits.size), np.float32)
    _polar(bits, out)
    radius, cosine = polar(bits)
    assert (np.abs(out[0] - radius) <= np.spacing(radius.astype(np.float32))).all()
    assert 1e-7 < np.abs(out[1] - cosine).max() < 4e-7
    assert 5.76 < out[0].max() < 5.77
