"""A layer of pairs of devices: their values, their updates by compiled kernels, and a change of field."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.kernels.vectors import aligned
from common.seeding import stream
from magnetoionic.devices.curves import AnyCurve, Curve, Form, SingleCurve
from magnetoionic.images import Batch
from magnetoionic.kernels import pulse
from magnetoionic.rule import CLIPPING_PULSES, Rule, rewritten

Array = NDArray[np.float32]


class PairLayer:
    """Pairs of devices, each array (inputs, outputs) float32: a row has the devices of one input.

    Attributes:
        first, second: the devices.
        weight: second - first.
        curve: the curve of both.
    """

    reads = 2  # devices read for one weight

    def __init__(self, shape: tuple[int, int], curve: Curve, rule: Rule, init: float, var: float, *names: Any) -> None:
        self.curve, self._rule = curve, rule
        high = curve.value(0.0) - init
        self.first, self.second, self.weight, self._vary1, self._vary2 = (_room(shape) for _ in range(5))
        self.first[...] = high
        drop = stream(*names, "init").uniform(-init, init, shape)
        self.second[...] = high - drop
        for devices in (self.first, self.second):
            _keep_in_range(devices, curve)
        np.subtract(self.second, self.first, out=self.weight)
        factors = stream(*names, "variability")
        for vary in (self._vary1, self._vary2):
            vary[...] = np.abs(factors.normal(1.0, var, shape))
        self._kernel = _kernel(curve, rule)
        self._settled = False

    def pulse_sparse(self, batch: Batch, voltage_gradient: Array) -> None:
        """Update the devices of a first layer from the gradient of its voltages, (B, outputs)."""
        if self._kernel is None:
            return self.pulse(self.gradient(batch, voltage_gradient))
        devices = (self.first, self.second, self.weight, self._vary1, self._vary2)
        entries = (batch.pixel_starts, batch.images, batch.pixel_currents)
        pulse.pulse_sparse(*self._kernel, *entries, voltage_gradient, *devices)
        if not self._settled:  # updates rewrite pairs at their ends, so pairs of dark pixels need this only once
            self._rewrite()
        return None

    def gradient(self, batch: Batch, voltage_gradient: Array) -> Array:
        """The gradient of a first layer's weights, (inputs, outputs)."""
        gradient: Array = np.empty_like(self.weight)
        entries = (batch.pixel_starts, batch.images, batch.pixel_currents)
        pulse.sparse_gradient(*entries, voltage_gradient, gradient)
        return gradient

    def pulse(self, gradient: Array) -> None:
        """Update the devices from the gradient of the weights, (inputs, outputs): that of `second`.

        Every pair with a device at its last pulse is rewritten (`magnetoionic.rule.rewritten`), with a gradient or not.
        """
        if self._kernel is None:
            self._pulse_any_curve(gradient)
            return
        devices = (self.first, self.second, self.weight, self._vary1, self._vary2)
        pulse.pulse_dense(*self._kernel, *(array.reshape(-1) for array in (gradient, *devices)))

    def change_curve(self, curve: AnyCurve) -> None:
        """Every device keeps its pulse count and takes its value on another curve."""
        assert not isinstance(curve, SingleCurve)
        for devices in (self.first, self.second):
            pulses = np.clip(self.curve.pulses(devices.astype(np.float64)), 0.0, min(self.curve.last, curve.last))
            devices[...] = curve.value(pulses)
            _keep_in_range(devices, curve)
        self.use_curve(curve)
        np.subtract(self.second, self.first, out=self.weight)

    def use_curve(self, curve: AnyCurve) -> None:
        """Pulses follow another curve from here on; values stay as they are."""
        assert not isinstance(curve, SingleCurve)
        self.curve, self._kernel, self._settled = curve, _kernel(curve, self._rule), False

    def arrays(self) -> dict[str, Array]:
        """The devices by the names of their tensors, (outputs, inputs)."""
        return {"weight1": self.first.T, "weight2": self.second.T}

    def load(self, arrays: dict[str, Array]) -> None:
        """The inverse of `arrays`."""
        self.first[...], self.second[...] = arrays["weight1"].T, arrays["weight2"].T
        self._settled = False
        np.subtract(self.second, self.first, out=self.weight)

    def _pulse_any_curve(self, gradient: Array) -> None:
        """`pulse` in NumPy and double precision, for curves without a kernel."""
        at = np.nonzero(gradient)
        slope, one, two = gradient[at].astype(np.float64), self.first[at], self.second[at]
        forward = slope > 0
        pulses = self._rule.pulses(slope, np.where(forward, self._vary2[at], self._vary1[at]))
        moving, resting = np.where(forward, two, one).astype(np.float64), np.where(forward, one, two)
        after = np.minimum(self.curve.pulses(moving) + pulses, self.curve.last)
        moved = np.where(pulses > 0, self.curve.value(after), moving)
        self.first[at], self.second[at] = np.where(forward, resting, moved), np.where(forward, moved, resting)
        for devices in (self.first, self.second):
            _keep_in_range(devices, self.curve)
        self._rewrite()

    def _rewrite(self) -> None:
        ends = np.float32(self.curve.value(self.curve.last)), np.float32(self.curve.value(0.0))
        self.first[...], self.second[...] = rewritten(self.first, self.second, *ends)
        np.subtract(self.second, self.first, out=self.weight)
        self._settled = True


def _room(shape: tuple[int, int]) -> Array:
    """Zeros that begin a cache line: vectors that straddle two of them take a third longer."""
    return aligned(shape[0] * shape[1], np.float32).reshape(shape)


def _keep_in_range(devices: Array, curve: Curve) -> None:
    """Rounding to single precision may go past an end by one part in 10 million."""
    np.clip(devices, np.float32(curve.value(curve.last)), np.float32(curve.value(0.0)), out=devices)


def _kernel(curve: Curve, rule: Rule) -> tuple[int, pulse.CurveNumbers, pulse.RuleNumbers] | None:
    """The first arguments of the compiled updates; None for curves that have none."""
    form = getattr(curve, "form", None)
    if not isinstance(form, Form):
        return None
    numbers = (curve.value(0.0), curve.value(curve.last), form.rate, form.floor)
    physical = -1.0 / CLIPPING_PULSES if rule.physical_clipping else 0.0
    rules = pulse.RuleNumbers(*map(np.float32, (rule.lr, rule.clipping, physical)))
    return form.kind, pulse.CurveNumbers(*map(np.float32, numbers)), rules
