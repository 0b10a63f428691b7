"""A CSV file of a user's own: a header, numbers, and a column that is to be learned."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.errors import InputError
from common.inputs import read_text
from common.values import number, shown

Rows = list[tuple[int, list[str]]]  # their line numbers, and their values


class CsvTable(NamedTuple):
    """What a file holds.

    Attributes:
        where: how messages name it.
        x: (rows, columns) all columns but the target, in file order.
        target: (rows,) what stands in the target's column.
        lines: (rows,) numbers of the lines.
    """

    where: str
    x: NDArray[np.float64]
    target: list[str]
    lines: list[int]


def read_csv(path: Path, target: str) -> CsvTable:
    """A file with a header, whose columns are numbers but for the target.

    Raises:
        InputError: no such file, no such column, a hole, a value that is no number, rows of different lengths.
    """
    where = f"--task-csv {path}"
    header, table = _table(path, where, target)
    column = header.index(target)
    found = [row.pop(column) for _, row in table]
    names = [name for name in header if name != target]
    x = np.array([_numbers(where, line, names, row) for line, row in table])
    return CsvTable(where, x, found, [line for line, _ in table])


def target_numbers(table: CsvTable, name: str) -> NDArray[np.float64]:
    """The target as numbers (rows,).

    Raises:
        InputError: a value is none.
    """
    pairs = zip(table.lines, table.target, strict=True)
    return np.array([_numbers(table.where, line, [name], [word])[0] for line, word in pairs])


def csv_rows(text: str, where: str) -> Rows:
    """Rows of a CSV text without blanks around their values, each with its line number; empty lines are passed over."""
    reader = csv.reader(text.splitlines(), strict=True)
    try:
        return [(reader.line_num, [value.strip() for value in row]) for row in reader if row]
    except csv.Error as problem:
        raise InputError(f"{where}, line {reader.line_num}: is not CSV ({problem})") from None


def check_rows(where: str, rows: Rows) -> None:
    """Raise InputError unless all rows have a value for each name in the first one."""
    (first, header), *rest = rows
    for line, row in rest:
        if len(row) != len(header):
            raise InputError(f"{where}, line {line}: has {len(row)} values; line {first} names {len(header)} columns")
        if "" in row:
            raise InputError(f"{where}, line {line}: no value of {shown(header[row.index('')])}")


def _table(path: Path, where: str, target: str) -> tuple[list[str], Rows]:
    """Names of the columns, and the rows with their line numbers."""
    rows = csv_rows(read_text(path, "--task-csv"), where)
    header = rows[0][1] if rows else []
    if target not in header:
        raise InputError(f"{where}: no column {shown(target)}; line 1 names {shown(','.join(header))}")
    if len(set(header)) < len(header) or len(header) < 2:
        raise InputError(f"{where}: line 1 has to name at least two columns, each differently")
    check_rows(where, rows)
    if len(rows) < 2:
        raise InputError(f"{where}: no rows in it")
    return header, rows[1:]


def _numbers(where: str, line: int, names: Sequence[str], row: Sequence[str]) -> list[float]:
    found = []
    for name, word in zip(names, row, strict=True):
        try:
            found.append(number(word))
        except InputError as problem:
            raise InputError(f"{where}, line {line}, column {shown(name)}: {problem}") from None
    return found
