"""The normal numbers by their statistics; seeds fixed, so that limits hold for ever."""

import numpy as np
import pytest
from generators import normal_pairs, xoshiro128
from scipy import stats

from common.seeding import seed_sequence
from magnetoionic.kernels.normal import LANES, PAIR, NormalStream

N = 2_000_000


@pytest.fixture(scope="module")
def draws():
    values = np.zeros(N, np.float32)
    NormalStream(7, "test").add(values, 1.0)
    return values.astype(float)


def test_the_numbers_are_those_of_a_second_implementation(draws):
    """Each lane a generator of its own; a step gives a number of each lane, then a second one of each."""
    words = seed_sequence(7, "test").generate_state(4 * LANES, np.uint32).reshape(4, LANES)
    lanes = [xoshiro128(*state) for state in words.T.tolist()]
    first, second = np.array([[[next(lane), next(lane)] for lane in lanes] for _ in range(300)], np.uint32).T
    radius, along, across = normal_pairs(first, second)
    wanted = np.concatenate([along, across]).T.reshape(-1)
    limit = 5.5 * np.spacing(np.tile(radius, (2, 1)).T.astype(np.float32)).reshape(-1)
    assert (np.abs(draws[: wanted.size] - wanted) <= limit).all()
    values = np.zeros(PAIR + 5, np.float32)
    NormalStream(7, "test").add(values, 3.0)  # whose last step is cut short
    np.testing.assert_allclose(values, 3 * wanted[: PAIR + 5], rtol=0, atol=1e-5)


def test_distribution(draws):
    assert stats.kstest(draws, "norm").pvalue > 0.01
    assert abs(draws.mean()) < 4 / N**0.5
    assert abs(draws.var() - 1) < 4 * (2 / N) ** 0.5
    assert abs(stats.skew(draws)) < 4 * (6 / N) ** 0.5
    assert abs(stats.kurtosis(draws)) < 4 * (24 / N) ** 0.5


@pytest.mark.parametrize("limit", [2.0, 3.0, 4.0])
def test_tails(draws, limit):
    expected = N * stats.norm.sf(limit)
    for beyond in ((draws > limit).sum(), (draws < -limit).sum()):
        assert abs(beyond - expected) < 4 * expected**0.5 + 1


def test_numbers_of_one_step_and_of_the_next_are_independent(draws):
    steps = draws[: N // PAIR * PAIR].reshape(-1, PAIR)
    both = np.concatenate([steps[:-1], steps[1:]], axis=1)
    correlation = np.corrcoef(both.T) - np.eye(2 * PAIR)
    assert np.abs(correlation).max() < 6 / len(both) ** 0.5
    squares = np.corrcoef((both**2).T) - np.eye(2 * PAIR)  # the two numbers of a pair share their radius
    assert np.abs(squares).max() < 6.5 / len(both) ** 0.5


def test_streams_differ_by_name_and_seed_and_repeat():
    def draw(*names):
        values = np.zeros(1000, np.float32)
        NormalStream(*names).add(values, 2.0)
        return values

    assert np.array_equal(draw(1, "a"), draw(1, "a"))
    assert abs(np.corrcoef(draw(1, "a"), draw(1, "b"))[0, 1]) < 0.15
    assert abs(np.corrcoef(draw(1, "a"), draw(2, "a"))[0, 1]) < 0.15


def test_adds_to_what_is_there_in_any_shape():
    base = np.full((3, 43), 5.0, np.float32)
    noise = np.zeros(3 * 43, np.float32)
    NormalStream(1, "x").add(base, 0.5)
    NormalStream(1, "x").add(noise, 0.5)
    assert np.allclose(base.reshape(-1) - 5.0, noise, atol=1e-6)
    assert 0.35 < noise.std() < 0.65
