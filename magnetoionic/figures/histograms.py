"""Histograms of devices and of weights, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from common.errors import InputError
from common.plotting import COLORS, figure, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BINS = 80


def read_weights(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a `.pth` file.

    Raises:
        InputError: it is missing or damaged.
    """
    import torch

    try:
        return {name: tensor.numpy() for name, tensor in torch.load(path, weights_only=True).items()}
    except FileNotFoundError:
        raise InputError(f"weights {path}: no such file") from None
    except Exception as problem:  # noqa: BLE001 - torch has no class of its own for what a damaged file raises
        raise InputError(f"weights {path}: cannot be read ({' '.join(str(problem).split())[:120]})") from None


def draw(models: Mapping[str, Mapping[str, NDArray[Any]]]) -> Figure:
    """A row for each layer: values of the devices on the left, weights on the right.

    Args:
        models: label to the arrays of a model; all with as many layers.
    """
    layers = [_layers(arrays) for arrays in models.values()]
    rows = max(len(found) for found in layers)
    fig, axes = figure(nrows=rows, ncols=2, width="double", height_in=2.2 * rows, squeeze=False)
    with style():
        for color, label, found in zip(COLORS, models, layers, strict=False):
            for row, devices in enumerate(found):
                weight = devices[-1] - devices[0] if len(devices) == 2 else devices[0]
                _histogram(axes[row, 0], np.concatenate([values.ravel() for values in devices]), color, label)
                _histogram(axes[row, 1], weight.ravel(), color, label)
        for row in range(rows):
            axes[row, 0].set(xlabel="device value", ylabel=f"layer {row + 1}: share")
            axes[row, 1].set(xlabel="weight")
        axes[0, 0].legend()
    return fig


def _layers(arrays: Mapping[str, NDArray[Any]]) -> list[list[NDArray[Any]]]:
    """The devices of each layer, one array or two."""
    found: dict[int, list[NDArray[Any]]] = {}
    for name in sorted(arrays):
        if "weight" in name:
            found.setdefault(int(name.split(".")[1]), []).append(arrays[name])
    return [found[number] for number in sorted(found)]


def _histogram(ax: Axes, values: NDArray[Any], color: str, label: str) -> None:
    """Shares on a logarithmic axis: most devices of the border pixels never move."""
    counts, edges = np.histogram(values, BINS)
    ax.stairs(counts / counts.sum(), edges, color=color, label=label)
    ax.set_yscale("log")
