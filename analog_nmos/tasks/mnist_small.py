"""MNIST with few pixels: each the mean of a square of the 28 x 28."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from analog_nmos.data.split import Data, Split
from analog_nmos.tasks.base import preset
from analog_nmos.tasks.dense import DenseTask
from common.cli import option
from common.datasets import load
from common.errors import InputError
from common.stratified import stratified_split

SIDES = (7, 14)
CLASSES = tuple("0123456789")
FULL = 255.0  # a full pixel of MNIST


@dataclass(frozen=True, kw_only=True)
class MnistSmall(DenseTask):
    """MNIST's digits with 14x14 or 7x7 pixels (from <data root>/MNIST, downloaded when missing)"""

    word: ClassVar[str] = "mnist-small"

    side: int = option(14, "pixels of a side of the images: 7 or 14", low=min(SIDES), high=max(SIDES))
    train_limit: int = option(2000, "training images, drawn by the seed, in equal shares of the digits", low=20)
    val_limit: int = option(1000, "validation images, likewise; they are drawn from MNIST's training set", low=20)
    test_limit: int = option(0, "use only this many of the 10,000 test images; 0 for all", low=0)
    gamma: float = preset(DenseTask, "gamma", 3.0)
    margin: float = preset(DenseTask, "margin", 0.02)
    data_root: Path | None = option(None, "folder of the data sets (default: $NONIDEAL_DATA, else ./data)", local=True)

    def check(self) -> None:
        """Raise InputError where options contradict each other, or squares of pixels would not fill the image."""
        super().check()
        if self.side not in SIDES:
            raise InputError(f"argument --side: {self.side} is not one of {', '.join(map(str, SIDES))}")

    def load(self) -> Data:
        """MNIST's test set, and parts of its training set."""
        mnist = load("mnist", self.data_root)
        wanted, there = self.train_limit + self.val_limit, len(mnist.train_y)
        if wanted > there - len(CLASSES):
            raise InputError(f"--train-limit and --val-limit are {wanted} together; MNIST has {there} training images")
        rest, held_out = stratified_split(mnist.train_y, self.val_limit / there, self.seed)
        _, chosen = stratified_split(mnist.train_y[rest], self.train_limit / len(rest), self.seed)
        train, val = rest[chosen], held_out
        return Data(
            Split(self._inputs_V(mnist.train_x[train]), mnist.train_y[train]),
            Split(self._inputs_V(mnist.train_x[val]), mnist.train_y[val]),
            Split(self._inputs_V(mnist.test_x), mnist.test_y).first(self.test_limit),
            CLASSES,
            self.name(),
            (self.side, self.side),
        )

    def _inputs_V(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """(samples, inputs) in volts of (samples, 28, 28)."""
        block = images.shape[1] // self.side
        squares = images.reshape(len(images), self.side, block, self.side, block).mean(axis=(2, 4)) / FULL
        span_V = self.input_vmax - self.input_vmin
        return self.inputs_V(self.input_vmin + span_V * squares.reshape(len(images), -1))
