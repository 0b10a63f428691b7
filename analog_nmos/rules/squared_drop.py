"""The published quantity: the square of the voltage between drain and source."""

from __future__ import annotations

from typing import ClassVar

from analog_nmos.rules.ends import Ends, FloatArray
from analog_nmos.rules.quantity import ChangeKernel, Quantity


class SquaredDrop(Quantity):
    """dV^2: right for a linear conductor (M. Stern et al., Phys. Rev. X 11, 021045, 2021)."""

    formula = "dV²"
    device: ClassVar = False

    def change(self, free: Ends, first: Ends, second: Ends, gate_V: FloatArray) -> FloatArray:
        """See `Quantity.change`."""
        before_V, after_V = first.drain_V - first.source_V, second.drain_V - second.source_V
        return after_V * after_V - before_V * before_V

    def kernel(self) -> ChangeKernel:
        """See `Quantity.kernel`."""
        from analog_nmos.rules.squared_drop_kernel import Nothing, change

        return ChangeKernel(change, Nothing(0.0))
