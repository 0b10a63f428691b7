"""Training steps and tests of whole ranges of images: the entry points of the package's compiled code."""

# mypy: allow-untyped-calls

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aanntwin.kernel.convolution import add_gradient, convolve, gather, scatter
from aanntwin.kernel.matrix import multiply, multiply_back
from aanntwin.kernel.normals import add_normals
from aanntwin.kernel.pooling import pool, unpool
from aanntwin.kernel.shaping import relu, relu_back, shape, shape_back, zero_tail
from common.kernels.jit import compiled, kernel, leaf
from common.kernels.vectors import FLOAT_WIDTH, fma, load, splat, store

_ZERO, _ONE = np.float32(0.0), np.float32(1.0)
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


class Rates(NamedTuple):
    """Learning rate, momentum and weight decay."""

    lr: np.float32
    momentum: np.float32
    decay: np.float32


@leaf
def _noise(circuit: Any, values: Any, start: int, count: int, scale: Any, site: int, image: int, epoch: int) -> None:
    if scale != _ZERO:
        add_normals(values, start, count, scale, circuit.key[0], circuit.key[1], site, image, epoch)


@compiled
def _load_image(net: Any, circuit: Any, work: Any, pixels: Any, table: Any, image: int, epoch: int) -> None:
    """Normalize, add input noise, clip, apply the polynomial; then store each pixel in its place."""
    for i in range(net.pixels):
        work.pixels[i] = table[pixels[i]]
    _noise(circuit, work.pixels, 0, net.pixels, circuit.input_noise, INPUT, image, epoch)
    if circuit.conv_shaped:
        shape(work.pixels, 0, work.pixels, 0, net.pixels, circuit.conv_limit, circuit.conv_poly)
    for i in range(net.pixels):
        work.image[net.pixel_place[i]] = work.pixels[i]


@compiled
def _forward(net: Any, circuit: Any, work: Any, weights: Any, image: int, epoch: int) -> None:
    signals, dense = work.signals, net.real_channels * net.side * net.side
    convolve(net, weights, work.image, work.planes)
    gather(net, work.planes, work.conv)
    _noise(circuit, work.conv, 0, dense, circuit.conv_noise, CONV, image, epoch)
    relu(work.conv, 0, work.relu, 0, dense, circuit.conv_cutoff)
    _noise(circuit, work.relu, 0, dense, circuit.conv_relu_noise, CONV_RELU, image, epoch)
    if net.pool > 1:
        pool(net, work.relu, work.winner, signals, net.hidden[0])
    else:
        for i in range(0, dense, FLOAT_WIDTH):
            store(signals, net.hidden[0] + i, load(work.relu, i))
    zero_tail(signals, net.hidden[0], net.features)
    for layer in range(net.layers):
        count = net.widths[layer + 1]
        if circuit.shaped:
            hidden, operand = net.hidden[layer], net.operand[layer]
            shape(signals, hidden, signals, operand, net.widths[layer], circuit.limit, circuit.poly)
        multiply(net, layer, weights, signals)
        _noise(circuit, signals, net.sums[layer], count, circuit.linear_noise, SUMS + 2 * layer, image, epoch)
        if layer + 1 < net.layers:
            to = net.hidden[layer + 1]
            relu(signals, net.sums[layer], signals, to, count, circuit.cutoff)
            _noise(circuit, signals, to, count, circuit.relu_noise, SUMS + 2 * layer + 1, image, epoch)
            zero_tail(signals, to, count)


@leaf
def _loss(net: Any, work: Any, label: int, scale: Any) -> Any:
    """Cross-entropy of the last sums; grad_sums becomes scale * its gradient."""
    start, count = net.sums[net.layers - 1], net.widths[net.layers]
    highest = work.signals[start]
    for o in range(1, count):
        highest = max(highest, work.signals[start + o])
    total = _ZERO
    for o in range(count):
        work.grad_sums[o] = np.float32(math.exp(work.signals[start + o] - highest))
        total += work.grad_sums[o]
    for o in range(count):
        work.grad_sums[o] = scale * (work.grad_sums[o] / total)
    work.grad_sums[label] -= scale
    zero_tail(work.grad_sums, 0, count)
    return np.float32(math.log(total)) + highest - work.signals[start + label]


