"""A CSV file of a user's own: a column is the number to give for a row, all others are what it is given for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from analog_nmos.data.csv_table import read_csv, target_numbers
from analog_nmos.data.scale import scaled
from analog_nmos.data.split import Data, Split
from analog_nmos.readouts import Readout, Value
from analog_nmos.tasks.base import preset
from analog_nmos.tasks.dense import DenseTask
from analog_nmos.training.config import VOLT
from common.cli import option
from common.errors import InputError
from common.values import shown

LEAST = 5  # rows: three parts, and more than one to train with


@dataclass(frozen=True, kw_only=True)
class CsvRegression(DenseTask):
    """a number in a column of a CSV file with a header, from all its other columns"""

    word: ClassVar[str] = "csv-regression"

    task_csv: Path | None = option(None, "CSV file: a header, then a sample a row; needed")
    target: str = option("", "name of the column that is to be given; needed")
    target_vmin: float = option(0.3, "output voltage of the smallest target of the training part", **VOLT)
    target_vmax: float = option(0.7, "output voltage of the largest target of the training part", **VOLT)
    val_split: float = option(0.2, "share of the other samples kept for validation, which selects", above=0.0, high=0.9)
    test_split: float = option(0.2, "share of all samples kept for the test at the end", above=0.0, high=0.9)
    objective: str = preset(DenseTask, "objective", "mse")
    delta: float = preset(DenseTask, "delta", 0.1)
    epochs: int = preset(DenseTask, "epochs", 60)

    def check(self) -> None:
        """Raise InputError where options contradict each other or are missing."""
        super().check()
        if self.task_csv is None or not self.target:
            raise InputError("name the file by --task-csv FILE and the column to be given by --target COLUMN")
        if self.target_vmax <= self.target_vmin:
            raise InputError(f"--target-vmax {self.target_vmax:g} must lie above --target-vmin {self.target_vmin:g}")
        self.refuse("one_hot", "is for tasks with a score for each class; here each sample has its target")

    def load(self) -> Data:
        """The rows in three parts, drawn by the seed; features and targets scaled by the training part."""
        x, y = self._rows()
        order = np.random.RandomState(self.seed).permutation(len(y))
        test, rest = np.split(order, [self._count("test_split", len(order))])
        val, train = np.split(rest, [self._count("val_split", len(rest))])
        x_V = self.inputs_V(scaled(x, x[train], self.input_vmin, self.input_vmax))
        low, high = y[train].min(), y[train].max()
        if low == high:
            raise InputError(f"--task-csv {self.task_csv}: {shown(self.target)} is {low:g} in all of the training part")
        y_V = self.target_vmin + (self.target_vmax - self.target_vmin) * (y - low) / (high - low)
        parts = [Split(x_V[where], y_V[where, None]) for where in (train, val, test)]
        return Data(parts[0], parts[1], parts[2], (), self.name(), read=Readout(Value((self.target,))))

    def facts(self, data: Data) -> dict[str, Any]:
        """See `TrainerConfig.facts`; in which unit targets were, before they became volts."""
        y = self._rows()[1]
        return {**super().facts(data), "target": {"column": self.target, "smallest": y.min(), "largest": y.max()}}

    def _rows(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Features (rows, columns) and targets (rows,) as they stand in the file."""
        assert self.task_csv is not None
        table = read_csv(self.task_csv, self.target)
        if len(table.lines) < LEAST:
            raise InputError(f"{table.where}: {len(table.lines)} rows are too few for three parts")
        return table.x, target_numbers(table, self.target)

    def _count(self, name: str, rows: int) -> int:
        """Rows of the part that the option `name` takes, at least one and not all."""
        share: float = getattr(self, name)
        return min(max(1, round(share * rows)), rows - 1)
