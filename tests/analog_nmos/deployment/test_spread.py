"""Means with intervals over chips and draws, against SciPy's and against what they are to hold."""

import numpy as np
import pytest
from scipy import stats

from analog_nmos.data.intervals import wilson_interval
from analog_nmos.deployment.spread import of_samples, of_scores, spread


@pytest.mark.parametrize(("shape", "of"), [((6, 1), "6 chips"), ((1, 6), "6 draws of noise")])
def test_over_one_thing_it_is_student_s(shape, of):
    values = np.random.default_rng(0).normal(0.9, 0.01, shape)
    found = spread(values.tolist())
    expected = stats.t.interval(0.95, 5, values.mean(), stats.sem(values, axis=None))
    assert (found.low, found.high) == pytest.approx(expected, rel=1e-12)
    assert (found.mean, found.of) == (pytest.approx(values.mean()), of)


def test_noise_that_all_chips_share_is_not_averaged_away_by_chips():
    """Of many such tables about 95 percent of intervals hold the mean, though chips alone would say otherwise."""
    rng = np.random.default_rng(1)
    held, by_chips = 0, 0
    for _ in range(400):
        table = 0.5 + rng.normal(0, 0.001, (20, 1)) + rng.normal(0, 0.02, (1, 5))
        found = spread(table.tolist())
        held += found.low <= 0.5 <= found.high
        low, high = stats.t.interval(0.95, 19, table.mean(), stats.sem(table.mean(axis=1)))
        by_chips += low <= 0.5 <= high
    assert 0.92 <= held / 400 <= 0.99
    assert by_chips < 100
    assert found.of == "20 chips, 5 draws of noise"


def test_a_single_number_has_no_interval_and_none_leaves_what_there_can_be():
    one = of_scores([[0.7]], is_accuracy=True)
    assert (one.mean, one.of) == (0.7, "")
    assert np.isnan([one.low, one.high]).all()
    assert of_scores([[1.0], [0.98]], is_accuracy=True).high == 1.0
    assert of_scores([[1.0], [0.98]], is_accuracy=False).high > 1.0
    assert of_scores([[0.0], [0.02]], is_accuracy=False).low == 0.0


def test_one_accuracy_has_the_interval_of_its_samples():
    found = of_samples(0.95, 360)
    assert (found.low, found.high) == wilson_interval(0.95, 360)
    assert found.of == "360 test samples"
