"""Clip, polynomial and ReLU of a row of signals, forward and backward."""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import numpy as np

from aanntwin.kernel.layout import WIDTH
from common.kernels.jit import leaf
from common.kernels.vectors import FLOAT_WIDTH, fma, load, select, splat, store

_ZERO = np.float32(0.0)


@leaf
def zero_tail(values: Any, start: int, count: int) -> None:
    """Zero what vectors have written after `count` values, up to the next whole vector."""
    for i in range(start + count, start + (count + WIDTH - 1) // WIDTH * WIDTH):
        values[i] = _ZERO


@leaf
def _clipped(x: Any, limit: Any) -> Any:
    high = select(x > limit, limit, x)
    return select(-limit > high, -limit, high)


@leaf
def _polynomial(coefficients: Any, x: Any) -> Any:
    total = splat(coefficients[len(coefficients) - 1])
    for power in range(len(coefficients) - 2, -1, -1):
        total = fma(total, x, coefficients[power])
    return total


@leaf
def shape(source: Any, at: int, target: Any, to: int, count: int, limit: Any, coefficients: Any) -> None:
    """target = polynomial(clip(source)); without coefficients the clip alone. The tail of target becomes zero."""
    for i in range(0, count, FLOAT_WIDTH):
        x = _clipped(load(source, at + i), limit)
        if len(coefficients) > 0:
            x = _polynomial(coefficients, x)
        store(target, to + i, x)
    zero_tail(target, to, count)


@leaf
def shape_back(source: Any, at: int, gradient: Any, to: int, count: int, limit: Any, slope: Any) -> None:
    """gradient *= derivative of `shape` at source; the clip lets the gradient through at its limits, and within."""
    for i in range(0, count, FLOAT_WIDTH):
        x = load(source, at + i)
        g = load(gradient, to + i)
        if len(slope) > 0:
            g = g * _polynomial(slope, _clipped(x, limit))
        g = select(x <= limit, g, _ZERO)
        store(gradient, to + i, select(-limit <= x, g, _ZERO))


@leaf
def relu(source: Any, at: int, target: Any, to: int, count: int, cutoff: Any) -> None:
    """target = max(cutoff, source); NaN stays NaN."""
    for i in range(0, count, FLOAT_WIDTH):
        x = load(source, at + i)
        store(target, to + i, select(x <= cutoff, cutoff, x))


@leaf
def relu_back(source: Any, at: int, gradient: Any, start: int, target: Any, to: int, count: int, cutoff: Any) -> None:
    """target = gradient where source lies above the cutoff, elsewhere zero; the tail of target becomes zero."""
    for i in range(0, count, FLOAT_WIDTH):
        store(target, to + i, select(load(source, at + i) > cutoff, load(gradient, start + i), _ZERO))
    zero_tail(target, to, count)
