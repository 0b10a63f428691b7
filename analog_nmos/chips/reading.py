"""Read a chip's file: NPZ, or CSV by its ending."""

from __future__ import annotations

import json
import warnings
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from analog_nmos.chips.chip import FIELDS, Chip
from analog_nmos.chips.csv_file import read_columns
from analog_nmos.topology import Topology
from common.errors import InputError
from common.inputs import Arrays


def load_chip(path: str | Path, topology: Topology | None = None) -> Chip:
    """Read a chip from an NPZ or a CSV file.

    NPZ: arrays vto_free, vto_clamp, beta_free, beta_clamp, and an optional meta_json. CSV: a header and columns of
    these names, and an optional column edge. Without beta_free and beta_clamp all factors are 1. Other arrays of an NPZ
    file are not read.

    Args:
        path: the file; a name that ends in .csv is read as CSV.
        topology: the network it is for, with which the number of edges must agree.

    Raises:
        InputError: no such file, not of its format, an array missing, pickled, of the wrong length or with a value that
            no transistor has. The message names the file, and the line or the array.
    """
    where = f"chip {path}"
    is_csv = Path(path).suffix.lower() == ".csv"
    archive: Any = read_columns(path) if is_csv else Arrays(path, "chip")
    names = _present(where, archive)
    meta = _meta(where, archive) if not is_csv and "meta_json" in archive else {}
    arrays = {name: archive[name] for name in names}
    ones = np.ones(np.shape(arrays["vto_free"])[:1])
    try:
        chip = Chip(**{attribute: arrays.get(name, ones) for name, attribute in FIELDS.items()}, meta=meta)
        if topology is not None:
            chip.check_fits(topology)
    except InputError as problem:
        raise InputError(f"{where}: {problem}") from None
    return chip


def _present(where: str, archive: Container[str]) -> list[str]:
    """The arrays to read: both offsets, and both factors or neither."""
    names = [name for name in FIELDS if name in archive]
    missing = [name for name in FIELDS if name not in names]
    if any(name.startswith("vto") for name in missing) or len(missing) == 1:
        raise InputError(
            f"{where}: has no {' and no '.join(missing)}; a chip has vto_free and vto_clamp, "
            "and beta_free and beta_clamp or neither of these"
        )
    return names


def _meta(where: str, archive: Mapping[str, Any]) -> dict[str, Any]:
    """The meta, which no number depends on: one that cannot be read is dropped."""
    try:
        meta = json.loads(str(archive["meta_json"]))
    except (ValueError, RecursionError):  # an InputError is a ValueError
        meta = None
    if isinstance(meta, dict):
        return meta
    warnings.warn(f"{where}: meta_json is not a JSON object; dropped", stacklevel=3)
    return {}
