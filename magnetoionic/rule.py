"""How large an update is, in pulses: the learning rate, the threshold, and physical clipping."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from magnetoionic.curves import exp, where

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
        """Pulses for the size of a gradient and the device's variability, of arrays or tensors."""
        pulses = self.lr * abs(gradient) * variability
        if self.physical_clipping:
            pulses = (1.0 - exp(-pulses / CLIPPING_PULSES)) * pulses
        if self.clipping > 0:
            pulses = where(pulses < self.clipping, 0.0 * pulses, pulses)
        return pulses
