"""A model's parameters between arrays by name and the kernels' flat memory; see `aanntwin.kernel.layout`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aanntwin.kernel.layout import Floats, Net, zeros


def pack(net: Net, weights: Mapping[str, NDArray[Any]], names: list[str]) -> Floats:
    """The flat parameters from arrays by their names on file; `names` are the linear layers in order."""
    flat = zeros(net.size)
    kernels = weights["conv2d_weight"].reshape(net.real_channels, net.taps)
    _kernels(net, flat)[:, : net.real_channels] = kernels.T
    flat[net.conv_bias : net.conv_bias + net.real_channels] = weights["conv2d_bias"]
    for layer, name in enumerate(names):
        _matrix(net, flat, layer)[:] = weights[f"{name}_weight"]
        _bias(net, flat, layer)[:] = weights[f"{name}_bias"]
    return flat


def unpack(net: Net, flat: Floats, names: list[str]) -> dict[str, Floats]:
    """The inverse of `pack`: new arrays by their names on file."""
    kernel_shape = (net.real_channels, net.in_channels, net.kernel_size, net.kernel_size)
    found = {
        "conv2d_weight": _kernels(net, flat)[:, : net.real_channels].T.reshape(kernel_shape),
        "conv2d_bias": flat[net.conv_bias : net.conv_bias + net.real_channels],
    }
    for layer, name in enumerate(names):
        found[f"{name}_weight"] = _matrix(net, flat, layer)
        found[f"{name}_bias"] = _bias(net, flat, layer)
    return {name: np.array(array, np.float32, order="C") for name, array in found.items()}


def _kernels(net: Net, flat: Floats) -> Floats:
    return flat[: net.taps * net.channels].reshape(net.taps, net.channels)


def _matrix(net: Net, flat: Floats, layer: int) -> Floats:
    start, shape = int(net.weight[layer]), (int(net.rows[layer]), int(net.row[layer]))
    matrix = flat[start : start + shape[0] * shape[1]].reshape(shape)
    return matrix[: net.widths[layer + 1], : net.widths[layer]]


def _bias(net: Net, flat: Floats, layer: int) -> Floats:
    return flat[net.bias[layer] : net.bias[layer] + net.widths[layer + 1]]
