"""Read a device curve from a text file; anything ambiguous is an error that names the row, never a guess.

Cells are separated by semicolons, tabs, commas or blanks, the same in every row; a first line `sep=;` names them.
A decimal comma is read where semicolons or tabs separate the cells. Lines that begin with # are comments. A header is
a first row none of whose cells begins as a number does.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from common.errors import InputError
from common.inputs import shorten

WHAT = "device curve"
LIMIT = 16 << 20  # bytes; a million rows
OVERLOAD = 1e30  # instruments write 9.9E37 where they have measured nothing
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:[.][0-9]*)?|[.][0-9]+)(?:[EeDd][+-]?[0-9]+)?")
_ATTEMPT = re.compile(r"[+-]?(?:[.,]?[0-9].*|nan|inf|infinity)", re.IGNORECASE | re.DOTALL)
_THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+")
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?[ ]*', re.IGNORECASE)
_NAMES = {";": "semicolons", "\t": "tabs", ",": "commas", " ": "blanks"}


@dataclass(frozen=True)
class Row:
    """Cells of a line, without the blanks around them.

    Attributes:
        number: of the line in the file, from 1.
        cells: as text.
    """

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """Rows with equally many cells.

    Attributes:
        where: the file, for messages.
        separator: between cells; a blank stands for any number of blanks.
        header: None without one.
        rows: the other rows, at least one.
    """

    where: str
    separator: str
    header: Row | None
    rows: tuple[Row, ...]

    @property
    def width(self) -> int:
        """How many columns."""
        return len(self.rows[0].cells)

    def column(self, name: str) -> int:
        """The index, from 0, of the column with this name in the header, or with this number from 1."""
        names = self.header.cells if self.header else ()
        if names.count(name) == 1:
            return names.index(name)
        if name.isdecimal() and len(name) < 9 and 1 <= int(name) <= self.width:
            return int(name) - 1
        known = ", ".join([*names, f"1 to {self.width}" if self.width > 1 else "1"])
        problem = "is the name of several columns" if name in names else "is no column"
        raise InputError(f"{self.where}: --curve-columns: {shown(name)} {problem}; allowed: {known}")

    def numbers(self, columns: Sequence[int]) -> list[list[float]]:
        """The numbers of some columns.

        Raises:
            InputError: a cell is not a number, or can be read in two ways.
        """
        cells = [[(row.number, row.cells[column]) for row in self.rows] for column in columns]
        if self.separator in ";\t":
            cells = self._with_points(cells)
        return [[self._number(number, cell) for number, cell in column] for column in cells]

    def _with_points(self, columns: list[list[tuple[int, str]]]) -> list[list[tuple[int, str]]]:
        """The cells of columns, decimal commas replaced by points."""
        cells = [each for column in columns for each in column]
        points = [each for each in cells if "." in each[1]]
        commas = [each for each in cells if "," in each[1]]
        if points and commas:
            (number, cell), (row, other) = commas[0], points[0]
            refuse(self.where, number, f"{shown(cell)} has a comma, {shown(other)} in row {row} a point; allowed: one")
        for column in columns:
            mixed = any("," not in cell for _, cell in column)
            for number, cell in column if mixed else ():
                if _THOUSANDS.fullmatch(cell):
                    refuse(self.where, number, f"{shown(cell)} may mean thousands; write it without the comma")
        return [[(number, cell.replace(",", ".")) for number, cell in column] for column in columns]

    def _number(self, number: int, text: str) -> float:
        if not text:
            refuse(self.where, number, "an empty cell; allowed: a number")
        if not _NUMBER.fullmatch(text):
            hint = ""
            if "," in text:
                hint = " (a decimal comma is read where semicolons or tabs separate the cells)"
            elif self.header is None and number == self.rows[0].number:
                hint = " (no cell of a header begins as a number does)"
            refuse(self.where, number, f"{shown(text)} is not a number; allowed: digits with a decimal point{hint}")
        value = float(text.upper().replace("D", "E"))
        if abs(value) >= OVERLOAD:
            refuse(self.where, number, f"{shorten(text)} is an instrument's overload; allowed: below {OVERLOAD:g}")
        return value


def read_table(where: str, content: bytes) -> Table:
    """The cells of a text file.

    Args:
        where: the file, for messages.
        content: UTF-8, or UTF-16 with a byte order mark.

    Raises:
        InputError: it is not text, has no rows, or rows of different lengths.
    """
    lines = _lines(_text(where, content))
    separator = " "
    if lines and (found := _SEPARATOR_LINE.fullmatch(lines[0][1])):
        separator = found[1]
        if separator not in ";\t,":
            refuse(where, lines[0][0], f"separator {separator!r}; allowed: comma, semicolon, tab")
        del lines[0]
    elif lines:
        separator = _separator(where, lines)
    rows = [_row(where, number, line, separator) for number, line in lines]
    header = rows.pop(0) if rows and not any(map(_ATTEMPT.fullmatch, rows[0].cells)) else None
    if not rows:
        raise InputError(f"{where}: holds no numbers; allowed: two columns, pulses and values")
    first = header or rows[0]
    for row in rows:
        if len(row.cells) != len(first.cells):
            words = f"{len(row.cells)} cell(s) where row {first.number} has {len(first.cells)}"
            refuse(where, row.number, f"{words} ({_NAMES[separator]} separate them); allowed: equally many in all rows")
    return Table(where, separator, header, tuple(rows))


def split_columns(columns: str) -> list[str]:
    """The names in PULSES,VALUES or PULSES+VALUES."""
    return columns.split("," if "," in columns else "+")


def refuse(where: str, row: int, problem: str) -> NoReturn:
    """Raise InputError for a row of a file."""
    raise InputError(f"{where}: row {row}: {problem}")


def shown(text: str) -> str:
    """A cell in a message."""
    return repr(text if len(text) <= 40 else f"{text[:37]}...")


def _text(where: str, content: bytes) -> str:
    # Only a byte order mark tells UTF-16 from other bytes for certain; some programs save "Unicode text" so.
    wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        return content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as problem:
        row = 1 + content[: problem.start].count(b"\n")
        refuse(where, row, f"is not {'UTF-16' if wide else 'UTF-8'} text; save the file as UTF-8")


def _lines(text: str) -> list[tuple[int, str]]:
    """Lines with their numbers, without empty ones and comments."""
    lines = enumerate(re.split(r"\r\n|\r|\n", text), 1)
    return [(number, line) for number, line in lines if line.strip() and not line.lstrip().startswith("#")]


def _separator(where: str, lines: Sequence[tuple[int, str]]) -> str:
    found: dict[str, int] = {}
    for number, line in lines:
        for mark in ";\t":
            if mark in line:
                found.setdefault(mark, number)
    if len(found) == 2:
        refuse(where, max(found.values()), "the file has both semicolons and tabs; allowed: one between the cells")
    if found:
        return next(iter(found))
    return "," if any("," in line for _, line in lines) else " "


def _row(where: str, number: int, line: str, separator: str) -> Row:
    try:
        cells = line.split() if separator == " " else _cells(line, separator)
    except csv.Error as problem:
        refuse(where, number, f"cannot be read ({problem}); allowed: cells in closed quotes or none")
    return Row(number, tuple(cell.strip() for cell in cells))


def _cells(line: str, separator: str) -> list[str]:
    return next(csv.reader([line], delimiter=separator, skipinitialspace=separator != "\t", strict=True))
