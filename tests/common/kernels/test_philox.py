"""Random words against their published vectors and a second implementation; logarithm, sine and normals in ulp."""

import numpy as np
import pytest

from common.kernels.jit import kernel
from common.kernels.philox import log_uniform, normal_pair, philox, sine_cosine
from common.kernels.vectors import FLOAT_WIDTH, as_floats, bits_of, load, store

ONES = 0xFFFFFFFF
COUNT = 1 << 18


def _words(counters, key, out):
    """Words of counters (4, N) as the bits of floats; N is a multiple of a vector's lanes."""
    for i in range(0, counters.shape[1], FLOAT_WIDTH):
        c0, c1 = bits_of(load(counters[0], i)), bits_of(load(counters[1], i))
        c2, c3 = bits_of(load(counters[2], i)), bits_of(load(counters[3], i))
        w0, w1, w2, w3 = philox(c0, c1, c2, c3, key[0], key[1])
        store(out[0], i, as_floats(w0))
        store(out[1], i, as_floats(w1))
        store(out[2], i, as_floats(w2))
        store(out[3], i, as_floats(w3))


def _functions(first, second, t, out):
    for i in range(0, len(first), FLOAT_WIDTH):
        sine, cosine = sine_cosine(load(t, i))
        a, b = normal_pair(bits_of(load(first, i)), bits_of(load(second, i)))
        store(out[0], i, log_uniform(bits_of(load(first, i))))
        store(out[1], i, sine)
        store(out[2], i, cosine)
        store(out[3], i, a)
        store(out[4], i, b)


words_kernel, functions_kernel = kernel(kept=False)(_words), kernel(kept=False)(_functions)


def words(counters, key):
    """The kernel's four words for each counter of an array (N, 4) of integers."""
    padded = np.zeros((4, -(-len(counters) // 16) * 16), np.uint32)
    padded[:, : len(counters)] = np.array(counters, np.uint32).T
    out = np.zeros(padded.shape, np.float32)
    words_kernel(padded.view(np.float32), np.array(key, np.uint32), out)
    return out.view(np.uint32)[:, : len(counters)].T


def second_implementation(counters, key):
    """Philox4x32-10 in 64-bit integers of NumPy, with the round as a permutation of a table of products."""
    c, low = np.array(counters, np.uint64), np.uint64(0xFFFFFFFF)
    for number in range(10):
        products = c[:, [2, 0]] * np.array([0xCD9E8D57, 0xD2511F53], np.uint64)
        keys = [(key[0] + number * 0x9E3779B9) % 2**32, (key[1] + number * 0xBB67AE85) % 2**32]
        mixed = (products >> np.uint64(32)) ^ c[:, [1, 3]] ^ np.array(keys, np.uint64)
        c = np.stack([mixed[:, 0], products[:, 0] & low, mixed[:, 1], products[:, 1] & low], axis=1)
    return c.astype(np.uint32)


PUBLISHED = [  # "philox4x32 10" in kat_vectors of Random123: counter, key, words
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((ONES,) * 4, (ONES,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("counter", "key", "wanted"), PUBLISHED)
def test_the_published_vectors(counter, key, wanted):
    assert tuple(words([counter], key)[0]) == wanted
    assert tuple(second_implementation([counter], key)[0]) == wanted


def test_a_second_implementation():
    random = np.random.default_rng(0)
    for key in random.integers(0, 2**32, (20, 2)).tolist():
        counters = random.integers(0, 2**32, (500, 4))
        np.testing.assert_array_equal(words(counters, key), second_implementation(counters, key))


@pytest.fixture(scope="module")
def found():
    """Two words and a number from -1 to 1 each, and what the kernels make of them: log, sine, cosine, two normals."""
    random = np.random.default_rng(1)
    first, second = random.integers(0, 2**32, (2, COUNT), np.uint32)
    edges = [0, 1, 2, 255, 256, 2**24 - 1, 2**24, 2**31 - 1, 2**31, 0xB504F333, 0xB504F334, ONES - 256, ONES - 1, ONES]
    first[: len(edges)] = second[-len(edges) :] = edges
    t = np.concatenate([np.linspace(-1, 1, COUNT - 100), np.geomspace(1e-30, 1, 100)]).astype(np.float32)
    out = np.zeros((5, COUNT), np.float32)
    functions_kernel(first.view(np.float32), second.view(np.float32), t, out)
    return first, second, t, out


def ulp(found, exact):
    """The largest error in units in the last place of the exact value."""
    assert np.isfinite(found).all()
    return np.max(np.abs(found.astype(float) - exact) / np.spacing(np.abs(exact).astype(np.float32)))


def uniform(word):
    """The number from 0 to 1 that a word stands for, in single precision."""
    return np.float32((word.astype(np.float32).astype(float) + 0.5) / 2**32).astype(float)


def test_the_logarithm(found):
    first, _, _, out = found
    assert ulp(out[0], np.log(uniform(first))) < 0.9


def test_sine_and_cosine(found):
    _, _, t, out = found
    angle = t.astype(float) * np.pi / 4
    assert ulp(out[1], np.sin(angle)) < 1.7
    assert ulp(out[2], np.cos(angle)) < 1


def box_muller(uniform, word):
    """Two normals each from numbers from 0 to 1 and words, in double precision."""
    # The upper two bits choose the order and the sign, the lower thirty an angle from -pi/4 to pi/4.
    rest = word.astype(np.int64) & (2**30 - 1)
    angle = (rest - (rest >> 29 << 30)) * np.pi / 2**31
    pair = np.where(word >> 31, [np.sin(angle), np.cos(angle)], [np.cos(angle), np.sin(angle)])
    return np.where(word >> 30 & 1, -1, 1) * np.sqrt(-2 * np.log(uniform)) * pair


def test_normals(found):
    first, second, _, out = found
    assert ulp(out[3:], box_muller(uniform(first), second)) < 4
    error = out[3:] - box_muller((first.astype(float) + 0.5) / 2**32, second)
    assert np.sqrt((error**2).mean()) < 1e-7
    assert np.abs(error).max() < 3e-4
    assert 6.7 < np.abs(out[3:]).max() < 6.77
