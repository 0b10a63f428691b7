"""A CSV file of a user's own: a column names the class of a row, all others are numbers."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from analog_nmos.tasks.table import Rows, Table
from common.cli import option
from common.errors import InputError
from common.inputs import read_text
from common.values import number, shown


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
        where = f"--task-csv {self.task_csv}"
        header, table = self._table(where)
        column = header.index(self.target)
        labels = [row.pop(column) for _, row in table]
        names = [name for name in header if name != self.target]
        x = np.array([[_number(where, line, pair) for pair in zip(names, row, strict=True)] for line, row in table])
        classes = tuple(sorted(set(labels)))
        if len(classes) < 2:
            raise InputError(f"{where}: column {shown(self.target)} holds one class alone, {shown(classes[0])}")
        return Rows(x, np.array([classes.index(label) for label in labels]), classes)

    def _table(self, where: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
        """Names of the columns, and the rows with their line numbers."""
        assert self.task_csv is not None
        lines = _lines(read_text(self.task_csv, "--task-csv"), where)
        header = next(lines, (1, []))[1]
        if self.target not in header:
            raise InputError(f"{where}: no column {shown(self.target)}; line 1 names {shown(','.join(header))}")
        if len(set(header)) < len(header) or len(header) < 2:
            raise InputError(f"{where}: line 1 has to name at least two columns, each differently")
        table = list(lines)
        for line, row in table:
            if len(row) != len(header):
                raise InputError(f"{where}, line {line}: has {len(row)} values; line 1 names {len(header)} columns")
            if "" in row:
                raise InputError(f"{where}, line {line}: no value of {shown(header[row.index('')])}")
        if not table:
            raise InputError(f"{where}: no rows in it")
        return header, table


def _lines(text: str, where: str) -> Iterator[tuple[int, list[str]]]:
    """Rows of a CSV text without blanks around their values, each with its line number; empty lines are passed over."""
    reader = csv.reader(text.splitlines(), strict=True)
    try:
        for row in reader:
            if row:
                yield reader.line_num, [value.strip() for value in row]
    except csv.Error as problem:
        raise InputError(f"{where}, line {reader.line_num}: is not CSV ({problem})") from None


def _number(where: str, line: int, pair: tuple[str, str]) -> float:
    name, value = pair
    try:
        return number(value)
    except InputError as problem:
        raise InputError(f"{where}, line {line}, column {shown(name)}: {problem}") from None
