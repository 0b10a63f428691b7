"""Columns of text, aligned."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any


def aligned(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table as text; numbers are aligned to the right, those of about the same size with equally many digits."""
    if not rows:
        return ""
    formats = [_format([row[column] for row in rows]) for column in range(len(header))]
    cells = [list(header), *([how(value) for how, value in zip(formats, row, strict=True)] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    right = [all(isinstance(row[column], (int, float, type(None))) for row in rows) for column in range(len(header))]
    lines = []
    for row in cells:
        parts = [
            cell.rjust(width) if flush else cell.ljust(width)
            for cell, width, flush in zip(row, widths, right, strict=True)
        ]
        lines.append("  ".join(parts).rstrip())
    return "\n".join(lines)


def shown(value: Any) -> str:
    """A value for people: what is missing is a dash."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:.4g}"
    return str(value)


def _format(column: Sequence[Any]) -> Callable[[Any], str]:
    """Four digits after the point for a column of fractions that have about the same size."""
    numbers = [abs(value) for value in column if isinstance(value, float) and math.isfinite(value)]
    alike = numbers and max(numbers) < 1000 and min((n for n in numbers if n), default=1.0) >= 1e-3
    if not alike or all(number.is_integer() for number in numbers):
        return shown
    return lambda value: f"{value:.4f}" if isinstance(value, float) and math.isfinite(value) else shown(value)
