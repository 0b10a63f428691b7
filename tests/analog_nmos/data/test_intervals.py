"""Intervals against formulas by hand and an independent implementation."""

import numpy as np
import pytest
from scipy.stats import bootstrap

from analog_nmos.data.intervals import FEWEST, rms_interval, wilson_interval


def test_wilson_interval_by_hand():
    p, n, z = 0.9, 100, 1.959963984540054
    middle, reach = p + z * z / (2 * n), z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    expected = [(middle + sign * reach) / (1 + z * z / n) for sign in (-1, 1)]
    assert wilson_interval(0.9, 100) == pytest.approx(expected, rel=1e-12)
    assert wilson_interval(1.0, 10)[1] == 1.0


@pytest.mark.parametrize("samples", [12, 71, 400])
def test_the_interval_of_an_error_is_that_of_scipy(samples):
    errors = np.random.default_rng(samples).standard_t(4, (samples, 2))  # few large ones among many small ones
    theirs = bootstrap(
        ((errors**2).mean(axis=1),), np.mean, n_resamples=50_000, batch=1000, method="BCa", random_state=3
    )
    expected = np.sqrt(theirs.confidence_interval)
    found = rms_interval(errors)
    assert found == pytest.approx(expected, rel=0.006)  # percentiles without the corrections differ by 0.012 and more
    assert found == rms_interval(errors)
    assert found[0] < np.sqrt((errors**2).mean()) < found[1]
    assert rms_interval(1024 * errors) == pytest.approx([1024 * end for end in found], rel=1e-12)


def test_intervals_hold_the_true_error_about_as_often_as_they_say():
    rng = np.random.default_rng(0)
    intervals = [rms_interval(rng.normal(size=(60, 1))) for _ in range(200)]
    held = np.mean([low <= 1.0 <= high for low, high in intervals])
    assert 0.88 <= held <= 0.99


def test_few_errors_have_no_interval_and_equal_ones_no_width():
    assert rms_interval(np.ones((FEWEST - 1, 1))) is None
    assert rms_interval(np.full((FEWEST, 2), 0.5)) == (0.5, 0.5)
