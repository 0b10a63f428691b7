"""Which epochs are snapshots: those that leave files of their own, and of which one is selected.

A function of --epochs and --snapshot-every alone, so that it is the same whenever a run was stopped.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analog_nmos.training.config import TrainerConfig

MOST = 200  # snapshots of a run that is not told how many


def snapshot_step(config: TrainerConfig) -> int:
    """Epochs from one snapshot to the next.

    By default a power of two, so that a run with more --epochs has no snapshot but the last where the shorter one has
    none.
    """
    if config.snapshot_every is not None:
        return config.snapshot_every
    step = 1
    while config.epochs > step * MOST:
        step *= 2
    return step


def is_snapshot(config: TrainerConfig, epoch: int) -> bool:
    """Whether an epoch is a snapshot: every `snapshot_step`-th one, 0 included, and the last."""
    return epoch % snapshot_step(config) == 0 or epoch == config.epochs


def trained_snapshots(config: TrainerConfig) -> NDArray[np.int64]:
    """All snapshots but epoch 0, in order."""
    return np.unique([*range(snapshot_step(config), config.epochs, snapshot_step(config)), config.epochs])
