"""The columns of a chip's CSV file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analog_nmos.chips.chip import FIELDS, allowed, outside
from analog_nmos.data.csv_table import Rows, check_rows, csv_rows
from common.errors import InputError
from common.inputs import read_text
from common.values import integer, number, shown

FloatArray = NDArray[np.float64]
COLUMNS = ("edge", *FIELDS)


def read_columns(path: str | Path) -> dict[str, FloatArray]:
    """Columns (E,) by name, in the order of the column edge if there is one, else in the order of lines.

    Raises:
        InputError: no header, a column that a chip does not have, a hole, a value that is no number or that no
            transistor has, an edge that comes twice or lies beyond the last. The message names the line.
    """
    where = f"chip {path}"
    header, lines = _table(where, read_text(path, "chip"))
    order = _by_edge(where, lines, header.index("edge")) if "edge" in header else range(len(lines))
    lines = [lines[position] for position in order]
    columns = [(name, place) for place, name in enumerate(header) if name != "edge"]
    return {name: _column(where, name, lines, place) for name, place in columns}


def _table(where: str, text: str) -> tuple[list[str], Rows]:
    """Names of the columns, and the lines below them; empty ones are passed over."""
    found = csv_rows(text, where)
    first, header = found[0] if found else (1, [])
    for name in header:
        if name not in COLUMNS or header.count(name) > 1:
            what = "comes twice" if name in COLUMNS else "is none of a chip's"
            raise InputError(f"{where}, line {first}: column {shown(name)} {what}; allowed: {', '.join(COLUMNS)}")
    if len(found) < 2:
        raise InputError(f"{where}: has no lines of numbers below a header of {', '.join(COLUMNS)}")
    check_rows(where, found)
    return header, found[1:]


def _by_edge(where: str, lines: Rows, place: int) -> Sequence[int]:
    """Positions in `lines` of edges 0, 1, 2 ..."""
    positions: dict[int, int] = {}
    for position, (line, row) in enumerate(lines):
        try:
            edge = integer(row[place])
        except InputError as problem:
            raise InputError(f"{where}, line {line}, column edge: {problem}") from None
        if not 0 <= edge < len(lines):
            raise InputError(
                f"{where}, line {line}: edge {edge}; the {len(lines)} lines are edges 0 to {len(lines) - 1}"
            )
        if edge in positions:
            raise InputError(f"{where}, line {line}: edge {edge} was on line {lines[positions[edge]][0]} before")
        positions[edge] = position
    return [positions[edge] for edge in range(len(lines))]


def _column(where: str, name: str, lines: Rows, place: int) -> FloatArray:
    values = np.empty(len(lines))
    for edge, (line, row) in enumerate(lines):
        try:
            values[edge] = number(row[place])
        except InputError as problem:
            raise InputError(f"{where}, line {line}, column {name}: {problem}") from None
    if (wrong := outside(name, values)).any():
        edge = int(np.argmax(wrong))
        line = lines[edge][0]
        raise InputError(f"{where}, line {line}, column {name}: must be {allowed(name)}, not {values[edge]:g}")
    return values
