"""By which number epochs are compared: the accuracy on the validation part, or its loss where answers are values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

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


def best_epoch(histories: Mapping[str, Sequence[float]], ties_by_loss: bool) -> int:
    """The epoch with the best validation: the first of several, or that with the smallest loss among them.

    The untrained epoch 0 is no candidate.
    """
    [loss] = [np.array(values[1:]) for name, values in histories.items() if _is_loss(name)]
    loss = np.nan_to_num(loss, nan=np.inf)
    if ACCURACY not in histories:
        return 1 + int(np.argmin(loss))
    accuracy = np.array(histories[ACCURACY][1:])
    if not ties_by_loss:
        return 1 + int(np.argmax(accuracy))
    return 1 + int(np.argmin(np.where(accuracy == accuracy.max(), loss, np.inf)))


def _is_loss(name: str) -> bool:
    return name.startswith("val_") and name != ACCURACY
