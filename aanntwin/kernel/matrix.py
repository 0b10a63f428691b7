"""Linear layers for one image: outputs, and the gradients of weights and input in one pass over the weights."""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import numpy as np

from common.kernels.jit import leaf
from common.kernels.vectors import FLOAT_WIDTH, add_sums, fma, load, splat, store

_ZERO = np.float32(0.0)


@leaf
def multiply(net: Any, layer: int, weights: Any, signals: Any) -> None:
    """sums = bias + weights @ operand, four rows at a time."""
    row, x, y = net.row[layer], net.operand[layer], net.sums[layer]
    for o in range(0, net.rows[layer], 4):
        w = net.weight[layer] + o * row
        a = b = c = d = splat(_ZERO)
        for i in range(0, row, FLOAT_WIDTH):
            v = load(signals, x + i)
            a, b = fma(load(weights, w + i), v, a), fma(load(weights, w + row + i), v, b)
            c, d = fma(load(weights, w + 2 * row + i), v, c), fma(load(weights, w + 3 * row + i), v, d)
        for k in range(4):
            signals[y + o + k] = weights[net.bias[layer] + o + k]
        add_sums(signals, y + o, a, b, c, d)


@leaf
def multiply_back(net: Any, layer: int, weights: Any, signals: Any, work: Any, target: Any, scale: Any) -> None:
    """grad_operand = weights.T @ grad_sums, and target += scale * outer(grad_sums, operand).

    `target` has the layout of the weights and may be the weights: each is read before it is written.
    """
    row, x = net.row[layer], net.operand[layer]
    grad = work.grad_sums
    for i in range(0, row, FLOAT_WIDTH):
        v = load(signals, x + i) * scale
        even = odd = splat(_ZERO)
        for o in range(0, net.rows[layer], 2):
            w = net.weight[layer] + o * row + i
            even = fma(load(weights, w), grad[o], even)
            odd = fma(load(weights, w + row), grad[o + 1], odd)
            store(target, w, fma(v, grad[o], load(target, w)))
            store(target, w + row, fma(v, grad[o + 1], load(target, w + row)))
        store(work.grad_operand, i, even + odd)
