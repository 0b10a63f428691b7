"""What a trainer needs to know of the data: three parts with labels, and the names of the classes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DIGEST = "data_digest"  # in run_meta.json: that of `Data.digest`


@dataclass(frozen=True, eq=False)
class Split:
    """Samples of one part: x_V (samples, inputs) in volts, y (samples,) the number of the class."""

    x_V: NDArray[np.float64]
    y: NDArray[np.int64]

    def first(self, limit: int) -> Split:
        """The first `limit` samples; all of them where the limit is 0."""
        return Split(self.x_V[:limit], self.y[:limit]) if limit else self


@dataclass(frozen=True, eq=False)
class Data:
    """Training, validation and test parts. `val` is `test` without a validation split.

    Attributes:
        classes: their names, in the order of the labels.
        name: of the data, for run_meta.json and messages.
        input_shape: what the inputs form, e.g. (14, 14) for an image; () where they form nothing.
    """

    train: Split
    val: Split
    test: Split
    classes: tuple[str, ...]
    name: str
    input_shape: tuple[int, ...] = ()

    @property
    def validates_on_test(self) -> bool:
        """Whether epochs are compared on the test set, as published; the best accuracy is then a selected one."""
        return self.val is self.test

    @property
    def n_inputs(self) -> int:
        """Input nodes that a network for these samples has."""
        return int(self.train.x_V.shape[1])

    @property
    def n_outputs(self) -> int:
        """Output nodes that it has: one a class."""
        return len(self.classes)

    @property
    def chance(self) -> float:
        """The accuracy of guessing: the share of the most frequent class in the training part."""
        return float(np.bincount(self.train.y).max() / len(self.train.y))

    @property
    def needs(self) -> str:
        """How a message begins that says which network fits."""
        return f"{self.name} needs"

    def digest(self) -> str:
        """A hash of all samples, by which a resumed run sees whether they have changed."""
        found = hashlib.sha256("\n".join(self.classes).encode())
        for part in (self.train, self.val, self.test):
            found.update(np.ascontiguousarray(part.x_V).tobytes() + np.ascontiguousarray(part.y).tobytes())
        return found.hexdigest()[:16]
