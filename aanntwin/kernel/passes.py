"""One pass through the network, forward and backward: of one image up to the linear layers, then of some together."""

# mypy: allow-untyped-calls

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aanntwin.kernel.convolution import convolve, gather, scatter
from aanntwin.kernel.convolution_gradient import add_gradient
from aanntwin.kernel.matrix import multiply, multiply_back
from aanntwin.kernel.normals import add_normals
from aanntwin.kernel.pooling import pool, unpool
from aanntwin.kernel.shaping import relu, relu_back, shape, shape_back, zero_tail
from common.kernels.jit import leaf, lean
from common.kernels.vectors import FLOAT_WIDTH, load, store

_ZERO = np.float32(0.0)
# Numbers of the places where noise is drawn, in the signal's order; linear layer n: SUMS + 2 n, its ReLU one more.
INPUT, CONV, CONV_RELU, SUMS = 0, 1, 2, 3


class Circuit(NamedTuple):
    """The nonidealities in float32: noise 0, an infinite limit and an empty polynomial have no effect."""

    input_noise: np.float32
    conv_noise: np.float32
    linear_noise: np.float32
    conv_relu_noise: np.float32
    relu_noise: np.float32
    conv_cutoff: np.float32
    cutoff: np.float32
    conv_limit: np.float32
    limit: np.float32
    conv_poly: NDArray[np.float32]
    poly: NDArray[np.float32]
    slope: NDArray[np.float32]
    conv_shaped: bool
    shaped: bool
    key: NDArray[np.uint32]


@leaf
def _noise(circuit: Any, values: Any, start: int, count: int, scale: Any, site: int, image: int, epoch: int) -> None:
    if scale != _ZERO:
        add_normals(values, start, count, scale, circuit.key[0], circuit.key[1], site, image, epoch)


@lean
def load_image(
    net: Any, circuit: Any, work: Any, at: int, pixels: Any, n: int, table: Any, image: int, epoch: int
) -> None:
    """Normalize, add input noise, clip, apply the polynomial; then store each pixel in its place."""
    begin = np.uint64(at)  # unsigned, as the places are: numba then looks for no negative index
    if circuit.input_noise == _ZERO and not circuit.conv_shaped:
        for i in range(net.pixels):
            work.image[begin + net.pixel_place[i]] = table[pixels[n, i]]
        return
    for i in range(net.pixels):
        work.pixels[i] = table[pixels[n, i]]
    _noise(circuit, work.pixels, 0, net.pixels, circuit.input_noise, INPUT, image, epoch)
    if circuit.conv_shaped:
        shape(work.pixels, 0, work.pixels, 0, net.pixels, circuit.conv_limit, circuit.conv_poly)
    for i in range(net.pixels):
        work.image[begin + net.pixel_place[i]] = work.pixels[i]


@lean
def convolution(net: Any, circuit: Any, work: Any, weights: Any, p: int, image: int, epoch: int) -> None:
    """From image p of the buffers to the operand of its first linear layer."""
    conv, dense = p * net.dense_size, net.real_channels * net.side * net.side
    to = p * net.signal_size + net.hidden[0]
    convolve(net, weights, work.image, p * net.image_size, work.planes)
    gather(net, work.planes, work.conv, conv)
    _noise(circuit, work.conv, conv, dense, circuit.conv_noise, CONV, image, epoch)
    if net.pool > 1:
        relu(work.conv, conv, work.relu, 0, dense, circuit.conv_cutoff)
        _noise(circuit, work.relu, 0, dense, circuit.conv_relu_noise, CONV_RELU, image, epoch)
        pool(net, work, p * net.features, work.signals, to)
    else:
        relu(work.conv, conv, work.signals, to, dense, circuit.conv_cutoff)
        _noise(circuit, work.signals, to, dense, circuit.conv_relu_noise, CONV_RELU, image, epoch)
    zero_tail(work.signals, to, net.features)


