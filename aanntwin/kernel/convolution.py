"""The convolution of one image: four channels at a time, a vector of outputs at once."""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import numpy as np

from aanntwin.kernel.layout import MANY_REGISTERS
from common.kernels.jit import leaf
from common.kernels.vectors import FLOAT_WIDTH, fma, keep_first, load, splat, store

_ZERO = np.float32(0.0)
_U1, _U2, _U3 = np.uint64(1), np.uint64(2), np.uint64(3)


@leaf
def convolve(net: Any, weights: Any, image: Any, start: int, planes: Any) -> None:
    """planes = bias + sum over kernel elements of weight * image, with the image's row pitch."""
    many = net.span // (4 * FLOAT_WIDTH) * (4 * FLOAT_WIDTH) if MANY_REGISTERS else 0
    for c in range(0, net.channels, 4):
        for v in range(0, many, 4 * FLOAT_WIDTH):
            _four_vectors(net, weights, image, start, planes, c, v)
        for v in range(many, net.span, 2 * FLOAT_WIDTH):
            _two_vectors(net, weights, image, start, planes, c, v)


@leaf
def _biases(net: Any, weights: Any, c: int) -> Any:
    at = net.conv_bias + c
    return splat(weights[at]), splat(weights[at + 1]), splat(weights[at + 2]), splat(weights[at + 3])


@leaf
def _kernel(net: Any, weights: Any, tap: int, c: int) -> Any:
    """A kernel element for four channels."""
    at = np.uint64(tap * net.channels + c)  # unsigned: numba then looks for no negative index
    return weights[at], weights[at + _U1], weights[at + _U2], weights[at + _U3]


@leaf
def _four_vectors(net: Any, weights: Any, image: Any, start: int, planes: Any, c: int, v: int) -> None:
    a0, b0, c0, d0 = _biases(net, weights, c)
    a1, b1, c1, d1 = a0, b0, c0, d0
    a2, b2, c2, d2 = a0, b0, c0, d0
    a3, b3, c3, d3 = a0, b0, c0, d0
    for tap in range(net.taps):
        at = start + net.tap_place[tap] + v
        x0, x1 = load(image, at), load(image, at + FLOAT_WIDTH)
        x2, x3 = load(image, at + 2 * FLOAT_WIDTH), load(image, at + 3 * FLOAT_WIDTH)
        wa, wb, wc, wd = _kernel(net, weights, tap, c)
        a0, a1, a2, a3 = fma(x0, wa, a0), fma(x1, wa, a1), fma(x2, wa, a2), fma(x3, wa, a3)
        b0, b1, b2, b3 = fma(x0, wb, b0), fma(x1, wb, b1), fma(x2, wb, b2), fma(x3, wb, b3)
        c0, c1, c2, c3 = fma(x0, wc, c0), fma(x1, wc, c1), fma(x2, wc, c2), fma(x3, wc, c3)
        d0, d1, d2, d3 = fma(x0, wd, d0), fma(x1, wd, d1), fma(x2, wd, d2), fma(x3, wd, d3)
    _store_four(net, planes, c, v, a0, b0, c0, d0)
    _store_four(net, planes, c, v + FLOAT_WIDTH, a1, b1, c1, d1)
    _store_four(net, planes, c, v + 2 * FLOAT_WIDTH, a2, b2, c2, d2)
    _store_four(net, planes, c, v + 3 * FLOAT_WIDTH, a3, b3, c3, d3)


@leaf
def _two_vectors(net: Any, weights: Any, image: Any, start: int, planes: Any, c: int, v: int) -> None:
    a0, b0, c0, d0 = _biases(net, weights, c)
    a1, b1, c1, d1 = a0, b0, c0, d0
    for tap in range(net.taps):
        at = start + net.tap_place[tap] + v
        x0, x1 = load(image, at), load(image, at + FLOAT_WIDTH)
        wa, wb, wc, wd = _kernel(net, weights, tap, c)
        a0, a1, b0, b1 = fma(x0, wa, a0), fma(x1, wa, a1), fma(x0, wb, b0), fma(x1, wb, b1)
        c0, c1, d0, d1 = fma(x0, wc, c0), fma(x1, wc, c1), fma(x0, wd, d0), fma(x1, wd, d1)
    _store_four(net, planes, c, v, a0, b0, c0, d0)
    _store_four(net, planes, c, v + FLOAT_WIDTH, a1, b1, c1, d1)


@leaf
def _store_four(net: Any, planes: Any, channel: int, v: int, a: Any, b: Any, c: Any, d: Any) -> None:
    at = channel * net.span + v
    store(planes, at, a)
    store(planes, at + net.span, b)
    store(planes, at + 2 * net.span, c)
    store(planes, at + 3 * net.span, d)


@leaf
def gather(net: Any, planes: Any, dense: Any, to: int) -> None:
    """Pack the rows of the output densely; what a vector writes beyond a row is overwritten by the next row."""
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
