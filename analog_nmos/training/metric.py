"""By which number epochs are compared: the accuracy on the validation part, or its loss where answers are values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from analog_nmos.data.split import Data

ACCURACY = "val_acc"


def metric_of(data: Data, loss_name: str) -> str:
    """The name of the history, in file names and results."""
    return ACCURACY if data.readout.answer.classes else f"val_{loss_name}"


def shown(name: str, value: float) -> str:
    """The number for people: "0.9417", or "0.000312" of a loss."""
    return f"{value:.4f}" if name == ACCURACY else f"{value:.4g}"


def words(name: str, value: float) -> str:
    """With its name: "accuracy 0.9417" or "val_mse 0.000312"."""
    return f"{'accuracy' if name == ACCURACY else name} {shown(name, value)}"


def best_epoch(histories: Mapping[str, Sequence[float]], epochs: NDArray[np.int64], ties_by_loss: bool) -> int:
    """Of some epochs the one with the best validation: the first of several, or that with the smallest loss among them.

    Args:
        histories: by name; those of validation begin with epoch 0.
        epochs: that may be chosen, in order: those that have left gate voltages.
        ties_by_loss: whether the loss decides among epochs with the best accuracy.
    """
    [loss] = [np.array(values)[epochs] for name, values in histories.items() if _is_loss(name)]
    loss = np.nan_to_num(loss, nan=np.inf)
    if ACCURACY not in histories:
        return int(epochs[np.argmin(loss)])
    accuracy = np.array(histories[ACCURACY])[epochs]
    if not ties_by_loss:
        return int(epochs[np.argmax(accuracy)])
    return int(epochs[np.argmin(np.where(accuracy == accuracy.max(), loss, np.inf))])


def _is_loss(name: str) -> bool:
    return name.startswith("val_") and name != ACCURACY
