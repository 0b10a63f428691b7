"""A specification as text for people, and as CSV for notebooks."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from typing import Any

from analog_nmos.specification.limits import Found
from analog_nmos.specification.search import Limit

COLUMNS = ("quantity", "limit", "low", "high", "unit", "share_of_full_scale", "state", "cost", "cost_low", "cost_high")


def header(is_accuracy: bool) -> list[str]:
    """Names of the printed columns."""
    cost = "loss there (points)" if is_accuracy else "error there (% larger)"
    return ["imperfection", "limit", "95% interval", "unit", "% of full scale", cost, "its 95% interval"]


def cells(row: Found, full_scale_V: float) -> list[str]:
    """A printed line."""
    limit, quantity = row.limit, row.quantity
    share = _share(row, full_scale_V)
    costs = [_percent(one) for one in (limit.cost, limit.cost_low, limit.cost_high)]
    ends = [] if math.isnan(limit.low) else [_end(row, limit.low), _end(row, limit.high)]
    interval = ends[0] if len(set(ends)) == 1 else " to ".join(ends)
    around = "" if math.isnan(limit.cost_low) else f"{costs[1]} to {costs[2]}"
    return [
        quantity.title,
        _value(row),
        interval or "-",
        quantity.unit,
        "" if share is None else f"{100 * share:.3g}",
        costs[0],
        around or "-",
    ]


def note(rows: Sequence[Found], base: float, samples: int, metric: str, together: Limit | None, failed: int) -> str:
    """What stands under the table."""
    is_accuracy = metric == "accuracy"
    shown = f"{base:.2%}" if is_accuracy else f"{base:.4g}"
    lines = [f"{metric} without them {shown} on {samples} test samples"]
    if together is not None:
        interval = "" if math.isnan(together.cost_low) else (
            f" ({_percent(together.cost_low)} to {_percent(together.cost_high)})"
        )  # fmt: skip
        what = f"{_percent(together.cost)} points" if is_accuracy else f"{_percent(together.cost)} percent of the error"
        lines[0] += f"; all limits at once cost {what}{interval}"
    for row in rows:
        lines += _remark(row)
    if failed:
        lines.append(f"{failed} operating points failed; their answers count as wrong")
    return "\n".join(lines)


def limits_csv(rows: Sequence[Found], full_scale_V: float) -> str:
    """spec.csv: a line for each limit, numbers as they are; an empty cell where there is none."""
    lines = []
    for row in rows:
        limit, quantity = row.limit, row.quantity
        value = limit.value if limit.found else None
        costs = (limit.cost, limit.cost_low, limit.cost_high)
        lines.append(
            (
                quantity.name,
                value,
                limit.low,
                limit.high,
                quantity.unit,
                _share(row, full_scale_V),
                state(limit),
                *costs,
            )
        )
    return as_csv(COLUMNS, lines)


def levels_csv(rows: Sequence[Found], metric: str) -> str:
    """levels.csv: a line for each draw of every level that was tested."""
    lines = [
        (row.quantity.name, level, draw, value)
        for row in rows
        for level, values in zip(row.limit.levels.tolist(), row.limit.values.tolist(), strict=True)
        for draw, value in enumerate(values)
    ]
    return as_csv(("quantity", "level", "draw", metric), lines)


def state(limit: Limit) -> str:
    """found; never (no tested level costs too much); or always (every one does)."""
    return "found" if limit.found else "never" if limit.open else "always"


def as_csv(names: Sequence[str], lines: Sequence[Sequence[Any]]) -> str:
    """Text of a CSV file; what is missing is an empty cell."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([["" if one is None or one != one else one for one in line] for line in lines])
    return stream.getvalue()


def markdown(names: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table for Markdown."""
    rows = [list(names), ["---"] * len(names), *map(list, lines)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _share(row: Found, full_scale_V: float) -> float | None:
    """Of full scale, for what percentages of it are an option of."""
    limit = row.limit
    return limit.value / full_scale_V if limit.found and limit.value and row.quantity.name == "read-noise" else None


def _value(row: Found) -> str:
    """The limit; with a sign in front where the search reached an end of its levels."""
    limit, levels = row.limit, row.limit.levels
    milder, worse = ("<", ">") if row.quantity.rises else (">", "<=")
    if limit.open:
        return f"{worse} {_number(levels[-1])}"
    return f"{milder} {_number(levels[0])}" if limit.value is None else _number(limit.value)


def _end(row: Found, value: float) -> str:
    """An end of an interval; beyond the tested levels it has a sign."""
    levels = row.limit.levels
    if value == 0.0:
        return f"< {_number(levels[0])}"
    if math.isinf(value):
        return f"> {_number(max(levels[0], levels[-1]))}"
    return _number(value)


def _remark(row: Found) -> list[str]:
    """What a sign in front of a limit means."""
    limit, title = row.limit, row.quantity.title
    if limit.open:
        return [f"{title}: never left the target, {'up' if row.quantity.rises else 'down'} to {_worst(row)}"]
    if limit.value is None:
        return [f"{title}: beyond the target from {_number(limit.levels[0])} {row.quantity.unit} on"]
    return []


def _worst(row: Found) -> str:
    number, unit = _number(row.limit.levels[-1]), row.quantity.unit
    return f"{number} {unit.removesuffix('s') if number == '1' else unit}"


def _number(value: float) -> str:
    return f"{value:.3g}"


def _percent(fraction: float) -> str:
    return f"{100 * fraction:z.2f}" if abs(fraction) < 1e6 else "no answer"
