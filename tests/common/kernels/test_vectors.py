"""The vector type: operators lane by lane."""

import numba
import numpy as np

from common.kernels.vectors import (
    absolute,
    aligned,
    any_of,
    exp,
    largest,
    load,
    maximum,
    minimum,
    select,
    sqrt,
    store,
    total,
)


@numba.njit
def _exp(x, y):
    for i in range(0, x.size, 8):
        store(y, i, exp(load(x, i)))


@numba.njit
def _operators(x, y, out):
    a, b = load(x, 0), load(y, 0)
    results = (
        a + b, a - 2.0, 3.0 * a, a / b, sqrt(absolute(a)), minimum(a, b), maximum(a, 0.5),
        select(a < b, a, 0.0), select(a > b, 1.0, b),
    )  # fmt: skip
    for i in range(len(results)):
        store(out, 8 * i, results[i])
    return total(a), largest(a), any_of(a > 1e9), any_of(a > b)


def test_operators_work_lane_by_lane():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=8), rng.normal(size=8)
    out = np.empty(72)
    sums = _operators(a, b, out)
    expected = [
        a + b, a - 2, 3 * a, a / b, np.sqrt(np.abs(a)), np.minimum(a, b), np.maximum(a, 0.5),
        np.where(a < b, a, 0), np.where(a > b, 1, b),
    ]  # fmt: skip
    np.testing.assert_array_equal(out.reshape(9, 8), expected)
    np.testing.assert_allclose(sums[:2], [a.sum(), a.max()], rtol=1e-14)
    assert sums[2:] == (False, bool((a > b).any()))


def test_nan_stays_nan_in_arithmetic():
    y = np.empty(8)
    _exp(np.full(8, np.nan), y)
    assert np.isnan(y).all()


def test_aligned_arrays_start_on_a_cache_line():
    for size in (8, 24, 1000):
        array = aligned(size)
        assert array.shape == (size,)
        assert array.ctypes.data % 64 == 0
        assert not array.any()
