"""What a trainer needs to know of the data: three parts with labels, and how a network is read that is given them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.readouts import Highest, Readout

DIGEST = "data_digest"  # in run_meta.json: that of `Data.digest`


@dataclass(frozen=True, eq=False)
class Split:
    """Samples of one part.

    Attributes:
        x_V: (samples, inputs) in volts.
        y: (samples,) the number of the class; or (samples, values) in volts where the answer is values.
    """

    x_V: NDArray[np.float64]
    y: NDArray[Any]

    @property
    def label(self) -> NDArray[np.int64]:
        """The number of the class, shape (samples,); 0 where there are none."""
        return self.y if self.y.ndim == 1 else np.zeros(len(self.y), np.int64)

    def first(self, limit: int) -> Split:
        """The first `limit` samples; all of them where the limit is 0."""
        return Split(self.x_V[:limit], self.y[:limit]) if limit else self


@dataclass(frozen=True, eq=False)
class Data:
    """Training, validation and test parts. `val` is `test` without a validation split; all three may be one.

    Attributes:
        classes: their names, in the order of the labels; () where the answer is values.
        name: of the data, for run_meta.json and messages.
        input_shape: what the inputs form, e.g. (14, 14) for an image; () where they form nothing.
        read: how the network is read; None for one output a class, the highest of which wins.
    """

    train: Split
    val: Split
    test: Split
    classes: tuple[str, ...]
    name: str
    input_shape: tuple[int, ...] = ()
    read: Readout | None = None

    @property
    def readout(self) -> Readout:
        """How the network is read."""
        return self.read or Readout(Highest(len(self.classes)))

    @property
    def validated_on(self) -> str:
        """What epochs are compared on."""
        if self.val is self.train:
            return "training set"
        return "test set" if self.validates_on_test else "validation split"

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
        """Output nodes that it has."""
        return self.readout.n_nodes

    @property
    def chance(self) -> float:
        """The accuracy of guessing: the share of the most frequent class in the training part."""
        return float(np.bincount(self.train.label).max() / len(self.train.y))

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
