"""A layer of single devices: one device a weight, raised by one field and lowered by another."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.seeding import stream
from magnetoionic.devices.curves import AnyCurve, SingleCurve
from magnetoionic.images import Batch
from magnetoionic.kernels import pulse
from magnetoionic.rule import Rule

Array = NDArray[np.float32]


class SingleLayer:
    """Single devices, (inputs, outputs) float32, between -scale and scale; they start within +-init of 0.

    The interface is that of `magnetoionic.pairs.PairLayer`.
    """

    reads = 1

    def __init__(
        self, shape: tuple[int, int], curve: SingleCurve, rule: Rule, init: float, scale: float, *names: Any
    ) -> None:
        self.curve, self._rule, self._scale = curve, Rule(rule.lr), scale
        start = min(init, scale)
        self.weight = stream(*names, "init").uniform(-start, start, shape).astype(np.float32)

    def pulse_sparse(self, batch: Batch, voltage_gradient: Array) -> None:
        """Update the devices of a first layer from the gradient of its voltages, (B, outputs)."""
        self.pulse(self.gradient(batch, voltage_gradient))

    def gradient(self, batch: Batch, voltage_gradient: Array) -> Array:
        """The gradient of a first layer's weights, (inputs, outputs)."""
        gradient = np.empty_like(self.weight)
        pulse.sparse_gradient(batch.pixel_starts, batch.images, batch.pixel_currents, voltage_gradient, gradient)
        return gradient

    def pulse(self, gradient: Array) -> None:
        """Update the devices from the gradient of the weights, (inputs, outputs)."""
        at = np.nonzero(gradient)
        slope, weight = gradient[at].astype(np.float64), self.weight[at].astype(np.float64)
        moved = self.curve.pulsed(weight, self._rule.pulses(slope), slope > 0, self._scale)
        self.weight[at] = np.clip(moved.astype(np.float32), -np.float32(self._scale), np.float32(self._scale))

    def change_curve(self, curve: AnyCurve) -> None:
        """As `use_curve`: single devices keep their values, as they have no pulse count."""
        self.use_curve(curve)

    def use_curve(self, curve: AnyCurve) -> None:
        """Pulses follow another curve from here on."""
        assert isinstance(curve, SingleCurve)
        self.curve = curve

    def arrays(self) -> dict[str, Array]:
        """The devices by the name of their tensor, (outputs, inputs)."""
        return {"weight": self.weight.T}

    def load(self, arrays: dict[str, Array]) -> None:
        """The inverse of `arrays`."""
        self.weight[...] = arrays["weight"].T
