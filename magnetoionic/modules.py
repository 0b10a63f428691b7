"""The network in torch, for notebooks and as the reference that the fast kernels are tested against.

network = Network((512,), DOUBLE["double-linear"], resistor_noise=0.015)
optimizer = MagnetoionicDouble(network.parameters(), lr=1000, curve=DOUBLE["double-linear"], variability=0.2)
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from magnetoionic.devices.curves import Curve, SingleCurve
from magnetoionic.images import PIXELS

MOMENTUM, EPS = 0.15, 1e-5
VOLTAGE_SHARE = 1e-4  # noise of a Hall voltage per noise of a device's reading


class _Pairs(torch.autograd.Function):
    """Voltages of pairs of devices; the gradient of the current comes from weights that are read with noise."""

    @staticmethod
    def forward(ctx: Any, current: Tensor, first: Tensor, second: Tensor, layer: _Noisy) -> Tensor:
        """See `PairLinear`."""
        ctx.save_for_backward(current, first, second)
        ctx.layer = layer
        if layer.device_noise:
            first, second = layer.read(first), layer.read(second)
        return layer.measure(current @ (second - first).T)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor, Tensor, None]:
        """Gradients of current, first and second devices."""
        current, first, second = ctx.saved_tensors
        (gradient,) = gradients
        read = ctx.layer.read
        slope = gradient.T @ current
        onward = gradient @ (read(second) - read(first)) if ctx.needs_input_grad[0] else None
        return onward, -slope, slope, None


class _Singles(torch.autograd.Function):
    """The same for single devices."""

    @staticmethod
    def forward(ctx: Any, current: Tensor, weight: Tensor, layer: _Noisy) -> Tensor:
        """See `SingleLinear`."""
        ctx.save_for_backward(current, weight)
        ctx.layer = layer
        return layer.measure(current @ (layer.read(weight) if layer.device_noise else weight).T)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor, None]:
        """Gradients of current and devices."""
        current, weight = ctx.saved_tensors
        (gradient,) = gradients
        onward = gradient @ ctx.layer.read(weight) if ctx.needs_input_grad[0] else None
        return onward, gradient.T @ current, None


class _Noisy(nn.Module):
    """Noise of a layer.

    Args:
        input_scale: current of an input of 1.
        resistor_noise: standard deviation of reading one device.
        voltage_noise: that of a Hall voltage; None means 1e-4 of resistor_noise.
        device_noise: whether the forward pass reads devices with noise, too.
        generator: of the noise; None means torch's own.
    """

    def __init__(
        self,
        input_scale: float = 0.001,
        resistor_noise: float = 0.0,
        voltage_noise: float | None = None,
        device_noise: bool = False,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.input_scale, self.resistor_noise, self.device_noise = input_scale, resistor_noise, device_noise
        self.voltage_noise = VOLTAGE_SHARE * resistor_noise if voltage_noise is None else voltage_noise
        self.generator = generator

    def read(self, devices: Tensor) -> Tensor:
        """Devices as read."""
        return self._noisy(devices, self.resistor_noise)

    def measure(self, voltage: Tensor) -> Tensor:
        """Voltages as measured."""
        return self._noisy(voltage, self.voltage_noise)

    def _noisy(self, values: Tensor, deviation: float) -> Tensor:
        if deviation == 0:
            return values
        noise = torch.randn(values.shape, generator=self.generator, device=values.device, dtype=values.dtype)
        return values + deviation * noise


class PairLinear(_Noisy):
    """A linear layer without bias whose weights are differences of two devices, second - first.

    Input (B, inputs), output (B, outputs): V = I (weight2 - weight1)^T + noise, with I = input * input_scale.
    Backwards, weights are read with noise for the gradient of the input; devices get -g^T I and g^T I.

    Args:
        inputs, outputs: sizes.
        curve: the devices' curve.
        init: devices start `init` below the top of the curve, the second lower by U(-init, init).
        noise: see `_Noisy`.
    """

    def __init__(self, inputs: int, outputs: int, curve: Curve, init: float = 0.01, **noise: Any) -> None:
        super().__init__(**noise)
        top, bottom = float(curve.value(0.0)), float(curve.value(curve.last))
        first = torch.full((outputs, inputs), top - init)
        drop = (2.0 * torch.rand((outputs, inputs), generator=self.generator) - 1.0) * init
        self.weight1 = nn.Parameter(first.clamp(bottom, top))
        self.weight2 = nn.Parameter((first - drop).clamp(bottom, top))

    def forward(self, values: Tensor) -> Tensor:
        """Hall voltages."""
        return cast(Tensor, _Pairs.apply(values * self.input_scale, self.weight1, self.weight2, self))


class SingleLinear(_Noisy):
    """The same with one device a weight, between -scale and scale, starting as U(-init, init)."""

    def __init__(self, inputs: int, outputs: int, init: float = 0.01, scale: float = 1.0, **noise: Any) -> None:
        super().__init__(**noise)
        start = min(init, scale)
        self.weight = nn.Parameter((2.0 * torch.rand((outputs, inputs), generator=self.generator) - 1.0) * start)

    def forward(self, values: Tensor) -> Tensor:
        """Hall voltages."""
        return cast(Tensor, _Singles.apply(values * self.input_scale, self.weight, self))


class Network(nn.Module):
    """Flatten; then devices and BatchNorm1d without affine parameters, layer by layer, and ReLU after all but the last.

    Takes images (B, ...) padded to 32x32 with values in [0, 1]; gives (B, classes). Its state_dict is what the `.pth`
    file of a trained model holds.

    Args:
        layers: sizes of the hidden layers.
        curve: of pairs, or of single devices.
        inputs, classes: sizes of the input and the output.
        init: see `PairLinear`.
        scale: largest weight of single devices.
        noise: see `_Noisy`.
    """

    def __init__(
        self,
        layers: Sequence[int],
        curve: Curve | SingleCurve,
        inputs: int = PIXELS,
        classes: int = 10,
        init: float = 0.01,
        scale: float = 1.0,
        **noise: Any,
    ) -> None:
        super().__init__()
        modules: list[nn.Module] = [nn.Flatten()]
        for before, after in itertools.pairwise((inputs, *layers, classes)):
            if isinstance(curve, SingleCurve):
                modules.append(SingleLinear(before, after, init, scale, **noise))
            else:
                modules.append(PairLinear(before, after, curve, init, **noise))
            modules += [nn.BatchNorm1d(after, eps=EPS, momentum=MOMENTUM, affine=False), nn.ReLU()]
        self.layers = nn.ModuleList(modules[:-1])

    def forward(self, images: Tensor) -> Tensor:
        """Outputs before the softmax."""
        for layer in self.layers:
            images = layer(images)
        return images