@compiled
def _backward(net: Any, circuit: Any, work: Any, weights: Any, gradient: Any, target: Any, scale: Any) -> None:
    """Add gradients of biases and convolution to `gradient`, of linear weights times `scale` to `target`."""
    signals = work.signals
    for layer in range(net.layers - 1, -1, -1):
        for o in range(0, net.rows[layer], FLOAT_WIDTH):
            at = net.bias[layer] + o
            store(gradient, at, load(gradient, at) + load(work.grad_sums, o))
        multiply_back(net, layer, weights, signals, work, target, scale)
        if circuit.shaped:
            shape_back(signals, net.hidden[layer], work.grad_operand, net.widths[layer], circuit.limit, circuit.slope)
        if layer > 0:
            below = net.sums[layer - 1]
            relu_back(signals, below, work.grad_operand, work.grad_sums, 0, net.widths[layer], circuit.cutoff)
    dense = net.real_channels * net.side * net.side
    if net.pool > 1:
        unpool(net, work.grad_operand, work.winner, work.grad_conv)
        relu_back(work.conv, 0, work.grad_conv, work.grad_conv, 0, dense, circuit.conv_cutoff)
    else:
        relu_back(work.conv, 0, work.grad_operand, work.grad_conv, 0, dense, circuit.conv_cutoff)
    scatter(net, work.grad_conv, work.grad_planes)
    add_gradient(net, work.grad_planes, work.image, gradient)


@leaf
def _update(rates: Any, weights: Any, gradient: Any, velocity: Any, size: int) -> None:
    """One step of SGD on the first `size` parameters; the gradient becomes zero."""
    for i in range(0, size, FLOAT_WIDTH):
        w = load(weights, i)
        g = load(gradient, i)
        if rates.decay != _ZERO:
            g = fma(w, rates.decay, g)
        if rates.momentum != _ZERO:
            g = fma(load(velocity, i), rates.momentum, g)
            store(velocity, i, g)
        store(weights, i, fma(g, -rates.lr, w))
        store(gradient, i, splat(_ZERO))


def _train(
    net: Any, circuit: Any, rates: Any, work: Any, weights: Any, gradient: Any, velocity: Any, images: Any,
    labels: Any, table: Any, order: Any, start: int, stop: int, batch: int, epoch: int,
) -> Any:  # fmt: skip
    total = 0.0
    # Plain SGD with batch size 1 updates the linear weights in the backward pass.
    direct = batch == 1 and rates.momentum == _ZERO and rates.decay == _ZERO
    for first in range(start, stop, batch):
        last = min(first + batch, stop)
        share = np.float32(_ONE / np.float32(last - first))
        for place in range(first, last):
            n = order[place]
            _load_image(net, circuit, work, images[n], table, place, epoch)
            _forward(net, circuit, work, weights, place, epoch)
            loss = _loss(net, work, labels[n], share)
            if not math.isfinite(loss):
                return total, place
            total += loss
            if direct:
                _backward(net, circuit, work, weights, gradient, weights, -rates.lr)
            else:
                _backward(net, circuit, work, weights, gradient, gradient, _ONE)
        _update(rates, weights, gradient, velocity, net.first_weight if direct else net.size)
    return total, np.int64(-1)


def _test(
    net: Any, circuit: Any, work: Any, weights: Any, images: Any, labels: Any, table: Any, start: int, stop: int,
    epoch: int, losses: Any, guesses: Any,
) -> None:  # fmt: skip
    at, count = net.sums[net.layers - 1], net.widths[net.layers]
    for n in range(start, stop):
        _load_image(net, circuit, work, images[n], table, n, epoch)
        _forward(net, circuit, work, weights, n, epoch)
        best = 0
        for o in range(1, count):
            if work.signals[at + o] > work.signals[at + best]:
                best = o
        guesses[n] = best
        losses[n] = _loss(net, work, labels[n], _ONE)


train_range = kernel(_train)
test_range = kernel(_test)
