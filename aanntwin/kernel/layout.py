"""The kernels' memory layout of a model: where each number lies in a few flat float32 arrays.

The image lies in stride^2 planes, one for each remainder of row and column, so that the pixels that a kernel element
multiplies for neighbouring outputs are neighbours: element (row, column) of the convolution's output lies at
row * pitch + column, and a kernel element adds a fixed offset to that. Rows of weights are padded with zeros to whole
vectors.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.kernels.vectors import aligned

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
WIDTH = 16  # floats of the widest vector, to which rows are padded, also where nothing is compiled
SLACK = 128  # floats after a buffer that whole vectors and noise blocks may write


class NetShape(NamedTuple):
    """A model's shape: of the convolution (channels, sides, stride, padding), of the pool, and of the linear layers."""

    channels: int
    in_channels: int
    in_size: int
    kernel_size: int
    stride: int
    padding: int
    side: int
    pool: int
    pool_side: int
    widths: tuple[int, ...]  # inputs of the first linear layer, then each one's outputs


class Net(NamedTuple):
    """Sizes and offsets. `channels` is rounded up to a multiple of four; the weights of the added ones stay zero."""

    real_channels: int
    in_channels: int
    kernel_size: int
    channels: int
    taps: int
    side: int
    pitch: int
    span: int  # floats of one channel of the convolution's output in the image's pitch: pairs of whole vectors
    pool: int
    pool_side: int
    pixels: int
    features: int
    layers: int
    conv_bias: int
    first_weight: int  # where the linear weights begin; convolution and all biases lie before
    size: int
    tap_place: Ints
    pixel_place: NDArray[np.uint64]
    widths: Ints
    row: Ints  # floats of one row of weights
    rows: Ints  # rounded up to four
    weight: Ints
    bias: Ints
    hidden: Ints  # places in Work.signals: input of each linear layer before clip and polynomial,
    operand: Ints  # after them,
    sums: Ints  # and its output


class Work(NamedTuple):
    """Buffers for the forward and backward pass of one image."""

    pixels: Floats
    image: Floats
    planes: Floats
    conv: Floats
    relu: Floats
    winner: Ints
    signals: Floats
    grad_sums: Floats
    grad_operand: Floats
    grad_conv: Floats
    grad_planes: Floats


def round_up(size: int, step: int = WIDTH) -> int:
    """The next multiple of a step."""
    return -(-size // step) * step


def zeros(size: int) -> Floats:
    """Zeroed floats, from the beginning of a cache line on."""
    return aligned(size, np.float32)


def make_net(shape: NetShape, *, reshaped: bool) -> Net:
    """The layout of a model; `reshaped`: a clip or a polynomial changes the linear layers' inputs."""
    side, channels = shape.side, round_up(shape.channels, 4)
    pitch = -(-(shape.in_size + 2 * shape.padding) // shape.stride)
    plane = round_up(pitch * pitch + SLACK)
    tap_place, pixel_place = _places(shape, pitch, plane)
    widths = np.array(shape.widths, np.int64)
    rows = np.array([round_up(int(width), 4) for width in widths[1:]], np.int64)
    row = np.array([round_up(int(width)) for width in widths[:-1]], np.int64)
    conv_bias = round_up(len(tap_place) * channels)
    bias_sizes = [round_up(channels), *(round_up(int(count)) for count in rows)]
    bias = conv_bias + np.cumsum(bias_sizes)
    weight = bias[-1] + np.cumsum([0, *(rows * row)])
    hidden, operand, sums = _signal_places(widths, reshaped)
    return Net(
        shape.channels, shape.in_channels, shape.kernel_size, channels, len(tap_place), side, pitch,
        round_up((side - 1) * pitch + side, 2 * WIDTH), shape.pool, shape.pool_side, len(pixel_place),
        shape.widths[0], len(rows), conv_bias, int(weight[0]), int(weight[-1]), tap_place, pixel_place, widths, row,
        rows, weight[:-1], bias[:-1], hidden, operand, sums,
    )  # fmt: skip


def _places(shape: NetShape, pitch: int, plane: int) -> tuple[Ints, NDArray[np.uint64]]:
    """Offset of each kernel element and of each pixel, both in the order channel, row, column."""

    stride = shape.stride

    def place(count: int, margin: int) -> Ints:
        channel, y, x = np.mgrid[: shape.in_channels, margin : margin + count, margin : margin + count].astype(np.int64)
        phase = (channel * stride + y % stride) * stride + x % stride
        return (phase * plane + (y // stride) * pitch + x // stride).ravel()  # type: ignore[no-any-return]

    return place(shape.kernel_size, 0), place(shape.in_size, shape.padding).astype(np.uint64)


def _signal_places(widths: Ints, reshaped: bool) -> tuple[Ints, Ints, Ints]:
    hidden, operand, sums, end = [], [], [], 0
    for width, out in itertools.pairwise(widths):
        hidden.append(end)
        end += round_up(int(width)) + SLACK
        operand.append(end if reshaped else hidden[-1])
        end += (round_up(int(width)) + SLACK) * reshaped
        sums.append(end)
        end += round_up(int(out)) + SLACK
    return (*(np.array([*places, end], np.int64) for places in (hidden, operand, sums)),)  # type: ignore[return-value]


def make_work(net: Net) -> Work:
    """Zeroed buffers for `net`."""
    dense = net.real_channels * net.side**2 + SLACK
    pitched = net.channels * net.span + SLACK
    widest = int(max(net.row.max(), net.rows.max())) + SLACK
    image = int(max(net.pixel_place.max(), net.tap_place.max())) + net.span + SLACK
    return Work(
        zeros(net.pixels + SLACK), zeros(image), zeros(pitched), zeros(dense), zeros(dense),
        np.zeros(net.features, np.int64), zeros(int(net.hidden[-1])), zeros(widest), zeros(widest),
        zeros(dense), zeros(pitched),
    )  # fmt: skip


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
