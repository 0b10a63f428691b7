"""The paired t-test between two modes of an architecture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class PairedTest:
    """Mean of the differences (first less second), number of pairs, and two-sided p; nan for fewer than two pairs."""

    mean: float
    n: int
    p: float

    def significant(self, level: float) -> bool:
        """Whether p is below `level`; never for fewer than two pairs."""
        return self.p < level


def paired_test(pairs: Sequence[tuple[float, float]]) -> PairedTest | None:
    """Student's t-test of the mean difference against 0, two-sided; None without pairs.

    Differences that are all the same have no deviation to compare with: p is 1 where they are 0, and 0 otherwise.
    """
    from scipy.special import stdtr

    if not pairs:
        return None
    # Accuracies have few decimals; rounding takes away what subtraction in binary adds, so that equal stays equal.
    differences = [round(first - second, 9) for first, second in pairs]
    n, mean = len(differences), math.fsum(differences) / len(differences)
    if n < 2:
        return PairedTest(mean, n, math.nan)
    if len(set(differences)) == 1:
        return PairedTest(mean, n, 0.0 if differences[0] else 1.0)
    std = math.sqrt(math.fsum((value - mean) ** 2 for value in differences) / (n - 1))
    t = mean / (std / math.sqrt(n))
    return PairedTest(mean, n, 2.0 * float(stdtr(n - 1, -abs(t))))
