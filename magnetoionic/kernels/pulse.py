"""Pulses for pairs of devices, gradient and update in one pass: linear and exponential curves.

Both devices of a pair see the same gradient with opposite signs, so exactly one of them is pulsed. With w the value of
that device, u its pulses: linear w' = w - slope u; exponential w' = w + (w - floor) (exp(-u / tau) - 1). A device that
was not pulsed keeps its value to the last bit. A pair with a device at its last pulse or past it is then rewritten as
`magnetoionic.rule` says; what would leave a device above the top is clamped at once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from common.kernels.jit import CONTRACT, inlined, kernel
from common.kernels.mathematics import expm1_float32
from common.kernels.vector_memory import LINE
from magnetoionic.kernels.forms import LINEAR
from magnetoionic.kernels.rows import COLUMNS, block_sum, row_sum

CHUNK = 512
GROUP = 32  # pixels whose gradients wait in the cache for their devices


class CurveNumbers(NamedTuple):
    """A line or an exponential as kernels take it.

    Attributes:
        top, bottom: value at no pulse and at the last one.
        rate: slope per pulse of a line; -1 / tau of an exponential, with tau in pulses.
        floor: what an exponential tends to.
    """

    top: np.float32
    bottom: np.float32
    rate: np.float32
    floor: np.float32


class RuleNumbers(NamedTuple):
    """How a gradient becomes pulses, as kernels take it.

    Attributes:
        lr: learning rate.
        threshold: fewer pulses than that are none.
        physical: -1 / 0.18 for physical clipping, 0 without.
    """

    lr: np.float32
    threshold: np.float32
    physical: np.float32


@inlined(floats=CONTRACT)
def _pulse_row(
    kind: Any, curve: Any, rule: Any, gradient: Any, first: Any, second: Any, difference: Any, vary1: Any, vary2: Any,
    pulses: Any,
) -> None:  # fmt: skip
    """Some consecutive pairs. gradient: of the second devices, (n,); pulses: (n,), scratch; the rest as below."""
    top, bottom, rate, floor = curve
    lr, threshold, physical = rule
    zero = np.float32(0.0)
    for j in range(gradient.size):
        slope = gradient[j]
        pulses[j] = lr * abs(slope) * (vary2[j] if slope > zero else vary1[j])
    if physical < zero:
        for j in range(gradient.size):
            pulses[j] *= -expm1_float32(pulses[j] * physical)
    if threshold > zero:
        for j in range(gradient.size):
            size = pulses[j]
            pulses[j] = size if size >= threshold else zero
    for j in range(gradient.size):
        forward = gradient[j] > zero
        one, two = first[j], second[j]
        moving = two if forward else one
        resting = one if forward else two
        if kind == LINEAR:
            moved = moving - rate * pulses[j]
        else:
            moved = moving + (moving - floor) * expm1_float32(pulses[j] * rate)
        one = resting if forward else moved
        two = moved if forward else resting
        again = bottom + (top - two)
        again = again if again < top else top
        spent = one <= bottom
        one = again if spent else one
        two = top if spent else two
        again = bottom + (top - one)
        again = again if again < top else top
        spent = two <= bottom
        two = again if spent else two
        one = top if spent else one
        first[j] = one
        second[j] = two
        difference[j] = two - one


@kernel(floats=CONTRACT)
def pulse_dense(
    kind: Any, curve: Any, rule: Any, gradient: Any, first: Any, second: Any, difference: Any, vary1: Any, vary2: Any
) -> None:
    """Update every pair.

    Args:
        kind: LINEAR or EXPONENTIAL of `magnetoionic.kernels.forms`.
        curve: `CurveNumbers`.
        rule: `RuleNumbers`.
        gradient: (n,) float32, of the second devices; that of the first is its negative.
        first, second, difference: (n,) float32, overwritten: both devices, and second - first.
        vary1, vary2: (n,) float32, the devices' variabilities.
    """
    pulses = np.empty(CHUNK, np.float32)
    for start in range(0, gradient.size, CHUNK):
        end = min(start + CHUNK, gradient.size)
        _pulse_row(
            kind, curve, rule, gradient[start:end], first[start:end], second[start:end], difference[start:end],
            vary1[start:end], vary2[start:end], pulses[: end - start],
        )  # fmt: skip


@inlined(floats=CONTRACT)
def _room(size: Any) -> Any:
    """Floats that start at a multiple of 64 bytes, where no vector straddles two cache lines."""
    room = np.empty(size + LINE // 4, np.float32)
    start = (-room.ctypes.data % LINE) // 4
    return room[start : start + size]


@inlined(floats=CONTRACT)
def _panels(table: Any) -> Any:
    """The whole blocks of COLUMNS columns, one after the other, each row by row: it fits the core's fastest cache."""
    rows, blocks = table.shape[0], table.shape[1] // COLUMNS
    panels = _room(rows * blocks * COLUMNS)
    for k in range(blocks):
        for b in range(rows):
            row, at = table[b, k * COLUMNS : (k + 1) * COLUMNS], (k * rows + b) * COLUMNS
            to = panels[at : at + COLUMNS]
            for j in range(COLUMNS):
                to[j] = row[j]
    return panels


