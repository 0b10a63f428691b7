"""Accuracy against p: a curve for each activation and model type, and where it has fallen to half."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.seeding import stream

DRAWS, LEVEL = 2000, 0.95


@dataclass(frozen=True, eq=False)
class Curve:
    """The runs of one activation and model type.

    Attributes:
        activation, model_type: of the runs.
        p: strengths, ascending, (P,).
        accuracies: P arrays, the repeats at each strength.
    """

    activation: str
    model_type: str
    p: NDArray[np.float64]
    accuracies: tuple[NDArray[np.float64], ...]

    @property
    def mean(self) -> NDArray[np.float64]:
        """Mean accuracy at each p."""
        return np.array([values.mean() for values in self.accuracies])

    @property
    def stderr(self) -> NDArray[np.float64]:
        """Standard error at each p: the population standard deviation / sqrt(repeats)."""
        return np.array([values.std() / math.sqrt(len(values)) for values in self.accuracies])


@dataclass(frozen=True)
class Half:
    """Where a curve has fallen to half of its accuracy at the smallest p.

    Attributes:
        p: the first such strength, between measured ones by a straight line; infinite if the curve stays above.
        low, high: bootstrap interval of 95%; an end is infinite where more than 2.5% of the draws stay above.
        level: that half of the accuracy.
    """

    p: float
    low: float
    high: float
    level: float


def curves_of(rows: Iterable[Mapping[str, Any]]) -> list[Curve]:
    """Curves of results_per_run.csv's rows, sorted by model type and, within it, in order of appearance."""
    found: dict[tuple[str, str], dict[float, list[float]]] = {}
    for row in rows:
        points = found.setdefault((str(row["model_type"]), str(row["activation"])), {})
        points.setdefault(float(row["p"]), []).append(float(row["test_accuracy"]))
    made = []
    for (model_type, activation), points in sorted(found.items(), key=lambda item: item[0][0]):
        ps = sorted(points)
        values = tuple(np.array(points[p]) for p in ps)
        made.append(Curve(activation, model_type, np.array(ps), values))
    return made


def half_point(p: NDArray[np.float64], mean: NDArray[np.float64]) -> float:
    """The first p at which a curve reaches half of its first value, on straight lines between its points; else inf."""
    level = mean[0] / 2
    below = np.flatnonzero(mean <= level)
    if not len(below):
        return math.inf
    k = int(below[0])
    if k == 0:  # the first accuracy is 0
        return float(p[0])
    return float(p[k - 1] + (mean[k - 1] - level) / (mean[k - 1] - mean[k]) * (p[k] - p[k - 1]))


def half_of(curve: Curve, *, draws: int = DRAWS, seed: int = 0) -> Half:
    """Half-accuracy point with its percentile bootstrap interval: the repeats at each p are drawn anew."""
    rng = stream(seed, "bootstrap", curve.model_type, curve.activation)
    means = np.stack([rng.choice(v, (draws, len(v))).mean(1) for v in curve.accuracies], axis=1)
    points = np.array([half_point(curve.p, mean) for mean in means])
    edge = (1 - LEVEL) / 2
    # Interpolating between a number and infinity gives NaN; take one of the drawn values instead.
    low, high = np.quantile(points, [edge, 1 - edge], method="nearest")
    mean = curve.mean
    return Half(half_point(curve.p, mean), float(low), float(high), float(mean[0] / 2))
