"""Tables of the tools as aligned text, CSV or Markdown."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

FORMATS = ("text", "csv", "markdown")


def table(header: Sequence[str], rows: Sequence[Sequence[str]], style: str = "text") -> str:
    """The table as one string that ends in a newline.

    Args:
        header: names of the columns.
        rows: of as many cells each.
        style: text (columns aligned, numbers to the right), csv or markdown.
    """
    if style == "csv":
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\n").writerows([header, *rows])
        return buffer.getvalue()
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    right = [all(_is_number(row[column]) for row in rows) for column in range(len(header))]
    aligned = [
        [
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(line, widths, right, strict=True)
        ]
        for line in lines
    ]
    if style == "markdown":
        rule = ["-" * (width - 1) + (":" if to_right else "-") for width, to_right in zip(widths, right, strict=True)]
        return "".join(f"| {' | '.join(line)} |\n" for line in [aligned[0], rule, *aligned[1:]])
    return "".join(f"{'  '.join(line).rstrip()}\n" for line in aligned)


def _is_number(cell: str) -> bool:
    try:
        float(cell.strip("%") or "0")
    except ValueError:
        return False
    return True
