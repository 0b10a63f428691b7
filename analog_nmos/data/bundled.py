"""The small tables that scikit-learn brings, read from its files without importing it."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.digits import bundled_file


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
    path = bundled_file(file)
    found = _read(path) if path is not None else None
    if found is None:
        bunch = getattr(importlib.import_module("sklearn.datasets"), f"load_{name}")()
        found = Bundled(bunch.data, bunch.target.astype(np.int64), tuple(map(str, bunch.target_names)))
    return found


def _read(path: Path) -> Bundled | None:
    """Line 1: samples, features, names of the classes; then a sample a line, its class last. None: another format."""
    try:
        first, *lines = path.read_text(encoding="utf-8").split()
        samples, features, *classes = first.split(",")
        table = np.array([line.split(",") for line in lines], np.float64)
        expected = int(samples), int(features) + 1
    except ValueError:
        return None
    return Bundled(table[:, :-1], table[:, -1].astype(np.int64), tuple(classes)) if table.shape == expected else None
