"""scikit-learn's 8x8 digits from the file that it brings, without importing scikit-learn."""

from __future__ import annotations

import functools
import gzip
import importlib
import importlib.util
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]
COUNT, PIXELS = 1797, 64


@functools.cache
def digits_images() -> tuple[Images, Labels]:
    """Return all 1797 digits of scikit-learn in file order: (1797, 8, 8) with values 0 to 16, and labels.

    The arrays are read-only: all callers share them.
    """
    table = _from_file()
    if table is None:  # another version of scikit-learn keeps them elsewhere, and finds them itself
        bunch = importlib.import_module("sklearn.datasets").load_digits()
        table = np.column_stack([bunch.images.reshape(-1, PIXELS), bunch.target])
    images, labels = table[:, :PIXELS].reshape(-1, 8, 8).astype(np.uint8), table[:, PIXELS].astype(np.int64)
    for array in (images, labels):
        array.setflags(write=False)
    return images, labels


def bundled_file(name: str) -> Path | None:
    """A table of scikit-learn by the name of its file; None if it is not where today's version keeps it."""
    package = importlib.util.find_spec("sklearn")
    folders = package.submodule_search_locations if package is not None else None
    path = Path((folders or [""])[0]) / "datasets" / "data" / name
    return path if path.is_file() else None


def _from_file() -> NDArray[np.int64] | None:
    """The table (1797, 65) of scikit-learn's file: 64 pixels and the digit in a row; None if it is not there."""
    path = bundled_file("digits.csv.gz")
    if path is None:
        return None
    with gzip.open(path, "rt", encoding="ascii") as stream:
        numbers = np.fromstring(stream.read().strip().replace("\n", ","), dtype=np.int64, sep=",")
    return numbers.reshape(COUNT, PIXELS + 1) if numbers.size == COUNT * (PIXELS + 1) else None
