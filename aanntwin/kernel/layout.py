"""The kernels' memory layout of a model: where each number lies in a few flat float32 arrays.

The image lies in stride^2 planes, one for each remainder of row and column, so that the pixels that a kernel element
multiplies for neighbouring outputs are neighbours: element (row, column) of the convolution's output lies at
row * pitch + column, and a kernel element adds a fixed offset to that. Rows of weights are padded with zeros to whole
vectors.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import itertools
from typing import Any, NamedTuple, cast

import numba
import numpy as np
from numba.core import codegen
from numpy.typing import NDArray

from common.kernels.vectors import aligned

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
WIDTH = 16  # floats of the widest vector, to which rows are padded, also where nothing is compiled
TOGETHER = 8  # images at most whose linear layers are computed together,
CACHED = 2**18  # and the floats that all of them may take
# Whether sixteen sums fit into the processor's registers beside what is added. The numbers do not depend on it.
MANY_REGISTERS = "+avx512f" in (cast(Any, numba.config).CPU_FEATURES or codegen.get_host_cpu_features())
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
    image_size: int  # floats of Work's buffers for one image: image,
    dense_size: int  # conv,
    signal_size: int  # signals,
    grad_size: int  # grad_sums and grad_operand


class Work(NamedTuple):
    """Buffers for the forward and backward pass: of one image, and (from `image` on) of `images` at the same time."""

    images: int
    pixels: Floats
    planes: Floats
    relu: Floats
    best: Floats  # of a row of squares to pool: the largest of each column,
    below: Floats  # and its row
    grad_conv: Floats
    grad_planes: Floats
    image: Floats
    conv: Floats
    winner: Ints
    signals: Floats
    grad_sums: Floats
    grad_operand: Floats


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
    hidden, operand, sums, signal_size = _signal_places(widths, reshaped)
    span = round_up((side - 1) * pitch + side, 2 * WIDTH)
    image_size = round_up(int(max(pixel_place.max(), tap_place.max())) + span + SLACK)
    return Net(
        shape.channels, shape.in_channels, shape.kernel_size, channels, len(tap_place), side, pitch,
        span, shape.pool, shape.pool_side, len(pixel_place),
        shape.widths[0], len(rows), conv_bias, int(weight[0]), int(weight[-1]), tap_place, pixel_place, widths, row,
        rows, weight[:-1], bias[:-1], hidden, operand, sums, image_size, round_up(shape.channels * side**2 + SLACK),
        signal_size, round_up(int(max(row.max(), rows.max())) + SLACK),
    )  # fmt: skip


def _places(shape: NetShape, pitch: int, plane: int) -> tuple[Ints, NDArray[np.uint64]]:
    """Offset of each kernel element and of each pixel, both in the order channel, row, column."""

    stride = shape.stride

    def place(count: int, margin: int) -> Ints:
        channel, y, x = np.mgrid[: shape.in_channels, margin : margin + count, margin : margin + count].astype(np.int64)
        phase = (channel * stride + y % stride) * stride + x % stride
        return (phase * plane + (y // stride) * pitch + x // stride).ravel()  # type: ignore[no-any-return]

    return place(shape.kernel_size, 0), place(shape.in_size, shape.padding).astype(np.uint64)


def _signal_places(widths: Ints, reshaped: bool) -> tuple[Ints, Ints, Ints, int]:
    hidden, operand, sums, end = [], [], [], 0
    for width, out in itertools.pairwise(widths):
        hidden.append(end)
        end += round_up(int(width)) + SLACK
        operand.append(end if reshaped else hidden[-1])
        end += (round_up(int(width)) + SLACK) * reshaped
        sums.append(end)
        end += round_up(int(out)) + SLACK
    return *(np.array(places, np.int64) for places in (hidden, operand, sums)), end  # type: ignore[return-value]


def make_work(net: Net, most: int = 1) -> Work:
    """Zeroed buffers for `net`, for `most` images at a time or as many as fit into a processor's own cache."""
    one = net.image_size + net.dense_size + net.signal_size + 2 * net.grad_size + 2 * net.features
    images = max(1, min(most, TOGETHER, CACHED // one))
    pitched = net.channels * net.span + SLACK
    return Work(
        images, zeros(net.pixels + SLACK), zeros(pitched), zeros(net.dense_size),
        zeros(net.side + SLACK), zeros(net.side + SLACK), zeros(net.dense_size),
        zeros(pitched), zeros(images * net.image_size), zeros(images * net.dense_size),
        np.zeros(images * net.features, np.int64), zeros(images * net.signal_size), zeros(images * net.grad_size),
        zeros(images * net.grad_size),
    )  # fmt: skip
