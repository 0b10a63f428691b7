"""Features as input voltages."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def scaled(x: FloatArray, reference: FloatArray, vmin: float, vmax: float) -> FloatArray:
    """Each feature (column) of x mapped so that the extremes of `reference` become vmin and vmax volts, and clipped.

    A feature that is constant in `reference` becomes vmin where it is not larger.
    """
    low, high = reference.min(axis=0), reference.max(axis=0)
    share = (x - low) / np.where(high > low, high - low, 1.0)
    x_V: FloatArray = (vmin + (vmax - vmin) * share).clip(vmin, vmax)
    return x_V


def complemented(x_V: FloatArray, vmin: float, vmax: float) -> FloatArray:
    """All features (samples, features) and behind them vmin + vmax - x of each: (samples, 2 * features)."""
    return np.concatenate([x_V, vmin + vmax - x_V], axis=1)
