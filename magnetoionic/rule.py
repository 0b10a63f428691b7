"""The size of an update in pulses, and the rewriting of pairs with a device at its last pulse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from magnetoionic.devices.curves import exp, where

CLIPPING_PULSES = 0.18


@dataclass(frozen=True)
class Rule:
    """The update rule.

    Attributes:
        lr: learning rate.
        clipping: smaller updates become 0.
        physical_clipping: an update of u pulses becomes (1 - exp(-u / 0.18)) u.
    """

    lr: float
    clipping: float = 0.0
    physical_clipping: bool = False

    def pulses(self, gradient: Any, variability: Any = 1.0) -> Any:
        """Pulses from gradients and the devices' variabilities, as arrays or tensors."""
        pulses = self.lr * abs(gradient) * variability
        if self.physical_clipping:
            pulses = (1.0 - exp(-pulses / CLIPPING_PULSES)) * pulses
        if self.clipping > 0:
            pulses = where(pulses < self.clipping, 0.0 * pulses, pulses)
        return pulses


def rewritten(first: Any, second: Any, bottom: Any, top: Any) -> tuple[Any, Any]:
    """Pairs after their pulses; those with a device at or below `bottom`, its last pulse, are rewritten from the top.

    Where the first device is at `bottom` or below, it goes to bottom + (top - second) and the second to the top: the
    weight is kept as if the first device had stopped at the bottom. Then the same with the roles exchanged. Values
    above the top, which the published program keeps for one step where both devices are at their ends, are clamped at
    once: such a pair has the weight 0.

    Args:
        first, second: arrays or tensors of one shape and precision.
        bottom, top: of that precision too, or the comparison misses devices that are exactly at the bottom.
    """
    first, second = _first_rewritten(first, second, bottom, top)
    second, first = _first_rewritten(second, first, bottom, top)
    return first, second


def _first_rewritten(one: Any, other: Any, bottom: Any, top: Any) -> tuple[Any, Any]:
    spent, again = one <= bottom, bottom + (top - other)
    return where(spent, where(again < top, again, top), one), where(spent, top, other)
