"""The small tables that scikit-learn brings, read from its files without importing it."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Bundled(NamedTuple):
    """Features x (samples, features) in their own units, class numbers y (samples,), and names of the classes."""

    x: NDArray[np.float64]
    y: NDArray[np.int64]
    classes: tuple[str, ...]


def bundled(name: str, file: str) -> Bundled:
    """One of scikit-learn's tables in file order.

    Args:
        name: as in sklearn.datasets.load_<name>.
        file: in its folder datasets/data. Another version of scikit-learn may keep it elsewhere, and finds it itself.
    """
    package = importlib.util.find_spec("sklearn")
    folders = package.submodule_search_locations if package is not None else None
    path = Path((folders or [""])[0]) / "datasets" / "data" / file
    found = _read(path) if path.is_file() else None
    if found is None:
        bunch = getattr(importlib.import_module("sklearn.datasets"), f"load_{name}")()
        found = Bundled(bunch.data, bunch.target.astype(np.int64), tuple(map(str, bunch.target_names)))
    return found


def _read(path: Path) -> Bundled | None:
    """Line 1: samples, features, names of the classes; then a sample a line, its class last. None: another format."""
    first, *lines = path.read_text(encoding="utf-8").split()
    samples, features, *classes = first.split(",")
    rows = [line.split(",") for line in lines]
    if len(rows) != int(samples) or {len(row) for row in rows} != {int(features) + 1}:
        return None
    table = np.array(rows, np.float64)
    return Bundled(table[:, :-1], table[:, -1].astype(np.int64), tuple(classes))
