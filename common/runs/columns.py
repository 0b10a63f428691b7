"""What a run has measured as columns of a table, whichever suite and version it is of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common.runs import metrics
from common.runs.files import read_lines
from common.runs.result import FINAL, from_columns


def result_columns(result: Mapping[str, Any], score: str = "") -> dict[str, Any]:
    """The columns of a result that was recorded flat, as those of a sweep's runs are (`common.runs.result`).

    Args:
        result: numbers by name, of this version or an earlier one; empty while there are none.
        score: the name of the number that ranks runs, where the result does not say so itself.
    """
    found = from_columns(result)
    columns = found.columns()
    if found.value is None:
        named = isinstance(result.get(score), (int, float))
        columns = {**columns, "score": result[score], "score_name": score} if named else columns
        if not named:
            del columns["score"], columns["score_name"]
    return plain_columns(columns)


def plain_columns(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Without lists of records, such as the trials of a run, which are tables of their own."""
    return {name: value for name, value in columns.items() if not (isinstance(value, list) and _records(value))}


def last_row(folder: Path) -> dict[str, Any]:
    """The last row of a run's metrics.csv, each column with final_ in front; empty before the first epoch."""
    lines = read_lines(folder / metrics.NAME)
    if len(lines) < 2:
        return {}
    pairs = zip(lines[0].split(","), lines[-1].split(","), strict=False)
    return {f"{FINAL}_{name}": _value(text) for name, text in pairs}


def _records(value: list[Any]) -> bool:
    return any(isinstance(element, Mapping) for element in value)


def _value(text: str) -> Any:
    """A number as such, NaN too; other words as they are, and None for an empty cell."""
    if not text:
        return None
    try:
        return json.loads(text.replace("nan", "NaN"))
    except (ValueError, RecursionError):  # a damaged cell may hold a thousand brackets
        return text
