"""How two updates compare: cosine, signs, lengths. The last axis is that of the transistors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def length(values: FloatArray) -> FloatArray:
    """Euclidean."""
    return np.asarray(np.linalg.norm(values, axis=-1))


def cosine(update: FloatArray, gradient: FloatArray) -> FloatArray:
    """Of the angle between both; NaN where one is 0."""
    both = length(update) * length(gradient)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((update * gradient).sum(axis=-1) / both)


def sign_agreement(update: FloatArray, gradient: FloatArray) -> FloatArray:
    """Share of transistors with the same sign in both, of those where neither is exactly 0; NaN where there are none.

    A transistor that is off has a gradient of exactly 0, and the published rule moves it all the same: it counts in
    the cosine and not here.
    """
    product = np.sign(update) * np.sign(gradient)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((product > 0).sum(axis=-1) / (product != 0).sum(axis=-1))


def ratio(update: FloatArray, gradient: FloatArray) -> FloatArray:
    """Of lengths; NaN where the gradient is 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(length(update) / length(gradient))
