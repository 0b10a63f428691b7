"""The last row of metrics.csv as pandas reads it, in a tenth of its time: for tables of thousands of runs.

Which type a column has depends on all its cells, so that they are looked at, but only the last ones are read.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path

from common.inputs import read_bytes
from common.runs import metrics

NUMERIC = b"0123456789+-.einaf,\n"  # of numbers, nan and inf
DIGITS, POWER = 15, 22  # up to which a quotient or product of a whole number and a power of ten is rounded once
LONGEST = 18  # characters: so many digits surely fit into 64 bits


def plain_last_row(folder: Path) -> dict[str, int | float] | None:
    """The last whole row by column; empty if there is none.

    Returns:
        None if the file is not as this package writes it, or a value is one that pandas may round in another way or
        take for something else than a number: then only pandas knows what it reads.
    """
    path = folder / metrics.NAME
    if not os.path.lexists(path):
        return {}
    content = read_bytes(path, "file")
    header, newline, body = content[: content.rfind(b"\n") + 1].partition(b"\n")
    if not body:
        return None if newline else {}
    names = _names(header)
    columns = _columns(body, len(names)) if names else None
    if columns is None:
        return None
    found = {name: value for name, cells in zip(names, columns, strict=True) if (value := _last(cells)) is not None}
    return found if len(found) == len(names) else None


@functools.lru_cache(maxsize=64)
def _names(header: bytes) -> tuple[str, ...]:
    """The columns that a header names; none if pandas might give them other names."""
    names = header.decode(errors="replace").split(",")
    plain = len(set(names)) == len(names) > 1 and all(name.isidentifier() and name.isascii() for name in names)
    return tuple(names) if plain else ()


def _columns(body: bytes, width: int) -> list[list[bytes]] | None:
    """The cells of each column; None unless every row has `width` cells of letters that numbers have."""
    rows = body[:-1].split(b"\n")
    signs_alone = body.count(b"+") > body.count(b"e+")  # pandas takes +3 for a number, and not for that of every kind
    if body.translate(None, NUMERIC) or signs_alone or {row.count(b",") for row in rows} != {width - 1}:
        return None
    cells = body[:-1].replace(b"\n", b",").split(b",")
    return None if b"" in cells else [cells[column::width] for column in range(width)]


def _last(cells: list[bytes]) -> int | float | None:
    """The last value of a column: whole if all are; None where it is not certain what pandas makes of the column."""
    joined, word = b"".join(cells), cells[-1]
    # With a dot in every cell none of them is a whole number, and so none is one too large.
    if joined.count(b".") < len(cells) and max(map(len, cells)) > LONGEST:
        return None
    if joined.isdigit() or (b"-" in joined and all(cell.removeprefix(b"-").isdigit() for cell in cells)):
        return int(word)
    return _rounded_once(word)


def _rounded_once(word: bytes) -> float | None:
    """A number that pandas cannot but round as Python does; None for others."""
    mantissa, _, power = word.partition(b"e")
    whole, _, fraction = mantissa.lstrip(b"+-").partition(b".")
    if not (whole + fraction).isdigit():
        return float(word) if word in (b"nan", b"inf", b"-inf") else None
    shift = int(power or 0) - len(fraction)
    if word.startswith(b"-") and float(word) == 0.0:  # whose sign pandas keeps or drops
        return None
    return float(word) if len(whole + fraction) <= DIGITS and abs(shift) <= POWER else None
