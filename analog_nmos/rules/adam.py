"""Adam: steps of about the same size for every gate, whatever the size of what the rule asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from analog_nmos.rules.optimizer import BoolArray, FloatArray, Optimizer, OptimizerKernel
from common.cli import option


@dataclass(frozen=True)
class Adam(Optimizer):
    """D. P. Kingma and J. Ba, "Adam", arXiv:1412.6980 (2014); --gamma has no effect but for `tiny`."""

    memories: ClassVar = 4
    needs: ClassVar = "two analog memories a transistor, two that all share, a root and a quotient"

    rate: float = option(0.01, "size of a step", unit="V", above=0.0)
    first: float = option(0.9, "share of the mean step that is kept", low=0.0, high=0.9999)
    second: float = option(0.999, "share of the mean squared step that is kept", low=0.0, high=0.999999)
    tiny: float = option(1e-12, "added to the root of the mean squared step", unit="V", above=0.0)

    def advance(self, memory: FloatArray, step_V: FloatArray, moves: BoolArray) -> tuple[FloatArray, FloatArray]:
        """See `Optimizer.advance`."""
        mean, square, mean_part, square_part = memory  # parts: 1 - first**updates, 1 - second**updates
        mean_part = np.where(moves, 1.0 - self.first * (1.0 - mean_part), mean_part)
        square_part = np.where(moves, 1.0 - self.second * (1.0 - square_part), square_part)
        mean = np.where(moves, self.first * mean + (1.0 - self.first) * step_V, mean)
        square = np.where(moves, self.second * square + (1.0 - self.second) * (step_V * step_V), square)
        step_V = self.rate * _fair(mean, mean_part) / (np.sqrt(_fair(square, square_part)) + self.tiny)
        return np.stack([mean, square, mean_part, square_part]), step_V

    def kernel(self) -> OptimizerKernel:
        """See `Optimizer.kernel`."""
        from analog_nmos.rules.optimizers_kernel import AdamSettings, adam

        return OptimizerKernel(adam, AdamSettings(self.rate, self.first, self.second, self.tiny))


def _fair(mean: FloatArray, part: FloatArray) -> FloatArray:
    """A mean that began with 0, as if it had not; 0 before the first update."""
    fair: FloatArray = mean / np.where(part > 0.0, part, 1.0)
    return fair
