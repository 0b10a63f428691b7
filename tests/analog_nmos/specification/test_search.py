"""The search against chips whose answer is known, and the interval against its meaning."""

import numpy as np
import pytest

from analog_nmos.specification.search import AROUND, Goal, Resamples, crossing, find_fewest, find_level, mean_costs

DRAWS, SAMPLES = 6, 500
LADDER = (0.5 ** np.arange(14)[::-1]).tolist()
RIGHT = Goal(np.ones(SAMPLES), 0.05, True)


def bears(seed=0, draws=DRAWS, samples=SAMPLES, spread=0.0):
    """What level each sample bears in each draw: log-normal around 0.1; draws differ by `spread`, in e-folds."""
    rng = np.random.default_rng(seed)
    of_draw = rng.normal(0.0, spread, (draws, 1)) if spread else 0.0
    return 0.1 * np.exp(rng.normal(0.0, 0.5, (draws, samples)) + of_draw)


def level_of(tolerance, calls=None):
    def test(level):
        if calls is not None:
            calls.append(level)
        return (tolerance > level).astype(float)

    return test


def resamples(draws=DRAWS, seed=1, count=300, **options):
    return Resamples(draws, SAMPLES, seed, count=count, **options)


def test_finds_the_largest_level_to_the_precision():
    tolerance, calls = bears(), []
    found = find_level(level_of(tolerance, calls), LADDER, RIGHT, resamples(), 0.01)
    exact = np.sort(tolerance, axis=None)[int(0.05 * tolerance.size)]  # one more would be too many
    assert exact / 1.011 <= found.value < exact
    assert found.found
    assert found.cost <= 0.05 + 1e-9
    assert found.low < found.value < found.high
    assert found.cost_low < found.cost < found.cost_high
    assert len(calls) == len(set(calls)) <= 14 + 7 + AROUND + 5
    assert max(calls) <= 0.25  # two octaves beyond the first level that costs too much
    np.testing.assert_array_equal(found.levels, sorted(calls))
    np.testing.assert_allclose(found.values, [level_of(tolerance)(level).mean(axis=1) for level in found.levels])
    np.testing.assert_allclose(found.curve[:, 0], 1 - found.values.mean(axis=1), atol=1e-12)


def test_where_answers_are_values_the_error_grows_by_a_share():
    base = np.linspace(1.0, 2.0, SAMPLES)
    goal = Goal(base, 0.1, False)
    found = find_level(lambda level: np.tile(base * (1 + level**2), (DRAWS, 1)), LADDER, goal, resamples(), 1e-4)
    assert found.value == pytest.approx(0.1**0.5, rel=2e-4)
    assert found.value <= 0.1**0.5
    assert found.cost == pytest.approx(0.1, rel=1e-3)


def test_no_level_costs_too_much_or_every_one_does():
    never = find_level(level_of(np.full((DRAWS, SAMPLES), 9.0)), LADDER, RIGHT, resamples(), 0.01)
    assert (never.value, never.open, never.found) == (1.0, True, False)
    assert never.low == never.high == np.inf
    always = find_level(level_of(np.zeros((DRAWS, SAMPLES))), LADDER, RIGHT, resamples(), 0.01)
    assert always.value is None
    assert not always.found
    assert (always.low, always.high, always.cost) == (0.0, 0.0, 1.0)
    assert len(always.levels) == 3  # the mildest, and two beyond


def test_the_last_level_of_all_may_be_the_limit():
    tolerance = np.full((DRAWS, SAMPLES), 0.9)
    found = find_level(level_of(tolerance), LADDER, RIGHT, resamples(), 0.01)
    assert found.found
    assert 0.9 / 1.011 <= found.value < 0.9


@pytest.mark.parametrize(("wrong", "value"), [(5, 1.0), (6, 0.25)])
def test_a_cost_of_exactly_the_target_is_allowed(wrong, value):
    base = np.ones(100)
    goal = Goal(base, 0.05, True)

    def test(level):
        return np.tile(np.arange(100) >= (wrong if level > 0.25 else 0), (2, 1)).astype(float)

    found = find_level(test, [0.25, 0.5, 1.0], goal, Resamples(2, 100, 0, count=50), 0.01)
    assert found.open == (wrong == 5)
    assert found.value == pytest.approx(value, rel=0.01)


def test_the_first_crossing_counts_where_levels_around_the_limit_cost_more():
    """Octaves and bisection step over a dip between 0.5 and 0.7, and find a limit of 0.8."""

    def test(level):
        return np.full((DRAWS, SAMPLES), 0.8 if level > 0.8 or 0.55 < level < 0.7 else 1.0)

    found = find_level(test, LADDER, RIGHT, resamples(), 0.01)
    assert 0.55 / 1.011 < found.value <= 0.55
    without = find_level(lambda level: test(max(level, 0.71)), LADDER, RIGHT, resamples(), 0.01)
    assert 0.8 / 1.011 < without.value <= 0.8


