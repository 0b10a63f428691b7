"""Training steps and tests of whole ranges of images: the entry points of the package's compiled code."""

# mypy: allow-untyped-calls

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from aanntwin.kernel.passes import convolution, convolution_back, linear, linear_back, load_image, loss
from common.kernels.jit import kernel, leaf
from common.kernels.vectors import FLOAT_WIDTH, fma, load, splat, store

_ZERO, _ONE = np.float32(0.0), np.float32(1.0)


class Rates(NamedTuple):
    """Learning rate, momentum and weight decay."""

    lr: np.float32
    momentum: np.float32
    decay: np.float32


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
        for begin in range(first, last, work.images):
            count = min(work.images, last - begin)
            for p in range(count):
                place = begin + p
                load_image(net, circuit, work, p * net.image_size, images, order[place], table, place, epoch)
                convolution(net, circuit, work, weights, p, place, epoch)
            linear(net, circuit, work, weights, count, begin, epoch)
            for p in range(count):
                found = loss(net, work, p, labels[order[begin + p]], share)
                if not math.isfinite(found):
                    return total, begin + p
                total += found
            if direct:
                linear_back(net, circuit, work, weights, gradient, weights, -rates.lr, count)
            else:
                linear_back(net, circuit, work, weights, gradient, gradient, _ONE, count)
            for p in range(count):
                convolution_back(net, circuit, work, gradient, p)
        _update(rates, weights, gradient, velocity, net.first_weight if direct else net.size)
    return total, np.int64(-1)


def _test(
    net: Any, circuit: Any, work: Any, weights: Any, images: Any, labels: Any, table: Any, start: int, stop: int,
    epoch: int, losses: Any, guesses: Any,
) -> None:  # fmt: skip
    for begin in range(start, stop, work.images):
        count = min(work.images, stop - begin)
        for p in range(count):
            load_image(net, circuit, work, p * net.image_size, images, begin + p, table, begin + p, epoch)
            convolution(net, circuit, work, weights, p, begin + p, epoch)
        linear(net, circuit, work, weights, count, begin, epoch)
        for p in range(count):
            at, best = p * net.signal_size + net.sums[net.layers - 1], 0
            for o in range(1, net.widths[net.layers]):
                if work.signals[at + o] > work.signals[at + best]:
                    best = o
            guesses[begin + p] = best
            losses[begin + p] = loss(net, work, p, labels[begin + p], _ONE)


train_range = kernel(_train)
test_range = kernel(_test)
