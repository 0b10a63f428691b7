"""Power, settling times and energies as text for people, and as CSV for notebooks."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.browse.text import aligned

Numbers = Mapping[str, NDArray[Any]]
PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "u", -3: "m", 0: "", 3: "k"}


def engineering(value: float, unit: str) -> str:
    """Four digits and a prefix: 5.33e-12, "J" becomes "5.330 pJ"; a dash for NaN."""
    if np.isnan(value):
        return "-"
    if value == 0.0:
        return f"0 {unit}"
    power = int(np.clip(3 * np.floor(np.log10(abs(value)) / 3), min(PREFIXES), max(PREFIXES)))
    return f"{value / 10.0**power:.4g} {PREFIXES[power]}{unit}"


def table(lines: Sequence[tuple[str, NDArray[np.float64], str]]) -> str:
    """Mean, lowest and highest of quantities, each with its unit; samples without a value (NaN) do not count."""
    cells = []
    for name, values, unit in lines:
        known = values[np.isfinite(values)]
        found = (known.mean(), known.min(), known.max()) if known.size else (np.nan,) * 3
        cells.append([name, *(engineering(float(one), unit) for one in found)])
    return aligned(("quantity", "mean", "lowest", "highest"), cells)


def as_csv(columns: Numbers) -> str:
    """A line for each of equally long arrays' entries; NaN is an empty cell, whole numbers have no point."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    for row in zip(*(values.tolist() for values in columns.values()), strict=True):
        writer.writerow(["" if value != value else value for value in row])
    return stream.getvalue()
