"""scikit-learn's 8x8 digits as input voltages, split as the published runs split them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.digits import digits_images
from common.errors import InputError
from common.stratified import stratified_split

N_PIXELS, N_CLASSES = 64, 10


@dataclass(frozen=True, eq=False)
class Split:
    """Samples of one part: x_V (samples, 64) in volts, y (samples,) the digit."""

    x_V: NDArray[np.float64]
    y: NDArray[np.int64]

    def first(self, limit: int) -> Split:
        """The first `limit` samples; all of them where the limit is 0."""
        return Split(self.x_V[:limit], self.y[:limit]) if limit else self


@dataclass(frozen=True, eq=False)
class Digits:
    """Training, validation and test parts. `val` is `test` without a validation split."""

    train: Split
    val: Split
    test: Split

    @property
    def validates_on_test(self) -> bool:
        """Whether epochs are compared on the test set, as published; the best accuracy is then a selected one."""
        return self.val is self.test


def load_digits(
    seed: int, vmin: float, vmax: float, *, val_split: float = 0.0, train_limit: int = 0, test_limit: int = 0
) -> Digits:
    """Digits with pixels 0..16 mapped to [vmin, vmax] volts, 80 percent for training, stratified by digit.

    Args:
        seed: random_state of the split.
        vmin, vmax: voltage of an empty and of a full pixel.
        val_split: share of the training part that is kept for validation.
        train_limit, test_limit: cut each part after the split; 0 keeps all.

    Raises:
        InputError: val_split leaves a class without samples.
    """
    images, y = digits_images()
    x_V = vmin + (vmax - vmin) * (images.reshape(len(images), -1) / 16.0)
    first, second = stratified_split(y, 0.2, seed)
    train_x, test_x, train_y, test_y = x_V[first], x_V[second], y[first], y[second]
    test = Split(test_x, test_y).first(test_limit)
    val = test
    if val_split:
        try:
            kept, held_out = stratified_split(train_y, val_split, seed)
        except ValueError as problem:
            raise InputError(f"--val-split {val_split:g}: {problem}") from None
        val = Split(train_x[held_out], train_y[held_out])
        train_x, train_y = train_x[kept], train_y[kept]
    return Digits(Split(train_x, train_y).first(train_limit), val, test)
