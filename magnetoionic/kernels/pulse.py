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
from magnetoionic.kernels.forms import LINEAR

CHUNK = 512


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
def _gradient_row(start: Any, end: Any, images: Any, currents: Any, voltage_gradient: Any, total: Any) -> None:
    """total = sum over the images of one pixel of current * voltage gradient."""
    total[:] = 0.0
    entry = start
    while entry + 8 <= end:  # eight images at a time, so that a total is fetched and stored less often
        c0, c1, c2, c3 = currents[entry], currents[entry + 1], currents[entry + 2], currents[entry + 3]
        c4, c5, c6, c7 = currents[entry + 4], currents[entry + 5], currents[entry + 6], currents[entry + 7]
        row0, row1 = voltage_gradient[images[entry]], voltage_gradient[images[entry + 1]]
        row2, row3 = voltage_gradient[images[entry + 2]], voltage_gradient[images[entry + 3]]
        row4, row5 = voltage_gradient[images[entry + 4]], voltage_gradient[images[entry + 5]]
        row6, row7 = voltage_gradient[images[entry + 6]], voltage_gradient[images[entry + 7]]
        for j in range(total.size):
            left = (c0 * row0[j] + c1 * row1[j]) + (c2 * row2[j] + c3 * row3[j])
            right = (c4 * row4[j] + c5 * row5[j]) + (c6 * row6[j] + c7 * row7[j])
            total[j] += left + right
        entry += 8
    while entry < end:
        current, row = currents[entry], voltage_gradient[images[entry]]
        for j in range(total.size):
            total[j] += current * row[j]
        entry += 1


@kernel(floats=CONTRACT)
def pulse_sparse(
    kind: Any, curve: Any, rule: Any, starts: Any, images: Any, currents: Any, voltage_gradient: Any,
    first: Any, second: Any, difference: Any, vary1: Any, vary2: Any,
) -> None:  # fmt: skip
    """Gradient and update of the first layer, pixel by pixel; a pixel that no image of the batch has gets no pulse.

    Args:
        starts: (pixels + 1,) int64: pixel p has the entries starts[p] to starts[p + 1] of the next two.
        images: (entries,) uint16, numbers within the batch.
        currents: (entries,) float32.
        voltage_gradient: (B, outputs) float32.
        first, second, difference, vary1, vary2: (pixels, outputs).
        The rest: see `pulse_dense`.
    """
    width = voltage_gradient.shape[1]
    total, pulses = np.empty(width, np.float32), np.empty(width, np.float32)
    for pixel in range(first.shape[0]):
        start, end = starts[pixel], starts[pixel + 1]
        if start < end:
            _gradient_row(start, end, images, currents, voltage_gradient, total)
            _pulse_row(
                kind, curve, rule, total, first[pixel], second[pixel], difference[pixel], vary1[pixel], vary2[pixel],
                pulses,
            )  # fmt: skip


@kernel(floats=CONTRACT)
def sparse_gradient(starts: Any, images: Any, currents: Any, voltage_gradient: Any, gradient: Any) -> None:
    """The gradient of the first layer's second devices, (pixels, outputs), as `pulse_sparse` uses it."""
    for pixel in range(gradient.shape[0]):
        _gradient_row(starts[pixel], starts[pixel + 1], images, currents, voltage_gradient, gradient[pixel])
