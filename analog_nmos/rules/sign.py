"""Signs alone: every gate moves by the same voltage, up or down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from analog_nmos.rules.optimizer import BoolArray, FloatArray, Optimizer, OptimizerKernel
from common.cli import option


@dataclass(frozen=True)
class Sign(Optimizer):
    """rate * sign(step): a comparator and a charge pump for each gate; --gamma has no effect."""

    needs: ClassVar = "a comparator a transistor"

    rate: float = option(0.001, "by which a gate moves", unit="V", above=0.0)

    def advance(self, memory: FloatArray, step_V: FloatArray, moves: BoolArray) -> tuple[FloatArray, FloatArray]:
        """See `Optimizer.advance`."""
        return memory, self.rate * np.sign(step_V)

    def kernel(self) -> OptimizerKernel:
        """See `Optimizer.kernel`."""
        from analog_nmos.rules.optimizers_kernel import SignSettings, sign

        return OptimizerKernel(sign, SignSettings(self.rate))