@lean
def linear(net: Any, circuit: Any, work: Any, weights: Any, count: int, image: int, epoch: int) -> None:
    """The linear layers of the first `count` images in the buffers; `image` is the number of the first one."""
    signals = work.signals
    for layer in range(net.layers):
        width = net.widths[layer + 1]
        if circuit.shaped:
            for p in range(count):
                hidden, operand = p * net.signal_size + net.hidden[layer], p * net.signal_size + net.operand[layer]
                shape(signals, hidden, signals, operand, net.widths[layer], circuit.limit, circuit.poly)
        multiply(net, layer, weights, signals, count)
        for p in range(count):
            sums, site = p * net.signal_size + net.sums[layer], SUMS + 2 * layer
            _noise(circuit, signals, sums, width, circuit.linear_noise, site, image + p, epoch)
            if layer + 1 < net.layers:
                to = p * net.signal_size + net.hidden[layer + 1]
                relu(signals, sums, signals, to, width, circuit.cutoff)
                _noise(circuit, signals, to, width, circuit.relu_noise, site + 1, image + p, epoch)
                zero_tail(signals, to, width)


@leaf
def loss(net: Any, work: Any, p: int, label: int, scale: Any) -> Any:
    """Cross-entropy of image p's last sums; its grad_sums become scale * its gradient."""
    start, to, count = p * net.signal_size + net.sums[net.layers - 1], p * net.grad_size, net.widths[net.layers]
    highest = work.signals[start]
    for o in range(1, count):
        highest = max(highest, work.signals[start + o])
    total = _ZERO
    for o in range(count):
        work.grad_sums[to + o] = np.float32(math.exp(work.signals[start + o] - highest))
        total += work.grad_sums[to + o]
    for o in range(count):
        work.grad_sums[to + o] = scale * (work.grad_sums[to + o] / total)
    work.grad_sums[to + label] -= scale
    zero_tail(work.grad_sums, to, count)
    return np.float32(math.log(total)) + highest - work.signals[start + label]


@lean
def linear_back(
    net: Any, circuit: Any, work: Any, weights: Any, gradient: Any, target: Any, scale: Any, count: int
) -> None:
    """Add gradients of biases to `gradient`, of linear weights times `scale` to `target`; see `linear`."""
    signals, grad, size = work.signals, work.grad_sums, net.grad_size
    for layer in range(net.layers - 1, -1, -1):
        width = net.widths[layer]
        for p in range(count):
            for o in range(0, net.rows[layer], FLOAT_WIDTH):
                at = net.bias[layer] + o
                store(gradient, at, load(gradient, at) + load(grad, p * size + o))
        multiply_back(net, layer, weights, signals, work, target, scale, count)
        for p in range(count):
            start, at = p * net.signal_size, p * size
            if circuit.shaped:
                hidden = start + net.hidden[layer]
                shape_back(signals, hidden, work.grad_operand, at, width, circuit.limit, circuit.slope)
            if layer > 0:
                below = start + net.sums[layer - 1]
                relu_back(signals, below, work.grad_operand, at, grad, at, width, circuit.cutoff)


@lean
def convolution_back(net: Any, circuit: Any, work: Any, gradient: Any, p: int) -> None:
    """Add the gradient of the convolution's weights and biases for image p of the buffers."""
    conv, at, dense = p * net.dense_size, p * net.grad_size, net.real_channels * net.side * net.side
    if net.pool > 1:
        unpool(net, work.grad_operand, at, work.winner, p * net.features, work.grad_conv)
        relu_back(work.conv, conv, work.grad_conv, 0, work.grad_conv, 0, dense, circuit.conv_cutoff)
    else:
        relu_back(work.conv, conv, work.grad_operand, at, work.grad_conv, 0, dense, circuit.conv_cutoff)
    scatter(net, work.grad_conv, work.grad_planes)
    add_gradient(net, work.grad_planes, work.image, p * net.image_size, gradient)
