"""Radar returns from the ionosphere: good ones (g) show structure, bad ones (b) pass through."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from analog_nmos.tasks.base import preset
from analog_nmos.tasks.table import Rows, Table
from common.cli import option
from common.datasets import data_root
from common.errors import InputError
from common.inputs import read_text

FILE, SHAPE, CLASSES = "ionosphere/ionosphere.data", (351, 34), ("b", "g")


@dataclass(frozen=True, kw_only=True)
class Ionosphere(Table):
    """good and bad radar returns by 34 numbers (351 returns, from <data root>/ionosphere)"""

    word: ClassVar[str] = "ionosphere"

    gamma: float = preset(Table, "gamma", 3.0)
    epochs: int = preset(Table, "epochs", 100)
    data_root: Path | None = option(None, "folder of the data sets (default: $NONIDEAL_DATA, else ./data)", local=True)

    def rows(self) -> Rows:
        """See `Table.rows`."""
        path = data_root(self.data_root) / FILE
        if not path.exists():
            raise InputError(
                f"ionosphere {path}: no such file; it is ionosphere.data of the UCI repository, data set 52"
            )
        rows = [line.split(",") for line in read_text(path, "ionosphere").split()]
        damaged = InputError(f"ionosphere {path}: is damaged, not {SHAPE[0]} rows of {SHAPE[1]} numbers and b or g")
        if {len(row) for row in rows} != {SHAPE[1] + 1} or len(rows) != SHAPE[0]:
            raise damaged
        try:
            x = np.array([row[:-1] for row in rows], np.float64)
            y = np.array([CLASSES.index(row[-1]) for row in rows])
        except ValueError:
            raise damaged from None
        if not np.isfinite(x).all():
            raise damaged
        return Rows(x, y, CLASSES)
