"""The search against models whose answer is known, and the interval against its meaning."""

import numpy as np
import pytest

from aanntwin.scripts import spec_search
from aanntwin.scripts.spec_search import Resamples, find_fewest, find_level, limit_between, mean_losses

IMAGES, DRAWS = 4000, 3
RISING = np.geomspace(0.001, 8, 14).tolist()


def tolerances(seed=0, images=IMAGES, draws=DRAWS):
    """What level each image bears in each draw: log-normal, so that the loss of a level is known."""
    return np.exp(np.random.default_rng(seed).normal(0.0, 1.0, (draws, images)))


def levels_of(bears, calls=None):
    def test(levels):
        if calls is not None:
            calls.append(list(levels))
        return np.stack([bears > level for level in levels])

    return test


def exact_limit(bears, target):
    return np.quantile(bears, target, method="lower")


def test_finds_the_largest_noise_to_the_precision():
    bears = tolerances()
    base = np.ones_like(bears, dtype=bool)
    resamples = Resamples(IMAGES, DRAWS, 1)
    calls = []
    found = find_level(levels_of(bears, calls), base, RISING, 0.05, resamples, precision=0.01)
    assert found.value == pytest.approx(exact_limit(bears, 0.05), rel=0.011)
    assert found.value <= exact_limit(bears, 0.05)
    assert found.loss <= 0.05
    assert found.low < found.value < found.high
    assert found.loss_low < found.loss < found.loss_high
    assert not found.open
    assert len(calls) <= 4  # the first pass, two of bisection, one for the interval


def test_finds_the_smallest_clip():
    bears = tolerances()
    base = np.ones_like(bears, dtype=bool)
    falling = [1 / level for level in RISING]

    def test(levels):
        return np.stack([bears > 1 / level for level in levels])

    found = find_level(test, base, falling, 0.05, Resamples(IMAGES, DRAWS, 1), precision=0.01)
    assert found.value == pytest.approx(1 / exact_limit(bears, 0.05), rel=0.011)
    assert found.low < found.value < found.high


def test_interval_holds_the_true_limit_about_as_often_as_it_says():
    truth = np.exp(-1.6448536)  # the 5 percent quantile of the log-normal
    hits = 0
    for seed in range(60):
        bears = tolerances(seed, images=1000, draws=1)
        found = find_level(
            levels_of(bears),
            np.ones_like(bears, dtype=bool),
            RISING,
            0.05,
            Resamples(1000, 1, seed, 300),
            precision=0.01,
        )
        hits += found.low <= truth <= found.high
    assert 50 <= hits <= 60  # 57 are expected; below 50 or the like has a chance of 1 in 1000


def test_more_images_narrow_the_interval():
    def width(images, seed):
        bears = tolerances(seed, images=images, draws=1)
        base = np.ones_like(bears, dtype=bool)
        found = find_level(levels_of(bears), base, RISING, 0.05, Resamples(images, 1, seed, 300), precision=0.01)
        return np.log(found.high / found.low)

    few, many = (np.mean([width(images, seed) for seed in range(8)]) for images in (500, 8000))
    assert many == pytest.approx(few / 4, rel=0.25)


def test_pairing_matters():
    """Images that are wrong without the imperfection are wrong with it: they widen no interval."""
    bears = tolerances(5)
    known = np.random.default_rng(1).random((1, IMAGES)) < 0.8
    base = np.broadcast_to(known, bears.shape)
    paired = find_level(
        lambda levels: levels_of(bears)(levels) & known, base, RISING, 0.04, Resamples(IMAGES, DRAWS, 1), precision=0.01
    )
    independent = np.random.default_rng(2).permutation(base, axis=1)
    loose = find_level(
        lambda levels: levels_of(bears)(levels) & known,
        independent,
        RISING,
        0.04,
        Resamples(IMAGES, DRAWS, 1),
        precision=0.01,
    )
    assert np.log(paired.high / paired.low) < 0.6 * np.log(loose.high / loose.low)


def test_says_where_no_level_is_harmful_or_every_one_is():
    base = np.ones((DRAWS, IMAGES), dtype=bool)
    resamples = Resamples(IMAGES, DRAWS, 0)
    never = find_level(levels_of(np.full_like(base, 1e9, dtype=float)), base, RISING, 0.01, resamples, precision=0.01)
    assert never.open
    assert (never.value, never.high) == (RISING[-1], np.inf)
    always = find_level(levels_of(np.zeros(base.shape)), base, RISING, 0.01, resamples, precision=0.01)
    assert always.value is None
    assert (always.low, always.high, always.loss) == (0.0, 0.0, 1.0)


def test_first_crossing_counts_where_the_loss_is_not_monotone():
    losses = np.array([0.0, 0.02, 0.0, 0.5])
    levels = np.array([1.0, 2.0, 4.0, 8.0])
    assert limit_between(levels, losses, 0.01) == pytest.approx(2**0.5)


def test_fewest_bits_need_all_richer_ones_to_be_good():
    images = 1000
    wrong = {8: 0, 7: 0, 6: 20, 5: 5, 4: 200}
    correct = np.stack([np.arange(images)[None] >= count for count in wrong.values()])
    base = np.ones((1, images), dtype=bool)
    found = find_fewest(correct, base, list(wrong), 0.01, Resamples(images, 1, 0))
    assert found.value == 7  # 5 bits are good again, by chance, and not what a designer may build on
    assert found.loss == 0.0
    assert found.low <= 7 <= found.high
    found = find_fewest(correct, base, list(wrong), 0.03, Resamples(images, 1, 0))
    assert found.value == 5


def test_resampled_losses_have_the_binomial_spread():
    rng = np.random.default_rng(0)
    correct = rng.random((1, 1, 2000)) > 0.1
    base = np.ones((1, 2000), dtype=bool)
    losses = Resamples(2000, 1, 0).losses(base, correct)[0]
    assert losses.mean() == pytest.approx(mean_losses(base, correct)[0], abs=0.001)
    assert losses.std() == pytest.approx((0.1 * 0.9 / 2000) ** 0.5, rel=0.1)


def test_a_coarser_precision_needs_fewer_passes():
    bears = tolerances()
    base = np.ones_like(bears, dtype=bool)
    passes = []
    for precision in (0.5, 1e-4):
        calls = []
        find_level(levels_of(bears, calls), base, RISING, 0.05, Resamples(IMAGES, DRAWS, 0, 50), precision=precision)
        passes.append(len(calls))
    assert passes[0] < passes[1]
    assert spec_search.INSIDE > 1
