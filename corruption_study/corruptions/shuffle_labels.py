"""Images do not change; labels are shuffled among a share p of the samples, once per run."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from corruption_study.corruptions import Corruption


def exchanged(labels: NDArray[np.int64], p: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Labels, with those of a random share p of the samples shuffled among each other."""
    chosen = np.flatnonzero(rng.random(len(labels)) < p)
    changed = labels.copy()
    changed[chosen] = labels[rng.permutation(chosen)]
    return changed


SHUFFLE_LABELS = Corruption(
    label="shuffled labels",
    strength="labels are shuffled among a share p of the samples, once per run",
    labels=exchanged,
)
