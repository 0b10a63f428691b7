"""A CSV file of a user's own: a column names the class of a row, all others are numbers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from analog_nmos.data.csv_table import read_csv
from analog_nmos.tasks.table import Rows, Table
from common.cli import option
from common.errors import InputError
from common.values import shown


@dataclass(frozen=True, kw_only=True)
class CsvFile(Table):
    """rows of a CSV file with a header, by all its columns but that of the class"""

    word: ClassVar[str] = "csv"

    task_csv: Path | None = option(None, "CSV file: a header, then a sample a row; needed")
    target: str = option("", "name of the column that holds the class, any word or number; needed")

    def check(self) -> None:
        """Raise InputError where options contradict each other or are missing."""
        super().check()
        if self.task_csv is None or not self.target:
            raise InputError("name the file by --task-csv FILE and the column of the classes by --target COLUMN")

    def rows(self) -> Rows:
        """See `Table.rows`; classes are sorted by name."""
        assert self.task_csv is not None
        table = read_csv(self.task_csv, self.target)
        classes = tuple(sorted(set(table.target)))
        if len(classes) < 2:
            raise InputError(f"{table.where}: column {shown(self.target)} holds one class alone, {shown(classes[0])}")
        return Rows(table.x, np.array([classes.index(word) for word in table.target]), classes)
