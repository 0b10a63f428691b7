"""The update rule as torch optimizers: gradients become gate pulses."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, overload

import torch
from torch import Tensor

from magnetoionic.devices.curves import Curve, SingleCurve
from magnetoionic.rule import Rule, rewritten


class _Pulses(torch.optim.Optimizer):
    """A step that pulses devices from their gradients."""

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], float]) -> float: ...
    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Pulse every device once; see `torch.optim.Optimizer.step`."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            self._pulse(group)
        return loss

    def _pulse(self, group: dict[str, Any]) -> None:
        raise NotImplementedError


class MagnetoionicDouble(_Pulses):
    """Pulses for pairs of devices.

    Each device moves from f(x) to f(x + u) where its gradient is 0 or more, with u = lr |gradient| variability pulses.
    Pairs with a device at its last pulse or past it are written anew: see `magnetoionic.rule.rewritten`.

    Args:
        params: devices in pairs: first, second, first, second, .. (as `Network.parameters()` gives them).
        lr: pulses per unit of gradient.
        curve: f.
        variability: standard deviation of a factor |N(1, variability)|, drawn once per device.
        clipping: updates below so many pulses do nothing (a dead zone, not a cap).
        physical_clipping: u becomes (1 - exp(-u / 0.18)) u.
        generator: of the variability; None means torch's own.

    Raises:
        ValueError: an odd number of parameters, or two that are no pair.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float,
        curve: Curve,
        variability: float = 0.0,
        clipping: float = 0.0,
        physical_clipping: bool = False,
        generator: torch.Generator | None = None,
    ) -> None:
        defaults = {"lr": lr, "curve": curve, "clipping": clipping, "physical_clipping": physical_clipping}
        super().__init__(params, defaults)
        for group in self.param_groups:
            self._check(group["params"])
            for device in group["params"]:
                draw = torch.randn(device.shape, generator=generator, dtype=device.dtype).to(device.device)
                self.state[device]["variability"] = (1.0 + variability * draw).abs()

    @staticmethod
    def _check(devices: list[Tensor]) -> None:
        if len(devices) % 2:
            raise ValueError(f"{len(devices)} parameters: devices come in pairs")
        for first, second in zip(devices[::2], devices[1::2], strict=True):
            if first.shape != second.shape:
                raise ValueError(f"devices of shapes {tuple(first.shape)} and {tuple(second.shape)} are no pair")

    def _pulse(self, group: dict[str, Any]) -> None:
        curve: Curve = group["curve"]
        rule = Rule(group["lr"], group["clipping"], group["physical_clipping"])
        for first, second in zip(group["params"][::2], group["params"][1::2], strict=True):
            if first.grad is None or second.grad is None:
                continue
            bottom, top = first.new_tensor(curve.value(curve.last)), first.new_tensor(curve.value(0.0))
            one, two = (self._pulsed(device, curve, rule, bottom, top) for device in (first, second))
            one, two = rewritten(one, two, bottom, top)
            first.copy_(one)
            second.copy_(two)

    def _pulsed(self, device: Tensor, curve: Curve, rule: Rule, bottom: Tensor, top: Tensor) -> Tensor:
        """A device after its pulses; one that went to its last pulse or past it is exactly at the bottom."""
        assert device.grad is not None
        value = device.clamp(bottom, top)
        pulses = rule.pulses(device.grad, self.state[device]["variability"])
        after = curve.pulses(value) + pulses
        lowered = torch.where(after >= curve.last, bottom, curve.value(after.clamp(max=curve.last)))
        return torch.where((device.grad >= 0) & (pulses > 0), lowered, value)


class MagnetoionicSingle(_Pulses):
    """Pulses for single devices: a gradient of 0 or more lowers the weight on the plus branch, another raises it.

    Args:
        params: devices.
        lr: pulses per unit of gradient.
        field: both branches.
        scale: weights lie between -scale and scale.
    """

    def __init__(self, params: Iterable[Tensor], lr: float, field: SingleCurve, scale: float = 1.0) -> None:
        super().__init__(params, {"lr": lr, "field": field, "scale": scale})

    def _pulse(self, group: dict[str, Any]) -> None:
        rule, scale, field = Rule(group["lr"]), group["scale"], group["field"]
        for device in group["params"]:
            if device.grad is not None:
                pulses = rule.pulses(device.grad)
                device.copy_(field.pulsed(device.clamp(-scale, scale), pulses, device.grad >= 0, scale))
