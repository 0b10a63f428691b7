"""Confidence intervals of what was measured on a number of samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FEWEST = 10  # samples: the spread of fewer says little of the spread of all that there could be
RESAMPLES = 10_000
BATCH = 1 << 20  # numbers drawn at once


def wilson_interval(accuracy: float, samples: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of an accuracy measured on `samples` samples.

    Source: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209.
    """
    from scipy.stats import binomtest

    interval = binomtest(round(accuracy * samples), samples).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def rms_interval(errors: NDArray[np.float64], confidence: float = 0.95) -> tuple[float, float] | None:
    """Bootstrap interval of a root mean square error, in the unit of the errors; None for fewer than FEWEST samples.

    Whole samples are drawn again, so that nothing is assumed of how errors are distributed: the squares of a few large
    ones may be most of the sum. Bias-corrected and accelerated. Source: B. Efron, J. Am. Stat. Assoc. 82 (1987) 171.

    Args:
        errors: (samples, values), the same number of values for each sample.
        confidence: how often such intervals hold the value that all possible samples would give.
    """
    from scipy.stats import norm

    square = (errors**2).mean(axis=1)
    if len(square) < FEWEST:
        return None
    mean, distance = square.mean(), square - square.mean()
    if not distance.any():
        return float(np.sqrt(mean)), float(np.sqrt(mean))
    means = _resampled_means(square)
    shift = norm.ppf(((means < mean).mean() + (means <= mean).mean()) / 2)
    skew = (distance**3).sum() / (6 * (distance**2).sum() ** 1.5)
    ends = shift + norm.ppf(0.5 + np.array([-0.5, 0.5]) * confidence)
    low, high = np.sqrt(np.quantile(means, norm.cdf(shift + ends / (1 - skew * ends))))
    return float(low), float(high)


def _resampled_means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means (RESAMPLES,) of as many values as there are, drawn with replacement; the same ones each time."""
    rng, rows = np.random.default_rng(0), max(1, BATCH // len(values))
    starts = range(0, RESAMPLES, rows)
    sizes = [(min(rows, RESAMPLES - start), len(values)) for start in starts]
    return np.concatenate([values[rng.integers(len(values), size=size)].mean(axis=1) for size in sizes])
