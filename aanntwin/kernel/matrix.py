"""Linear layers for some images: outputs, and the gradients of weights and input in one pass over the weights.

Four images share each vector of weights and of the weights' gradient. Every output and every gradient is the same sum
in the same order as image by image, so the numbers do not depend on how images are grouped.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import numpy as np

from aanntwin.kernel.layout import MANY_REGISTERS
from common.kernels.jit import leaf
from common.kernels.vectors import FLOAT_WIDTH, add_sums, fma, load, splat, store

_ZERO = np.float32(0.0)


@leaf
def multiply(net: Any, layer: int, weights: Any, signals: Any, count: int) -> None:
    """sums = bias + weights @ operand for `count` images, four rows at a time."""
    size, fours = net.signal_size, count // 4 * 4 if MANY_REGISTERS else 0
    for o in range(0, net.rows[layer], 4):
        for p in range(0, fours, 4):
            _four_images(net, layer, weights, signals, p * size, o)
        for p in range(fours, count):
            _one_image(net, layer, weights, signals, p * size, o)


@leaf
def _one_image(net: Any, layer: int, weights: Any, signals: Any, start: int, o: int) -> None:
    row, x = net.row[layer], start + net.operand[layer]
    w = net.weight[layer] + o * row
    a = b = c = d = splat(_ZERO)
    for i in range(0, row, FLOAT_WIDTH):
        v = load(signals, x + i)
        a, b = fma(load(weights, w + i), v, a), fma(load(weights, w + row + i), v, b)
        c, d = fma(load(weights, w + 2 * row + i), v, c), fma(load(weights, w + 3 * row + i), v, d)
    _add(net, layer, weights, signals, start, o, a, b, c, d)


@leaf
def _four_images(net: Any, layer: int, weights: Any, signals: Any, start: int, o: int) -> None:
    row, size, x = net.row[layer], net.signal_size, start + net.operand[layer]
    w = net.weight[layer] + o * row
    a0 = b0 = c0 = d0 = a1 = b1 = c1 = d1 = splat(_ZERO)
    a2 = b2 = c2 = d2 = a3 = b3 = c3 = d3 = splat(_ZERO)
    for i in range(0, row, FLOAT_WIDTH):
        at = x + i
        v0, v1 = load(signals, at), load(signals, at + size)
        v2, v3 = load(signals, at + 2 * size), load(signals, at + 3 * size)
        u = load(weights, w + i)
        a0, a1, a2, a3 = fma(u, v0, a0), fma(u, v1, a1), fma(u, v2, a2), fma(u, v3, a3)
        u = load(weights, w + row + i)
        b0, b1, b2, b3 = fma(u, v0, b0), fma(u, v1, b1), fma(u, v2, b2), fma(u, v3, b3)
        u = load(weights, w + 2 * row + i)
        c0, c1, c2, c3 = fma(u, v0, c0), fma(u, v1, c1), fma(u, v2, c2), fma(u, v3, c3)
        u = load(weights, w + 3 * row + i)
        d0, d1, d2, d3 = fma(u, v0, d0), fma(u, v1, d1), fma(u, v2, d2), fma(u, v3, d3)
    _add(net, layer, weights, signals, start, o, a0, b0, c0, d0)
    _add(net, layer, weights, signals, start + size, o, a1, b1, c1, d1)
    _add(net, layer, weights, signals, start + 2 * size, o, a2, b2, c2, d2)
    _add(net, layer, weights, signals, start + 3 * size, o, a3, b3, c3, d3)


@leaf
def _add(net: Any, layer: int, weights: Any, signals: Any, start: int, o: int, a: Any, b: Any, c: Any, d: Any) -> None:
    y = start + net.sums[layer] + o
    for k in range(4):
        signals[y + k] = weights[net.bias[layer] + o + k]
    add_sums(signals, y, a, b, c, d)


@leaf
def multiply_back(
    net: Any, layer: int, weights: Any, signals: Any, work: Any, target: Any, scale: Any, count: int
) -> None:
    """grad_operand = weights.T @ grad_sums, and target += scale * outer(grad_sums, operand), for `count` images.

    `target` has the layout of the weights and, for one image, may be the weights: each is read before it is written.
    """
    fours = count // 4 * 4
    for i in range(0, net.row[layer], FLOAT_WIDTH):
        for p in range(0, fours, 4):
            _four_back(net, layer, weights, signals, work, target, scale, p, i)
        for p in range(fours, count):
            _one_back(net, layer, weights, signals, work, target, scale, p, i)


@leaf
def _one_back(
    net: Any, layer: int, weights: Any, signals: Any, work: Any, target: Any, scale: Any, p: int, i: int
) -> None:
    row, grad, g = net.row[layer], work.grad_sums, p * net.grad_size
    v = load(signals, p * net.signal_size + net.operand[layer] + i) * scale
    even = odd = splat(_ZERO)
    for o in range(0, net.rows[layer], 2):
        w = net.weight[layer] + o * row + i
        s0, s1 = grad[np.uint64(g + o)], grad[np.uint64(g + o + 1)]
        even = fma(load(weights, w), s0, even)
        odd = fma(load(weights, w + row), s1, odd)
        store(target, w, fma(v, s0, load(target, w)))
        store(target, w + row, fma(v, s1, load(target, w + row)))
    store(work.grad_operand, g + i, even + odd)


@leaf
def _four_back(
    net: Any, layer: int, weights: Any, signals: Any, work: Any, target: Any, scale: Any, p: int, i: int
) -> None:
    row, grad, size = net.row[layer], work.grad_sums, net.grad_size
    x, g0 = p * net.signal_size + net.operand[layer] + i, p * size
    v0, v1 = load(signals, x) * scale, load(signals, x + net.signal_size) * scale
    v2, v3 = load(signals, x + 2 * net.signal_size) * scale, load(signals, x + 3 * net.signal_size) * scale
    even0 = odd0 = even1 = odd1 = even2 = odd2 = even3 = odd3 = splat(_ZERO)
    for o in range(0, net.rows[layer], 2):
        w = net.weight[layer] + o * row + i
        u, t = load(weights, w), load(target, w)
        s0, s1, s2, s3 = _of_four(grad, g0 + o, size)
        even0, even1, even2, even3 = fma(u, s0, even0), fma(u, s1, even1), fma(u, s2, even2), fma(u, s3, even3)
        store(target, w, fma(v3, s3, fma(v2, s2, fma(v1, s1, fma(v0, s0, t)))))
        u, t = load(weights, w + row), load(target, w + row)
        s0, s1, s2, s3 = _of_four(grad, g0 + o + 1, size)
        odd0, odd1, odd2, odd3 = fma(u, s0, odd0), fma(u, s1, odd1), fma(u, s2, odd2), fma(u, s3, odd3)
        store(target, w + row, fma(v3, s3, fma(v2, s2, fma(v1, s1, fma(v0, s0, t)))))
    store(work.grad_operand, g0 + i, even0 + odd0)
    store(work.grad_operand, g0 + size + i, even1 + odd1)
    store(work.grad_operand, g0 + 2 * size + i, even2 + odd2)
    store(work.grad_operand, g0 + 3 * size + i, even3 + odd3)


@leaf
def _of_four(values: Any, at: int, size: int) -> Any:
    """The same element for four images."""
    start, step = np.uint64(at), np.uint64(size)  # unsigned: numba then looks for no negative index
    return values[start], values[start + step], values[start + step + step], values[start + step + step + step]
