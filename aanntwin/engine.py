"""The interface of the two engines (compiled and PyTorch), and the checks that they share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from aanntwin.config import N_CLASSES, Nonidealities, Settings
from common.errors import InputError, RunError

Weights = dict[str, Any]  # arrays of the compiled engine, tensors of the PyTorch one
# (nonidealities, number of the noise draw) -> (mean loss, accuracy).
Test = Callable[[Nonidealities, int], tuple[float, float]]


class Engine(Protocol):
    """Trains one model; `images_a_beat` is the number of images between two reports of progress."""

    images_a_beat: int

    def load(self, weights: Weights, velocity: Weights) -> None:
        """Set the state at the end of an epoch, arrays or tensors, to go on from there."""

    def state(self) -> tuple[Weights, Weights]:
        """Copies of weights and of the optimizer's velocity (empty without momentum)."""

    def bind(self, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> None:
        """The images (N, C, H, W) to train on."""

    def train(self, order: NDArray[np.int64], start: int, stop: int, epoch: int) -> tuple[float, int]:
        """Train on order[start:stop]; the sum of losses and -1, or the position of a loss that is not finite."""


def check_losses(finite: NDArray[np.bool_], draw: int, before: int = 0) -> None:
    """Raise RunError for the first image of a test whose loss is not finite; `before`: images tested so far."""
    if not finite.all():
        image = before + int(np.flatnonzero(~finite)[0]) + 1
        raise RunError(
            f"test, draw {draw + 1}, image {image}: loss is not finite; the noises, ranges or weights are too large"
        )


def check_images(settings: Settings, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> None:
    """Raise InputError where images (N, C, H, W) do not have the data set's shape, or labels do not fit them."""
    if images.dtype != np.uint8 or images.shape[1:] != settings.image_shape:
        raise InputError(
            f"images are {images.dtype} {images.shape[1:]}, allowed for {settings.dataset_name}: uint8 "
            f"{settings.image_shape}"
        )
    if len(images) != len(labels) or len(labels) == 0:
        raise InputError(f"{len(images)} images have {len(labels)} labels, allowed: one each, and one image at least")
    if labels.min() < 0 or labels.max() >= N_CLASSES:
        raise InputError(f"labels go from {labels.min()} to {labels.max()}, allowed: 0 to {N_CLASSES - 1}")
