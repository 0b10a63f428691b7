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
    from scipy.stats import bootstrap

    square = (errors**2).mean(axis=1)
    if len(square) < FEWEST:
        return None
    if not np.ptp(square):
        return float(np.sqrt(square[0])), float(np.sqrt(square[0]))
    found = bootstrap(
        (square,),
        np.mean,
        n_resamples=RESAMPLES,
        batch=max(1, BATCH // len(square)),
        confidence_level=confidence,
        method="BCa",
        random_state=0,  # the same interval each time
    )
    low, high = np.sqrt(found.confidence_interval)
    return float(low), float(high)
