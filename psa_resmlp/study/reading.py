"""Read text and tables that people edit; a wrong file gives an error of one line with advice."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from common.errors import InputError
from common.inputs import read_text


def text_of(file: str | Path, what: str, advice: str) -> str:
    """The text of a file; see `common.inputs.read_text`.

    Args:
        file: its path.
        what, advice: beginning and end of the message if it cannot be read.

    Raises:
        InputError: it is missing, not a regular file, too large, or not text.
    """
    try:
        return read_text(file, what)
    except InputError as problem:
        raise InputError(f"{problem}; {advice}") from None


def rows_of(text: str, where: str, needed: Iterable[str], advice: str) -> list[tuple[int, dict[str, str]]]:
    """The rows of a table in CSV, each with the number of its line.

    Raises:
        InputError: a needed column is missing, or a row does not have a cell for every column.
    """
    found = []
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        missing = [name for name in needed if name not in (reader.fieldnames or ())]
        if missing:
            raise InputError(f"{where} has no column {missing[0]}; {advice}")
        for row in reader:
            if None in row or None in row.values():
                raise InputError(f"{where}, line {reader.line_num}: not as many cells as columns")
            found.append((reader.line_num, row))
    except csv.Error as problem:
        raise InputError(f"{where}, line {reader.line_num}: {problem}") from None
    return found
