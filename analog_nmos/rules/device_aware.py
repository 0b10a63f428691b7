"""The device-aware quantity: the derivative of an ideal level-1 transistor's co-content by its gate voltage."""

from __future__ import annotations

import numpy as np

from analog_nmos.rules.ends import Ends, FloatArray
from analog_nmos.rules.quantity import ChangeKernel, Quantity
from analog_nmos.rules.transistors import Transistors


class DeviceAware(Quantity):
    """t (2 |dV| - t) with t = min(|dV|, overdrive): dV^2 while the transistor conducts linearly, and 0 where it is off.

    Twice the integral of the transconductance over beta, from 0 to the drain-source voltage, at a fixed gate voltage
    and threshold; without lambda and series resistances. Where the gate stands on the end that rises, its overdrive
    rises with it, and the integral is t^2.
    """

    formula = "t (2 |dV| - t), t = min(|dV|, max(V_G - V_low - V_th, 0)); t² where the gate stands on the upper end"

    def change(self, free: Ends, first: Ends, second: Ends, gate_V: FloatArray) -> FloatArray:
        """See `Quantity.change`."""
        assert self.first is not None
        assert self.second is not None
        return self._value(self.second, second, gate_V) - self._value(self.first, first, gate_V)

    @staticmethod
    def _value(transistors: Transistors, ends: Ends, gate_V: FloatArray) -> FloatArray:
        stands = transistors.channel(ends, gate_V)
        t_V = np.minimum(stands.across_V, np.maximum(stands.overdrive_V, 0.0))
        value: FloatArray = t_V * np.where(stands.rises, t_V, 2.0 * stands.across_V - t_V)
        return value

    def kernel(self) -> ChangeKernel:
        """See `Quantity.kernel`."""
        from analog_nmos.rules.device_aware_kernel import Both, change
        from analog_nmos.rules.transistors_kernel import known

        assert self.first is not None
        assert self.second is not None
        return ChangeKernel(change, Both(known(self.first), known(self.second)))
