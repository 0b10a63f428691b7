"""The gradient of the convolution's weights and biases for one image."""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import numpy as np

from aanntwin.kernel.layout import MANY_REGISTERS
from common.kernels.jit import leaf
from common.kernels.vectors import FLOAT_WIDTH, add_sums, fma, load, splat

_ZERO = np.float32(0.0)


@leaf
def add_gradient(net: Any, planes: Any, image: Any, start: int, gradient: Any) -> None:
    """gradient of weights and biases += that of this image; `planes` has the output's gradient in the image's pitch."""
    many = net.taps // 4 * 4 if MANY_REGISTERS else 0
    for c in range(0, net.channels, 4):
        for tap in range(0, many, 4):
            _four_taps(net, planes, image, start, gradient, c, tap)
        for tap in range(many, net.taps - 1, 2):
            _two_taps(net, planes, image, start, gradient, c, tap)
        _add_last(net, planes, image, start, gradient, c)


@leaf
def _end(net: Any) -> Any:
    """Where a channel's last output lies in its plane; all that comes after is zero."""
    return (net.side - 1) * net.pitch + net.side


@leaf
def _load_four(net: Any, planes: Any, c: int, i: int) -> Any:
    at, size = c * net.span + i, net.span
    return load(planes, at), load(planes, at + size), load(planes, at + 2 * size), load(planes, at + 3 * size)


@leaf
def _four_taps(net: Any, planes: Any, image: Any, start: int, gradient: Any, c: int, tap: int) -> None:
    t0, t1 = start + net.tap_place[tap], start + net.tap_place[tap + 1]
    t2, t3 = start + net.tap_place[tap + 2], start + net.tap_place[tap + 3]
    a0 = b0 = c0 = d0 = a1 = b1 = c1 = d1 = splat(_ZERO)
    a2 = b2 = c2 = d2 = a3 = b3 = c3 = d3 = splat(_ZERO)
    for i in range(0, _end(net), FLOAT_WIDTH):
        x0, x1, x2, x3 = load(image, t0 + i), load(image, t1 + i), load(image, t2 + i), load(image, t3 + i)
        ga, gb, gc, gd = _load_four(net, planes, c, i)
        a0, a1, a2, a3 = fma(ga, x0, a0), fma(ga, x1, a1), fma(ga, x2, a2), fma(ga, x3, a3)
        b0, b1, b2, b3 = fma(gb, x0, b0), fma(gb, x1, b1), fma(gb, x2, b2), fma(gb, x3, b3)
        c0, c1, c2, c3 = fma(gc, x0, c0), fma(gc, x1, c1), fma(gc, x2, c2), fma(gc, x3, c3)
        d0, d1, d2, d3 = fma(gd, x0, d0), fma(gd, x1, d1), fma(gd, x2, d2), fma(gd, x3, d3)
    to, more = tap * net.channels + c, net.channels
    add_sums(gradient, to, a0, b0, c0, d0)
    add_sums(gradient, to + more, a1, b1, c1, d1)
    add_sums(gradient, to + 2 * more, a2, b2, c2, d2)
    add_sums(gradient, to + 3 * more, a3, b3, c3, d3)


@leaf
def _two_taps(net: Any, planes: Any, image: Any, start: int, gradient: Any, c: int, tap: int) -> None:
    t0, t1 = start + net.tap_place[tap], start + net.tap_place[tap + 1]
    a0 = b0 = c0 = d0 = a1 = b1 = c1 = d1 = splat(_ZERO)
    for i in range(0, _end(net), FLOAT_WIDTH):
        x0, x1 = load(image, t0 + i), load(image, t1 + i)
        ga, gb, gc, gd = _load_four(net, planes, c, i)
        a0, a1, b0, b1 = fma(ga, x0, a0), fma(ga, x1, a1), fma(gb, x0, b0), fma(gb, x1, b1)
        c0, c1, d0, d1 = fma(gc, x0, c0), fma(gc, x1, c1), fma(gd, x0, d0), fma(gd, x1, d1)
    add_sums(gradient, tap * net.channels + c, a0, b0, c0, d0)
    add_sums(gradient, (tap + 1) * net.channels + c, a1, b1, c1, d1)


@leaf
def _add_last(net: Any, planes: Any, image: Any, start: int, gradient: Any, c: int) -> None:
    """The last kernel element if their number is odd, and the bias."""
    a0 = b0 = c0 = d0 = a1 = b1 = c1 = d1 = splat(_ZERO)
    last = start + net.tap_place[net.taps - 1]
    for i in range(0, _end(net), FLOAT_WIDTH):
        x = load(image, last + i)
        ga, gb, gc, gd = _load_four(net, planes, c, i)
        a0, b0, c0, d0 = fma(ga, x, a0), fma(gb, x, b0), fma(gc, x, c0), fma(gd, x, d0)
        a1, b1, c1, d1 = a1 + ga, b1 + gb, c1 + gc, d1 + gd
    if net.taps % 2 == 1:
        add_sums(gradient, (net.taps - 1) * net.channels + c, a0, b0, c0, d0)
    add_sums(gradient, net.conv_bias + c, a1, b1, c1, d1)
