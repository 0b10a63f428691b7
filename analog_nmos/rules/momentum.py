"""Momentum: gates keep a share of their last step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from analog_nmos.rules.optimizer import BoolArray, FloatArray, Optimizer, OptimizerKernel
from common.cli import option


@dataclass(frozen=True)
class Momentum(Optimizer):
    """v becomes share * v + step, and the gate moves by v (B. T. Polyak, 1964)."""

    memories: ClassVar = 1
    needs: ClassVar = "one analog memory a transistor"

    share: float = option(0.9, "of the last step that is kept", low=0.0, high=1.0)

    def advance(self, memory: FloatArray, step_V: FloatArray, moves: BoolArray) -> tuple[FloatArray, FloatArray]:
        """See `Optimizer.advance`."""
        velocity_V = np.where(moves, self.share * memory[0] + step_V, memory[0])
        return velocity_V[None], velocity_V

    def kernel(self) -> OptimizerKernel:
        """See `Optimizer.kernel`."""
        from analog_nmos.rules.optimizers_kernel import MomentumSettings, momentum

        return OptimizerKernel(momentum, MomentumSettings(self.share))
