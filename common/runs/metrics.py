"""metrics.csv: one row per epoch, the same columns throughout."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common.errors import RunError
from common.inputs import read_bytes, shorten
from common.runs.files import append_line, read_lines, write_text

NAME = "metrics.csv"
HEADER_BYTES = 1 << 16


def append_rows(folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append rows, all or none of them; the first one ever writes the header.

    Raises:
        RunError: the columns differ from those of the rows before.
        OSError: the disk is full; the file keeps the rows that it had.
    """
    if not rows:
        return
    path = folder / NAME
    found = _first_line(path)
    header = _line(rows[0]) if found is None else found
    for columns in {tuple(row) for row in rows}:
        if (own := _line(columns)) != header:
            raise RunError(f"{path}: its columns ({shorten(header)}) are not those of this run ({shorten(own)})")
    if found is None:
        write_text(path, header + "\n")
    append_line(path, "\n".join(_line(_format(value) for value in row.values()) for row in rows))


def keep_rows(folder: Path, count: int) -> None:
    """Keep the first `count` rows: a resumed run does the later epochs again."""
    lines = read_lines(folder / NAME)
    if lines:
        write_text(folder / NAME, "".join(line + "\n" for line in lines[: 1 + count]))


def write_rows(folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write all rows anew, whole or not at all, whatever the file held; without rows there is no file."""
    if not rows:
        (folder / NAME).unlink(missing_ok=True)
        return
    lines = [_line(rows[0]), *(_line(_format(value) for value in row.values()) for row in rows)]
    write_text(folder / NAME, "".join(line + "\n" for line in lines))


def _first_line(path: Path) -> str | None:
    """The header, without reading the rows behind it, which may be many; None if there is none or a torn one."""
    if not os.path.lexists(path):
        return None
    start, newline, _ = read_bytes(path, "file", first=HEADER_BYTES).partition(b"\n")
    return start.decode(errors="replace") if newline else None


def _line(values: Any) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow(values)
    return buffer.getvalue()


def _format(value: Any) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)
