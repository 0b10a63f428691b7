"""Device curves: the value of a device after x gate pulses, and back. Values are Hall resistances in the measured unit.

Functions take NumPy arrays, numbers or torch tensors, and return the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from magnetoionic.kernels.forms import EXPONENTIAL, LINEAR

LAST_PULSE = 27.0  # the published curves were measured from 0 to 27 pulses


class Curve(Protocol):
    """The value of a device under pulses, which only ever lower it.

    Attributes:
        last: the largest number of pulses.
    """

    @property
    def last(self) -> float:
        """The largest number of pulses."""

    def value(self, pulses: Any) -> Any:
        """The device's value after so many pulses."""

    def pulses(self, value: Any) -> Any:
        """How many pulses have led to a value: the inverse of `value`."""


class Form(NamedTuple):
    """The parameters of a line or an exponential for the compiled updates (`magnetoionic.kernels.pulse`).

    Attributes:
        kind: LINEAR or EXPONENTIAL.
        rate: slope per pulse, or -1 / tau.
        floor: what an exponential tends to; 0 for a line.
    """

    kind: int
    rate: float
    floor: float


@dataclass(frozen=True)
class LinearCurve:
    """start - slope x."""

    slope: float
    start: float
    last: float = LAST_PULSE

    @property
    def form(self) -> Form:
        """For the compiled updates."""
        return Form(LINEAR, self.slope, 0.0)

    def value(self, pulses: Any) -> Any:
        """See `Curve`."""
        return self.start - self.slope * pulses

    def pulses(self, value: Any) -> Any:
        """See `Curve`."""
        return (self.start - value) / self.slope

    def affine(self, factor: float, offset: float) -> LinearCurve:
        """The curve whose values are offset + factor times these."""
        return LinearCurve(factor * self.slope, offset + factor * self.start, self.last)


@dataclass(frozen=True)
class ExponentialCurve:
    """amplitude exp(-x / tau) + floor."""

    amplitude: float
    tau: float
    floor: float
    last: float = LAST_PULSE

    @property
    def form(self) -> Form:
        """For the compiled updates."""
        return Form(EXPONENTIAL, -1.0 / self.tau, self.floor)

    def value(self, pulses: Any) -> Any:
        """See `Curve`."""
        return self.amplitude * exp(-pulses / self.tau) + self.floor

    def pulses(self, value: Any) -> Any:
        """See `Curve`."""
        return -self.tau * log((value - self.floor) / self.amplitude)

    def affine(self, factor: float, offset: float) -> ExponentialCurve:
        """The curve whose values are offset + factor times these."""
        return ExponentialCurve(factor * self.amplitude, self.tau, offset + factor * self.floor, self.last)


@dataclass(frozen=True, eq=False)
class TableCurve:
    """Straight lines between values on an even grid of pulses, so that the inverse is exact.

    Attributes:
        values: (N,) float64, falling, from no pulse to the last one.
        last: the largest number of pulses.
    """

    values: NDArray[np.float64]
    last: float

    def value(self, pulses: Any) -> Any:
        """See `Curve`."""
        return self._interpolate(pulses, self._grid, self.values)

    def pulses(self, value: Any) -> Any:
        """See `Curve`."""
        return self._interpolate(value, self.values[::-1], self._grid[::-1])

    def affine(self, factor: float, offset: float) -> TableCurve:
        """The curve whose values are offset + factor times these."""
        return TableCurve(offset + factor * self.values, self.last)

    @property
    def _grid(self) -> NDArray[np.float64]:
        return np.linspace(0.0, self.last, len(self.values))

    def _interpolate(self, at: Any, known: NDArray[np.float64], result: NDArray[np.float64]) -> Any:
        if not hasattr(at, "exp"):
            return np.interp(at, known, result)
        found = np.interp(at.detach().cpu().double().numpy(), known, result)
        return at.new_tensor(found)


def span(curve: Curve) -> float:
    """The range of a curve: its value at no pulse minus that at the last one."""
    return float(curve.value(0.0) - curve.value(curve.last))


def exp(x: Any) -> Any:
    """exp of a number, an array or a tensor."""
    return x.exp() if hasattr(x, "exp") else np.exp(x)


def log(x: Any) -> Any:
    """ln of a number, an array or a tensor."""
    return x.log() if hasattr(x, "log") else np.log(x)


@dataclass(frozen=True)
class Branch:
    """One branch of a single device, y = 2 g(x) - 1 with g affine in x, or in ln(inner ln(x + shift)).

    y runs from -1 to 1 and x is a number of pulses; `SingleCurve` multiplies y by a scale.
    """

    outer: float
    inner: float
    shift: float
    offset: float

    def value(self, pulses: Any) -> Any:
        """y after so many pulses, as far as the logarithms reach."""
        return 2.0 * (self.outer * log(self.inner * log(pulses + self.shift)) + self.offset) - 1.0

    def pulses(self, value: Any) -> Any:
        """The inverse of `value`."""
        level = ((value + 1.0) / 2.0 - self.offset) / self.outer
        return exp(exp(level) / self.inner) - self.shift


@dataclass(frozen=True)
class Ramp:
    """The linear branch of a single device, sign (2 x / 27 - 1)."""

    sign: float

    def value(self, pulses: Any) -> Any:
        """See `Branch`."""
        return self.sign * (2.0 * pulses / LAST_PULSE - 1.0)

    def pulses(self, value: Any) -> Any:
        """See `Branch`."""
        return (self.sign * value + 1.0) * LAST_PULSE / 2.0


@dataclass(frozen=True)
class SingleCurve:
    """Both branches of a single device, a rising and a falling one: weights lie between -scale and scale.

    Attributes:
        plus: the rising branch.
        minus: the falling branch.
    """

    plus: Branch | Ramp
    minus: Branch | Ramp

    def pulsed(self, weight: Any, pulses: Any, sinks: Any, scale: float) -> Any:
        """The weight after going back so many pulses on the plus branch (where it sinks) or the minus branch.

        Args:
            weight: between -scale and scale.
            pulses: 0 or more.
            sinks: where true, the weight goes down.
            scale: largest weight.
        """
        ends = self.plus.pulses(-1.0), self.minus.pulses(1.0)  # no further: the logarithms end soon after
        down = self.plus.value(largest(self.plus.pulses(weight / scale) - pulses, ends[0]))
        up = self.minus.value(largest(self.minus.pulses(weight / scale) - pulses, ends[1]))
        moved = scale * where(sinks, down, up)
        return where(pulses > 0, limited(moved, -scale, scale), weight)


def where(condition: Any, yes: Any, no: Any) -> Any:
    """`yes` where the condition holds, else `no`, element by element, of arrays or tensors."""
    return yes.where(condition, no) if hasattr(yes, "where") else np.where(condition, yes, no)


def largest(values: Any, low: float) -> Any:
    """Values, raised to `low` where they are below it."""
    return values.clamp(min=low) if hasattr(values, "clamp") else np.maximum(values, low)


def limited(values: Any, low: float, high: float) -> Any:
    """Values brought into a range."""
    return values.clamp(low, high) if hasattr(values, "clamp") else np.clip(values, low, high)


AnyCurve = Curve | SingleCurve