@inlined(floats=CONTRACT)
def _gradients(
    starts: Any, images: Any, currents: Any, voltage_gradient: Any, panels: Any, pixel: Any, gradient: Any
) -> None:
    """The gradients of some pixels from `pixel` on, (pixels, outputs)."""
    rows, width = voltage_gradient.shape
    whole = width // COLUMNS * COLUMNS
    for left in range(0, whole, COLUMNS):
        panel = panels[left * rows : (left + COLUMNS) * rows]
        for k in range(gradient.shape[0]):
            total = gradient[k, left : left + COLUMNS]
            block_sum(starts[pixel + k], starts[pixel + k + 1], images, currents, panel, total)
    if whole < width:
        for k in range(gradient.shape[0]):
            start, end = starts[pixel + k], starts[pixel + k + 1]
            row_sum(start, end, images, currents, voltage_gradient, whole, gradient[k, whole:])


@kernel(floats=CONTRACT)
def pulse_sparse(
    kind: Any, curve: Any, rule: Any, starts: Any, images: Any, currents: Any, voltage_gradient: Any,
    first: Any, second: Any, difference: Any, vary1: Any, vary2: Any,
) -> None:  # fmt: skip
    """Gradient and update of the first layer; a pixel that no image of the batch has gets no pulse.

    Args:
        starts: (pixels + 1,) int64: pixel p has the entries starts[p] to starts[p + 1] of the next two.
        images: (entries,) uint16, numbers within the batch.
        currents: (entries,) float32.
        voltage_gradient: (B, outputs) float32.
        first, second, difference, vary1, vary2: (pixels, outputs).
        The rest: see `pulse_dense`.
    """
    pixels, width = first.shape
    panels = _panels(voltage_gradient)
    room, pulses = _room(GROUP * width), np.empty(width, np.float32)
    for group in range(0, pixels, GROUP):
        count = min(GROUP, pixels - group)
        gradient = room[: count * width].reshape(count, width)
        _gradients(starts, images, currents, voltage_gradient, panels, group, gradient)
        for k in range(count):
            pixel = group + k
            if starts[pixel] < starts[pixel + 1]:
                _pulse_row(
                    kind, curve, rule, gradient[k], first[pixel], second[pixel], difference[pixel], vary1[pixel],
                    vary2[pixel], pulses,
                )  # fmt: skip


@kernel(floats=CONTRACT)
def sparse_gradient(starts: Any, images: Any, currents: Any, voltage_gradient: Any, gradient: Any) -> None:
    """The gradient of the first layer's second devices, (pixels, outputs), as `pulse_sparse` uses it."""
    _gradients(starts, images, currents, voltage_gradient, _panels(voltage_gradient), 0, gradient)
