"""Colour scales of the heat maps: each spreads its quantity where the architectures differ."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

ACCURACY_TICKS = (0, 20, 50, 70, 80, 85, 90, 92, 94, 95, 96, 97, 97.5, 98, 98.5, 99, 99.5, 99.9)
_NICE = (1.0, 2.0, 5.0)


@dataclass(frozen=True)
class Scale:
    """Colours for numbers: matplotlib's norm, a colour map, and a colour bar's label, ticks and their names.

    `pale` says that some colours are nearly white, so that cells need grey edges.
    """

    norm: Any
    cmap: str
    label: str
    ticks: Sequence[float]
    names: Sequence[str]
    pale: bool = False


def negative_log_error(accuracy: Any) -> Any:
    """Minus the decimal logarithm of 100 - accuracy (percent); accuracies up to 99.999."""
    return -np.log10(np.maximum(100.0 - np.asarray(accuracy, dtype=float), 1e-3))


def accuracy_of(value: Any) -> Any:
    """The inverse of negative_log_error, percent."""
    return 100.0 - 10.0 ** (-np.asarray(value, dtype=float))


def accuracy_scale(values: Iterable[float]) -> Scale:
    """Percent; logarithmic in the error 100 - accuracy, so that 97 and 98 differ as much as 94 and 97 do."""
    from matplotlib.colors import FuncNorm

    low, high = _ends(values)
    high = min(high, 99.99)
    low = min(low, high - 0.1)

    ticks = [tick for tick in ACCURACY_TICKS if low <= tick <= high] or [low, high]
    norm = FuncNorm((negative_log_error, accuracy_of), vmin=low, vmax=high)
    label = "best validation accuracy (%), logarithmic in the error"
    return Scale(norm, "viridis", label, ticks, [f"{tick:g}" for tick in ticks])


def effect_scale(values: Iterable[float]) -> Scale:
    """Percentage points on both sides of 0: linear up to half a point, logarithmic beyond; blue is better."""
    from matplotlib.colors import SymLogNorm

    low, high = _ends(values)
    reach = max(abs(low), abs(high), 1.0)
    norm = SymLogNorm(linthresh=0.5, linscale=0.5, vmin=-reach, vmax=reach, base=10)
    steps = [step for step in (0.5, 1, 2, 5, 10, 20, 50) if step <= reach]
    ticks = [*(-step for step in reversed(steps)), 0.0, *steps]
    names = [f"{tick:+g}".replace("-", "\N{MINUS SIGN}") if tick else "0" for tick in ticks]
    return Scale(norm, "RdBu", "full \N{MINUS SIGN} none, accuracy (percentage points)", ticks, names, pale=True)


def spread_scale(values: Iterable[float]) -> Scale:
    """Percentage points from 0, compressed towards the top."""
    from matplotlib.colors import PowerNorm

    high = max(_ends(values)[1], 0.1)
    ticks = [0.0, *(tick for tick in _steps(0.1, high))]
    norm = PowerNorm(0.4, vmin=0.0, vmax=high)
    label = "largest standard deviation (percentage points)"
    return Scale(norm, "magma", label, ticks, [f"{tick:g}" for tick in ticks])


def parameter_scale(values: Iterable[float]) -> Scale:
    """Numbers of parameters, logarithmic."""
    from matplotlib.colors import LogNorm

    low, high = _ends(values)
    high = max(high, 1.1 * low)
    ticks = [10.0**power for power in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)]
    names = [f"{tick:,.0f}" for tick in ticks]
    return Scale(LogNorm(low, high), "viridis", "parameters", ticks, names)


def _steps(low: float, high: float) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = [nice * 10.0**power for power in powers for nice in _NICE]
    return [step for step in steps if low <= step * 1.000001 and step <= high]


def _ends(values: Iterable[float]) -> tuple[float, float]:
    found = list(values) or [0.0]
    return min(found), max(found)
