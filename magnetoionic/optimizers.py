"""The update rule as torch optimizers: gradients become gate pulses."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, overload

import torch
from torch import Tensor

from magnetoionic.curves import Curve, SingleField
from magnetoionic.rule import Rule


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
    One that has gone below its last pulse is written anew with its partner: the partner goes to the top, and it itself
    to where the difference is what it was at the last pulse. What it overshot is lost.

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
        top, bottom = float(curve.value(0.0)), float(curve.value(curve.last))
        for first, second in zip(group["params"][::2], group["params"][1::2], strict=True):
            if first.grad is None or second.grad is None:
                continue
            one, two = (self._pulsed(device, curve, rule, top, bottom) for device in (first, second))
            spent = (one < bottom) | (two < bottom)
            one, two = one.clamp(min=bottom), two.clamp(min=bottom)
            # The device that is farther down is the one that was spent; the other goes to the top.
            lower = torch.minimum(top + (one - two), top + 0.0 * one)
            first.copy_(torch.where(spent, lower, one))
            second.copy_(torch.where(spent, torch.minimum(top + (two - one), top + 0.0 * two), two))

    def _pulsed(self, device: Tensor, curve: Curve, rule: Rule, top: float, bottom: float) -> Tensor:
        """A device after its pulses, which may be past its last one."""
        assert device.grad is not None
        value = device.clamp(bottom, top)
        pulses = rule.pulses(device.grad, self.state[device]["variability"])
        after = curve.pulses(value) + pulses
        lowered = torch.where(after > curve.last, bottom - 1.0, curve.value(after.clamp(max=curve.last)))
        return torch.where((device.grad >= 0) & (pulses > 0), lowered, value)


class MagnetoionicSingle(_Pulses):
    """Pulses for single devices: a positive gradient takes the weight back on the plus branch, another on the minus.

    Args:
        params: devices.
        lr: pulses per unit of gradient.
        field: both branches.
        scale: weights lie between -scale and scale.
    """

    def __init__(self, params: Iterable[Tensor], lr: float, field: SingleField, scale: float = 1.0) -> None:
        super().__init__(params, {"lr": lr, "field": field, "scale": scale})

    def _pulse(self, group: dict[str, Any]) -> None:
        rule, scale, field = Rule(group["lr"]), group["scale"], group["field"]
        for device in group["params"]:
            if device.grad is not None:
                pulses = rule.pulses(device.grad)
                device.copy_(field.pulsed(device.clamp(-scale, scale), pulses, device.grad >= 0, scale))
