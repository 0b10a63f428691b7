"""Find the worst level of an imperfection that trained gates bear, with an interval.

A level is tested in a number of draws: a chip and a stream of noise each, whose normal numbers are the same at every
level, so that each draw is one function of the level. The cost of a level is the mean over draws of what is lost
against no imperfection. The limit is where the cost first exceeds what is allowed: levels rise in equal ratios until
it does, then the bracket is bisected.

The interval is a percentile bootstrap: draws are resampled, and if asked for test samples too (the same ones with and
without the imperfection); each resample has its own crossing of the tested levels, interpolated on a logarithmic
scale, and the interval holds the middle of these. As percentiles of few draws lie too close together, the middle is
somewhat more than 95 percent: for n draws, what makes the interval of a mean as wide as Student's. Source: T. C.
Hesterberg, The American Statistician 69 (2015) 371, "expanded percentiles".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.seeding import stream

FloatArray = NDArray[np.float64]
# For a level (draws, samples): 1 or 0 where a sample's answer is right or wrong, or the error where it is a value.
Test = Callable[[float], FloatArray]

BEYOND = 2  # levels that are tested after the first that costs too much
AROUND = 9  # levels near the limit that are added for the resamples' crossings
SPREAD = 2.0  # these levels go from limit / SPREAD to limit * SPREAD
RESAMPLES = 1000
CONFIDENCE = 0.95
ROUNDING = 1e-9  # one of a hundred samples is one point, however it is rounded


@dataclass(frozen=True, eq=False)
class Goal:
    """What is allowed.

    Attributes:
        base: (samples,) without the imperfection.
        most: allowed cost: lost accuracy as a fraction, or how much larger the error may be, as a share of it.
        is_accuracy: which of both.
    """

    base: FloatArray
    most: float
    is_accuracy: bool

    def cost(self, mean: FloatArray, base_mean: FloatArray | float) -> FloatArray:
        """Of means over draws and samples, for one without the imperfection."""
        return base_mean - mean if self.is_accuracy else mean / base_mean - 1.0

    def exceeded(self, costs: FloatArray) -> NDArray[np.bool_]:
        """Which costs are more than is allowed."""
        found: NDArray[np.bool_] = costs > self.most + ROUNDING
        return found


@dataclass(frozen=True, eq=False)
class Limit:
    """The result of a search.

    Attributes:
        value: the worst level that is allowed and after only such; None if not even the mildest is.
        low, high: ends of the interval of `value`; 0 or infinite where they lie beyond the tested levels, NaN where
            there is nothing to resample.
        open: even the worst tested level is allowed; it is the value.
        cost, cost_low, cost_high: at the value (at the mildest level where there is none), with its interval.
        levels: (levels,) all that were tested, from harmless to harmful.
        curve: (levels, 3) their costs, and the intervals of these.
        values: (levels, draws) mean over samples of each draw.
    """

    value: float | None
    low: float
    high: float
    open: bool
    cost: float
    cost_low: float
    cost_high: float
    levels: FloatArray
    curve: FloatArray
    values: FloatArray

    @property
    def found(self) -> bool:
        """Whether there is a limit within the tested levels."""
        return self.value is not None and not self.open


class Resamples:
    """Bootstrap weights of draws and of test samples, the same at every level.

    Args:
        draws, samples: their numbers.
        seed: of the resampling.
        over_samples: whether samples are resampled too.
        count: number of resamples.
    """

    def __init__(self, draws: int, samples: int, seed: int, over_samples: bool = False, count: int = RESAMPLES) -> None:
        rng = stream(seed, "bootstrap")
        self._fewest = draws if draws > 1 or not over_samples else samples
        self._of_draws = _shares(rng, count, draws)
        self._of_samples = _shares(rng, count, samples) if over_samples else None
        self.vary = draws > 1 or over_samples

    def tails(self, values: FloatArray) -> tuple[float, float]:
        """Both ends of the interval, of what the resamples (resamples,) come to; NaN where nothing varies."""
        if not self.vary:
            return np.nan, np.nan
        from scipy.stats import norm, t

        many = self._fewest
        share = float(norm.cdf(t.ppf((1 - CONFIDENCE) / 2, many - 1) * (many / (many - 1)) ** 0.5))
        whole = not np.isfinite(values).all() or bool((values == np.rint(values)).all())  # no interpolation of such
        low, high = np.quantile(values, [share, 1 - share], method="nearest" if whole else "linear")
        return float(low), float(high)

    def costs(self, goal: Goal, values: FloatArray) -> FloatArray:
        """Of every level in every resample (levels, resamples), of values (levels, draws, samples)."""
        if self._of_samples is None:
            return goal.cost(values.mean(axis=2) @ self._of_draws.T, goal.base.mean())
        by_draw = values @ self._of_samples.T
        means: FloatArray = np.einsum("ldr,rd->lr", by_draw, self._of_draws)
        return goal.cost(means, self._of_samples @ goal.base)


class _Curve:
    """Levels that have been tested, sorted from harmless to harmful."""

    def __init__(self, test: Test, goal: Goal) -> None:
        self._test, self._goal, self._values = test, goal, dict[float, FloatArray]()

    def add(self, level: float) -> None:
        if level not in self._values:
            self._values[level] = self._test(level)

    @property
    def levels(self) -> list[float]:
        return sorted(self._values)

    @property
    def values(self) -> FloatArray:
        return np.stack([self._values[level] for level in self.levels])

    @property
    def bad(self) -> int:
        """Place of the first level that costs too much; the number of levels if there is none."""
        return first_bad(self._goal, mean_costs(self._goal, self.values))

    def narrow(self, precision: float) -> float:
        """Bisect where levels begin to cost too much; returns the last that does not."""
        while True:
            bad, levels = self.bad, self.levels
            good, worse = levels[max(bad - 1, 0)], levels[min(bad, len(levels) - 1)]
            if worse / good <= 1.0 + precision or bad in (0, len(levels)):
                return good
            self.add((good * worse) ** 0.5)


def find_level(test: Test, ladder: Sequence[float], goal: Goal, resamples: Resamples, precision: float) -> Limit:
    """The worst level of a continuous imperfection.

    Args:
        test: see `Test`.
        ladder: levels above 0 in equal ratios, rising; none above the last one is tested.
        goal: what is allowed.
        resamples: for intervals.
        precision: relative precision of the limit, e.g. 0.01.
    """
    curve = _Curve(test, goal)
    for place, level in enumerate(ladder):
        curve.add(level)
        if place >= curve.bad + BEYOND:
            break
    if 0 < curve.bad < len(curve.levels):
        value = curve.narrow(precision)
        for level in value * np.geomspace(1 / SPREAD, SPREAD, AROUND):
            if ladder[0] < level < ladder[-1]:
                curve.add(float(level))
        curve.narrow(precision)  # between levels that were added, costs may have crossed before
    levels, values = np.array(curve.levels), curve.values
    return _limit(levels, values, goal, resamples, lambda costs: crossing(levels, costs, goal))


def find_fewest(levels: Sequence[float], values: FloatArray, goal: Goal, resamples: Resamples) -> Limit:
    """The last of some levels, from harmless to harmful, that is allowed as are all before it.

    Args:
        levels: whole numbers, falling.
        values: (levels, draws, samples), see `Test`.
        goal, resamples: see `find_level`.
    """

    def last(costs: FloatArray) -> float:
        bad = first_bad(goal, costs)
        return levels[bad - 1] if bad else np.inf

    return _limit(np.array(levels, dtype=float), values, goal, resamples, last)


def mean_costs(goal: Goal, values: FloatArray) -> FloatArray:
    """Of every level (levels,), of values (levels, draws, samples)."""
    return goal.cost(values.mean(axis=(1, 2)), float(goal.base.mean()))


def first_bad(goal: Goal, costs: FloatArray) -> int:
    """The place of the first cost that is too much; the number of costs if there is none."""
    bad = np.flatnonzero(goal.exceeded(costs))
    return int(bad[0]) if bad.size else len(costs)


def crossing(levels: FloatArray, costs: FloatArray, goal: Goal) -> float:
    """Where costs first exceed what is allowed, between two rising levels; 0 or infinite beyond all of them."""
    bad = first_bad(goal, costs)
    if bad in (0, len(costs)):
        return np.inf if bad else 0.0
    good = bad - 1
    share = max(goal.most - costs[good], 0.0) / (costs[bad] - costs[good])
    return float(levels[good] * (levels[bad] / levels[good]) ** share)


def _limit(
    levels: FloatArray, values: FloatArray, goal: Goal, resamples: Resamples, limit_of: Callable[[FloatArray], float]
) -> Limit:
    costs, drawn = mean_costs(goal, values), resamples.costs(goal, values)
    bad = first_bad(goal, costs)
    place = max(bad - 1, 0)
    low, high = resamples.tails(np.array([limit_of(column) for column in drawn.T]))
    curve = np.array([[cost, *resamples.tails(row)] for cost, row in zip(costs, drawn, strict=True)])
    value = float(levels[place]) if bad else None
    if value is not None and bad < len(levels):  # a crossing lies a little behind the last level that is allowed
        low, high = min(low, value), max(high, value)
    cost, cost_low, cost_high = curve[place].tolist()
    return Limit(value, low, high, bad == len(levels), cost, cost_low, cost_high, levels, curve, values.mean(axis=2))


def _shares(rng: np.random.Generator, resamples: int, size: int) -> FloatArray:
    """Share that each of `size` things has in a resample, (resamples, size)."""
    return np.stack([np.bincount(rng.integers(size, size=size), minlength=size) for _ in range(resamples)]) / size
