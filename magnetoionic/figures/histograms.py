"""Histograms of devices and of weights, layer by layer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from common.errors import InputError
from common.plotting import figure, style
from common.tensor_files import read_tensors
from magnetoionic.figures.styles import styles
from magnetoionic.figures.table import file_word, has_own_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from torch import Tensor

BINS = 80
_DEVICES = re.compile(r"layers[.]([0-9]{1,6})[.]weight[12]?")


def read_weights(path: Path) -> dict[str, NDArray[Any]]:
    """The devices in a `.pth` file by name, `layers.N.weight`, or `weight1` and `weight2` of equal shapes.

    Raises:
        InputError: it is missing or damaged, or holds no devices.
    """
    found = read_tensors(path, "weights", floating=False)
    names = [name for name in found if _DEVICES.fullmatch(name)]
    if not names:
        raise InputError(f"weights {path}: holds no devices; allowed: tensors layers.N.weight, .weight1, .weight2")
    arrays = {name: _devices(f"weights {path}: {name}", found[name]) for name in names}
    for number, devices in _layers(arrays).items():
        if len({array.shape for array in devices}) > 1:
            raise InputError(f"weights {path}: devices of layer {number} have different shapes")
    return arrays


def _devices(where: str, tensor: Tensor) -> NDArray[Any]:
    if not tensor.is_floating_point() or tensor.dim() != 2:
        raise InputError(f"{where} is no plain matrix of floating-point numbers")
    if not tensor.numel() or not tensor.isfinite().all():
        raise InputError(f"{where} is empty or has values that are not finite")
    array: NDArray[Any] = tensor.detach().double().numpy()
    return array


def by_unit(models: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Models by the figure that shows them: built-in fields together, each field with a different unit separately.

    Args:
        models: anything by label; a label is a field of the table, and perhaps a comma and more.

    Returns:
        Names of figures, "weights" or such as "weights-measured-..", and the models of each.
    """
    found: dict[str, dict[str, Any]] = {}
    for label, arrays in models.items():
        field = label.partition(",")[0]
        stem = f"weights-{file_word(field)}" if has_own_unit(field) else "weights"
        found.setdefault(stem, {})[label] = arrays
    return found


def draw(models: Mapping[str, Mapping[str, NDArray[Any]]]) -> Figure:
    """A row for each layer: values of the devices on the left, weights on the right.

    Args:
        models: label to the arrays of a model; a label is a field of the table, and perhaps a comma and more.
    """
    layers = [list(_layers(arrays).values()) for arrays in models.values()]
    rows = max(len(found) for found in layers)
    fig, axes = figure(nrows=rows, ncols=2, width="double", height_in=2.2 * rows, squeeze=False)
    with style():
        by_field = styles([label.partition(",")[0] for label in models])
        for name, found in zip(models, layers, strict=True):
            field, comma, more = name.partition(",")
            color, label = by_field[field].color, f"{by_field[field].label}{comma}{more}"
            for row, devices in enumerate(found):
                weight = devices[-1] - devices[0] if len(devices) == 2 else devices[0]
                _histogram(axes[row, 0], np.concatenate([values.ravel() for values in devices]), color, label)
                _histogram(axes[row, 1], weight.ravel(), color, label)
        for row in range(rows):
            axes[row, 0].set(xlabel="device value", ylabel=f"layer {row + 1}: share")
            axes[row, 1].set(xlabel="weight")
        fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return fig


def _layers(arrays: Mapping[str, NDArray[Any]]) -> dict[int, list[NDArray[Any]]]:
    """The devices of each layer by its number, one array or two."""
    found: dict[int, list[NDArray[Any]]] = {}
    for name in sorted(arrays):
        if match := _DEVICES.fullmatch(name):
            found.setdefault(int(match[1]), []).append(arrays[name])
    return dict(sorted(found.items()))


def _histogram(ax: Axes, values: NDArray[Any], color: str, label: str) -> None:
    """Shares on a logarithmic axis: most devices of the border pixels never move."""
    counts, edges = np.histogram(values, BINS)
    ax.stairs(counts / counts.sum(), edges, color=color, label=label)
    ax.set_yscale("log")
