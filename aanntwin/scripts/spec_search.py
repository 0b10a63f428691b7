"""Find the worst level of an imperfection that a model tolerates, with a confidence interval.

The loss of a level is the mean over draws of (accuracy without it - accuracy with it), on the same images and the same
draws of all noise: a paired comparison. Levels go from harmless to harmful; the limit is where the loss first exceeds
the target, found by bisection with several levels inside the bracket at a time: they share all work before the
imperfection and every draw of its noise.

The interval is a percentile bootstrap: images and draws are resampled, the same ones with and without the imperfection;
each resample has its own limit, and the interval holds the middle 95 percent of these.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.seeding import stream

# (levels, draws, images): whether each image was classified correctly.
Correct = NDArray[np.bool_]
TestLevels = Callable[[Sequence[float]], Correct]

INSIDE = 8  # levels tested in a pass of the multisection
AROUND = 13  # levels near the limit that are added for the resamples' limits
SPREAD = 2.0  # these levels go from limit / SPREAD to limit * SPREAD
RESAMPLES = 1000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Limit:
    """The result of a search.

    Attributes:
        value: the worst level that meets the target; None if not even the mildest does.
        low, high: ends of the interval of `value`; 0 or infinite where they lie beyond the tested levels.
        open: even the worst tested level meets the target; it is the value.
        loss, loss_low, loss_high: loss of accuracy at that level, as a fraction, with its interval.
    """

    value: float | None
    low: float
    high: float
    open: bool
    loss: float
    loss_low: float
    loss_high: float


class Resamples:
    """Bootstrap weights of images and draws, the same for all comparisons.

    Args:
        images, draws: their numbers.
        seed: of the resampling.
        count: number of resamples.
    """

    def __init__(self, images: int, draws: int, seed: int, count: int = RESAMPLES) -> None:
        rng = stream(seed, "bootstrap")
        self.images, self.draws = images, draws
        self._of_images = _counts(rng, count, images)
        self._of_draws = _counts(rng, count, draws)

    def losses(self, base: Correct, correct: Correct) -> NDArray[np.float64]:
        """Loss of every level in every resample, (levels, resamples).

        Args:
            base: (draws, images) without the imperfection.
            correct: (levels, draws, images) with it.
        """
        worse = base.astype(np.float32) - correct.astype(np.float32)
        by_draw = worse.reshape(-1, self.images) @ self._of_images.T / self.images
        by_draw = by_draw.reshape(*correct.shape[:2], -1)
        found: NDArray[np.float64] = np.einsum("ldr,rd->lr", by_draw, self._of_draws, dtype=np.float64) / self.draws
        return found


def _counts(rng: np.random.Generator, resamples: int, size: int) -> NDArray[np.float32]:
    """How often each of `size` things is drawn, (resamples, size)."""
    counts = np.zeros((resamples, size), dtype=np.float32)
    for row in counts:
        row += np.bincount(rng.integers(size, size=size), minlength=size)
    return counts


def find_level(
    test: TestLevels, base: Correct, start: Sequence[float], target: float, resamples: Resamples, *, precision: float
) -> Limit:
    """The worst level of a continuous imperfection.

    Args:
        test: gives `Correct` for some levels.
        base: (draws, images) correct without the imperfection.
        start: levels above 0 from harmless to harmful, rising (noise) or falling (clip), in equal ratios.
        target: the allowed loss of accuracy, as a fraction.
        resamples: for the interval.
        precision: relative precision of the limit, e.g. 0.01.
    """
    levels = np.asarray(start, dtype=float)
    correct = test(start)
    bad = first_above(mean_losses(base, correct), target)
    if 0 < bad < len(levels):
        value = _multisect(test, base, levels[bad - 1], levels[bad], target, precision)
        around = value * np.geomspace(1 / SPREAD, SPREAD, AROUND)  # its middle is the value itself
        levels, correct = _merged(levels, correct, around, test(around.tolist()), rising=levels[-1] > levels[0])
    else:
        value = float(levels[max(bad - 1, 0)])
    place = int(np.flatnonzero(levels == value)[0])
    drawn = resamples.losses(base, correct)
    low, high = _tails([limit_between(levels, column, target) for column in drawn.T])
    loss, ends = float(mean_losses(base, correct)[place]), _tails(drawn[place])
    return Limit(None if bad == 0 else value, low, high, bad == len(start), loss, *ends)


def find_fewest(correct: Correct, base: Correct, levels: Sequence[float], target: float, resamples: Resamples) -> Limit:
    """The last level of a list, from harmless to harmful, that meets the target as do all before it.

    Arguments as for `find_level`; `correct` is for all levels.
    """
    losses, drawn = mean_losses(base, correct), resamples.losses(base, correct)
    bad = first_above(losses, target)
    last = [levels[max(first_above(column, target) - 1, 0)] for column in drawn.T]
    place = max(bad - 1, 0)
    value = float(levels[place]) if bad else None
    low, high = _tails(last, whole=True)
    return Limit(value, low, high, bad == len(levels), float(losses[place]), *_tails(drawn[place]))


def mean_losses(base: Correct, correct: Correct) -> NDArray[np.float64]:
    """Loss of accuracy of every level, (levels,), as a fraction."""
    found: NDArray[np.float64] = base.mean() - correct.mean(axis=(1, 2))
    return found


def first_above(losses: NDArray[np.float64], target: float) -> int:
    """The index of the first loss above the target; the number of losses if there is none."""
    above = np.flatnonzero(losses > target)
    return int(above[0]) if len(above) else len(losses)


def limit_between(levels: NDArray[np.float64], losses: NDArray[np.float64], target: float) -> float:
    """Where losses first exceed the target, interpolated between two levels on a logarithmic scale.

    Beyond the levels it is 0 or infinite, depending on their direction.
    """
    bad = first_above(losses, target)
    rising = levels[-1] > levels[0]
    if bad == 0:
        return 0.0 if rising else np.inf
    if bad == len(levels):
        return np.inf if rising else 0.0
    good = bad - 1
    share = (target - losses[good]) / (losses[bad] - losses[good])
    return float(levels[good] * (levels[bad] / levels[good]) ** share)


def _multisect(test: TestLevels, base: Correct, good: float, bad: float, target: float, precision: float) -> float:
    """The last good level, to the given precision: bisection with several levels inside the bracket at a time."""
    while max(good / bad, bad / good) > 1 + precision:
        levels = np.geomspace(good, bad, INSIDE + 2)
        place = first_above(mean_losses(base, test(levels[1:-1].tolist())), target)
        good, bad = float(levels[place]), float(levels[place + 1])
    return good


def _merged(
    levels: NDArray[np.float64], correct: Correct, more: NDArray[np.float64], also: Correct, *, rising: bool
) -> tuple[NDArray[np.float64], Correct]:
    """Both sets of levels in one order, from harmless to harmful."""
    together = np.concatenate([levels, more])
    order = np.argsort(together if rising else -together, kind="stable")
    return together[order], np.concatenate([correct, also])[order]


def _tails(values: Sequence[float] | NDArray[np.float64], *, whole: bool = False) -> tuple[float, float]:
    """The interval that holds the middle 95 percent of the values."""
    share = (1 - CONFIDENCE) / 2
    method = "nearest" if whole or not np.isfinite(values).all() else "linear"  # no interpolation with infinite values
    low, high = np.quantile(np.asarray(values, dtype=float), [share, 1 - share], method=method)  # type: ignore[call-overload]
    return float(low), float(high)
