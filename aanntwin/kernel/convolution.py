"""The convolution of one image: four channels at a time, a vector of outputs at once."""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import numpy as np

from common.kernels.jit import leaf
from common.kernels.vectors import FLOAT_WIDTH, add_sums, fma, keep_first, load, splat, store

_ZERO = np.float32(0.0)


@leaf
def convolve(net: Any, weights: Any, image: Any, planes: Any) -> None:
    """planes = bias + sum over kernel elements of weight * image, with the image's row pitch."""
    for c in range(0, net.channels, 4):
        for v in range(0, net.span, 2 * FLOAT_WIDTH):
            bias = net.conv_bias + c
            a0, b0, c0, d0 = (
                splat(weights[bias]), splat(weights[bias + 1]), splat(weights[bias + 2]), splat(weights[bias + 3])
            )  # fmt: skip
            a1, b1, c1, d1 = a0, b0, c0, d0
            for tap in range(net.taps):
                at, w = net.tap_place[tap] + v, tap * net.channels + c
                x0, x1 = load(image, at), load(image, at + FLOAT_WIDTH)
                a0, a1 = fma(x0, weights[w], a0), fma(x1, weights[w], a1)
                b0, b1 = fma(x0, weights[w + 1], b0), fma(x1, weights[w + 1], b1)
                c0, c1 = fma(x0, weights[w + 2], c0), fma(x1, weights[w + 2], c1)
                d0, d1 = fma(x0, weights[w + 3], d0), fma(x1, weights[w + 3], d1)
            size = net.span
            to = c * size + v
            store(planes, to, a0)
            store(planes, to + FLOAT_WIDTH, a1)
            store(planes, to + size, b0)
            store(planes, to + size + FLOAT_WIDTH, b1)
            store(planes, to + 2 * size, c0)
            store(planes, to + 2 * size + FLOAT_WIDTH, c1)
            store(planes, to + 3 * size, d0)
            store(planes, to + 3 * size + FLOAT_WIDTH, d1)


@leaf
def gather(net: Any, planes: Any, dense: Any) -> None:
    """Pack the rows of the output densely; what a vector writes beyond a row is overwritten by the next row."""
    to = 0
    for c in range(net.real_channels):
        for y in range(net.side):
            at = c * net.span + y * net.pitch
            for x in range(0, net.side, FLOAT_WIDTH):
                store(dense, to + x, load(planes, at + x))
            to += net.side


@leaf
def scatter(net: Any, dense: Any, planes: Any) -> None:
    """The inverse of `gather`, with zeros between the rows."""
    at = 0
    for c in range(net.real_channels):
        for y in range(net.side):
            to = c * net.span + y * net.pitch
            for x in range(0, net.side, FLOAT_WIDTH):
                store(planes, to + x, keep_first(load(dense, at + x), net.side - x))
            at += net.side


@leaf
def add_gradient(net: Any, planes: Any, image: Any, gradient: Any) -> None:
    """gradient of weights and biases += that of this image; `planes` has the output's gradient in the image's pitch."""
    size = net.span
    for c in range(0, net.channels, 4):
        start = c * size
        for tap in range(0, net.taps - 1, 2):
            near, far = net.tap_place[tap], net.tap_place[tap + 1]
            a0 = b0 = c0 = d0 = a1 = b1 = c1 = d1 = splat(_ZERO)
            for i in range(0, size, FLOAT_WIDTH):
                g = start + i
                x0, x1 = load(image, near + i), load(image, far + i)
                ga, gb, gc, gd = (
                    load(planes, g), load(planes, g + size), load(planes, g + 2 * size), load(planes, g + 3 * size)
                )  # fmt: skip
                a0, a1 = fma(ga, x0, a0), fma(ga, x1, a1)
                b0, b1 = fma(gb, x0, b0), fma(gb, x1, b1)
                c0, c1 = fma(gc, x0, c0), fma(gc, x1, c1)
                d0, d1 = fma(gd, x0, d0), fma(gd, x1, d1)
            add_sums(gradient, tap * net.channels + c, a0, b0, c0, d0)
            add_sums(gradient, (tap + 1) * net.channels + c, a1, b1, c1, d1)
        _add_last(net, planes, image, gradient, c)


@leaf
def _add_last(net: Any, planes: Any, image: Any, gradient: Any, c: int) -> None:
    """The last kernel element if their number is odd, and the bias."""
    size = net.span
    a0 = b0 = c0 = d0 = a1 = b1 = c1 = d1 = splat(_ZERO)
    last = net.tap_place[net.taps - 1]
    for i in range(0, size, FLOAT_WIDTH):
        g = c * size + i
        x = load(image, last + i)
        ga, gb, gc, gd = (
            load(planes, g), load(planes, g + size), load(planes, g + 2 * size), load(planes, g + 3 * size)
        )  # fmt: skip
        a0, b0, c0, d0 = fma(ga, x, a0), fma(gb, x, b0), fma(gc, x, c0), fma(gd, x, d0)
        a1, b1, c1, d1 = a1 + ga, b1 + gb, c1 + gc, d1 + gd
    if net.taps % 2 == 1:
        add_sums(gradient, (net.taps - 1) * net.channels + c, a0, b0, c0, d0)
    add_sums(gradient, net.conv_bias + c, a1, b1, c1, d1)