def test_crossings_are_interpolated_on_a_logarithmic_scale_and_the_first_one_counts():
    goal = Goal(np.ones(1), 0.01, True)
    levels = np.array([1.0, 2.0, 4.0, 8.0])
    assert crossing(levels, np.array([0.0, 0.02, 0.0, 0.5]), goal) == pytest.approx(2**0.5)
    assert crossing(levels, np.array([0.02, 0.03, 0.03, 0.5]), goal) == 0.0
    assert crossing(levels, np.array([-0.02, 0.0, 0.0, 0.01]), goal) == np.inf


def test_the_interval_holds_the_true_limit_about_as_often_as_it_says():
    """Draws differ by a factor of e^0.3; each draw's accuracy falls linearly, and so does the mean of all draws.

    Plain percentiles of twenty draws hold it in 91 percent of cases.
    """
    rng, goal, hits, trials = np.random.default_rng(7), Goal(np.ones(1), 0.05, True), 0, 150
    truth = 0.1  # of the mean slope 1 / 2 for draws whose slopes have the mean 1
    for trial in range(trials):
        slope = np.exp(rng.normal(-0.045, 0.3, (20, 1)))
        found = find_level(
            lambda level, slope=slope: np.clip(1 - 0.5 * slope * level, 0, 1), LADDER, goal,
            Resamples(20, 1, trial, count=300), 0.01,
        )  # fmt: skip
        hits += found.low <= truth <= found.high
    assert 0.895 * trials <= hits <= 0.987 * trials  # 3 standard deviations of 150 trials at 95 percent


def test_draws_with_the_same_numbers_have_no_interval_and_more_draws_a_narrower_one():
    def width(draws, seed):
        found = find_level(level_of(bears(seed, draws, spread=0.4)), LADDER, RIGHT, resamples(draws, seed), 0.01)
        return np.log(found.high / found.low)

    few, many = (np.mean([width(draws, seed) for seed in range(8)]) for draws in (10, 160))
    assert many == pytest.approx(few / 4, rel=0.35)
    same = np.tile(bears(draws=1), (DRAWS, 1))
    found = find_level(level_of(same), LADDER, RIGHT, resamples(), 0.01)
    assert found.high / found.low < 1.011


def test_samples_are_resampled_when_asked_for_in_pairs_with_the_base():
    tolerance = np.tile(bears(draws=1), (DRAWS, 1))
    found = find_level(level_of(tolerance), LADDER, RIGHT, resamples(over_samples=True), 0.01)
    assert found.high / found.low > 1.1
    known = np.random.default_rng(1).random(SAMPLES) < 0.7  # wrong without the imperfection, too
    paired = Goal(known.astype(float), 0.05, True)
    harmless = np.tile(known, (1, DRAWS, 1)).astype(float)
    np.testing.assert_allclose(resamples(over_samples=True).costs(paired, harmless), 0.0, atol=1e-12)


def test_one_draw_has_no_interval():
    found = find_level(level_of(bears(draws=1)), LADDER, RIGHT, resamples(1), 0.01)
    assert np.isnan([found.low, found.high, found.cost_low, found.cost_high]).all()
    assert found.found


def test_fewest_bits_need_all_richer_ones_to_be_good():
    wrong = {8: 0, 7: 0, 6: 20, 5: 5, 4: 200}
    values = np.stack([np.arange(SAMPLES)[None] >= count for count in wrong.values()]).astype(float)
    goal = Goal(np.ones(SAMPLES), 0.02, True)
    found = find_fewest(list(wrong), values, goal, resamples(1))
    assert found.value == 7  # 5 bits are good again, by chance, and not what a designer may build on
    assert (found.cost, found.found) == (0.0, True)
    found = find_fewest(list(wrong), values, Goal(np.ones(SAMPLES), 0.05, True), resamples(1, over_samples=True))
    assert (found.value, found.low) == (5, 5)
    assert found.high in (5, 7)
    assert find_fewest([2, 1], values[:2], goal, resamples(1)).open
    assert find_fewest([2, 1], values[3:], Goal(np.ones(SAMPLES), 0.001, True), resamples(1)).value is None


def test_costs_of_resamples_have_the_spread_of_a_mean():
    values = np.random.default_rng(0).normal(0.9, 0.05, (1, 400, 1))
    costs = Resamples(400, 1, 0).costs(Goal(np.ones(1), 0.1, True), values)[0]
    assert costs.mean() == pytest.approx(mean_costs(Goal(np.ones(1), 0.1, True), values)[0], abs=5e-4)
    assert costs.std() == pytest.approx(values.std() / 20, rel=0.1)
