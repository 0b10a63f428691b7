"""Tasks whose samples are rows of numbers with a class: scaled, and split into three parts."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analog_nmos.data.scale import scaled
from analog_nmos.data.split import Data, Split
from analog_nmos.tasks.base import preset
from analog_nmos.tasks.dense import DenseTask
from common.cli import option
from common.errors import InputError
from common.stratified import stratified_split

Indices = NDArray[np.int64]


class Rows(NamedTuple):
    """Samples as they were measured.

    Attributes:
        x: (samples, features), in any units.
        y: (samples,), the number of the class.
        classes: their names.
    """

    x: NDArray[np.float64]
    y: Indices
    classes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Table(DenseTask):
    """Parts of the data, and epochs"""

    val_split: float = option(0.2, "share of the other samples kept for validation, which selects", above=0.0, high=0.9)
    test_split: float = option(0.2, "share of all samples kept for the test at the end", above=0.0, high=0.9)
    epochs: int = preset(DenseTask, "epochs", 60)

    @abstractmethod
    def rows(self) -> Rows:
        """All samples.

        Raises:
            InputError: they are missing or damaged.
        """

    def load(self) -> Data:
        """The rows in three stratified parts, each feature scaled by its extremes in the training part."""
        x, y, classes = self.rows()
        rest, test = self._split(y, classes, "test_split")
        kept, held_out = self._split(y[rest], classes, "val_split")
        train, val = rest[kept], rest[held_out]
        x_V = self.inputs_V(scaled(x, x[train], self.input_vmin, self.input_vmax))
        parts = [Split(x_V[where], y[where]) for where in (train, val, test)]
        return Data(parts[0], parts[1], parts[2], classes, self.name())

    def _split(self, y: Indices, classes: tuple[str, ...], name: str) -> tuple[Indices, Indices]:
        """Indices of what is left and of the part that the option `name` takes, each with samples of all classes."""
        share, counts = getattr(self, name), np.bincount(y, minlength=len(classes))
        try:
            parts = stratified_split(y, share, self.seed)
        except ValueError:
            parts = np.zeros(0, np.int64), np.zeros(0, np.int64)
        for part in parts:
            missing = np.flatnonzero(np.bincount(y[part], minlength=len(classes)) == 0)
            if missing.size:
                few = missing[counts[missing].argmin()]
                what = f"class {classes[few]} has {counts[few]} samples to split, not enough for both parts"
                raise InputError(f"--{name.replace('_', '-')} {share:g}: {what}")
        return parts
