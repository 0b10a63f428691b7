"""Export weights: as a CSV table, and as a SPICE file of parameters to .include in a netlist."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from aanntwin.arrays import as_array
from aanntwin.weights import layer_names
from common.errors import InputError
from common.runs.files import write_text

COLUMNS = ("layer", "kind", "output", "input", "row", "column", "value")
Entry = tuple[str, str, tuple[int, ...], float]


def export_csv(path: str | Path, weights: Mapping[str, Any]) -> None:
    """A row for each number: layer, kind (weight, bias), output, input, kernel's row and column (if any), value.

    Nine digits restore the float32 exactly.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for layer, kind, index, value in _entries(weights):
        table.writerow([layer, kind, *index, *[""] * (4 - len(index)), f"{value:.9g}"])
    write_text(Path(path), text.getvalue())


def export_spice(path: str | Path, weights: Mapping[str, Any]) -> None:
    """A line `.param <layer>_w_<output>_<input>[_<row>_<column>]=<value>` for each weight, with _b_<output> for a bias.

    Names are the layers' on file (conv2d, additional_linear_0, linear), indices count from 0, values have nine digits.
    Comments give each layer's shape.

    Raises:
        InputError: a value is not finite, which SPICE cannot read.
    """
    lines = ["* weights of an analog convolutional network"]
    shape = None
    for layer, kind, index, value in _entries(weights):
        if not np.isfinite(value):
            raise InputError(f"{layer} {kind} {index} is {value}, allowed in a SPICE file: finite numbers")
        if (layer, kind) != shape:
            shape = (layer, kind)
            size = " x ".join(map(str, weights[f"{layer}_{kind}"].shape))
            lines.append(f"* {layer} {kind}: {size}")
        name = f"{layer}_{kind[0]}_{'_'.join(map(str, index))}"
        assert re.fullmatch(r"[a-z]\w*", name)
        lines.append(f".param {name}={value:.9g}")
    write_text(Path(path), "\n".join(lines) + "\n")


def _entries(weights: Mapping[str, Any]) -> Iterator[Entry]:
    for layer in layer_names(weights):
        for kind in ("weight", "bias"):
            array = as_array(weights[f"{layer}_{kind}"])
            for index in np.ndindex(array.shape):
                yield layer, kind, tuple(int(i) for i in index), float(array[index])
