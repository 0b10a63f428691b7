"""Means over chips and draws of noise, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from analog_nmos.data.intervals import wilson_interval

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Spread:
    """A mean and its 95 percent interval, NaN where one number says nothing of others.

    Attributes:
        mean, low, high: accuracy as a fraction, or loss.
        of: what the interval is over, in words; "" where there is none.
    """

    mean: float
    low: float = float("nan")
    high: float = float("nan")
    of: str = ""


def spread(values: Sequence[Sequence[float]]) -> Spread:
    """Student's t interval of a mean over chips and draws of noise.

    All chips have the same draws of noise, so that more chips do not average noise away. The variances of the mean by
    the chips and by the draws are added, and the smaller number counts as degrees of freedom, which makes the interval
    rather too wide than too narrow.

    Args:
        values: for each chip a number for each draw, (chips, draws).
    """
    table = np.array(values)
    mean = float(table.mean())
    sources = {"chips": table.mean(axis=1), "draws of noise": table.mean(axis=0)}
    varying = {name: means for name, means in sources.items() if means.size > 1}
    if not varying:
        return Spread(mean)
    from scipy.stats import t

    error = sum(means.var(ddof=1) / means.size for means in varying.values()) ** 0.5
    fewest = min(means.size for means in varying.values())
    reach = float(t.ppf((1 + CONFIDENCE) / 2, fewest - 1) * error)
    of = ", ".join(f"{means.size} {name}" for name, means in varying.items())
    return Spread(mean, mean - reach, mean + reach, of)


def of_scores(values: Sequence[Sequence[float]], is_accuracy: bool) -> Spread:
    """As `spread`, of accuracies as fractions or of losses: ends at 0, and at 1 for accuracies."""
    found = spread(values)
    if not found.of:
        return found
    return replace(found, low=max(0.0, found.low), high=min(1.0, found.high) if is_accuracy else found.high)


def of_samples(accuracy: float, samples: int) -> Spread:
    """An accuracy that was measured once, with Wilson's interval over test samples."""
    low, high = wilson_interval(accuracy, samples, CONFIDENCE)
    return Spread(accuracy, low, high, f"{samples} test samples")
