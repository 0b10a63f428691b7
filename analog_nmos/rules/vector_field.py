"""Equilibrium propagation for vector fields: what the gate does to the current, times how far the drop has moved."""

from __future__ import annotations

import numpy as np

from analog_nmos.rules.ends import Ends, FloatArray
from analog_nmos.rules.quantity import ChangeKernel, Quantity
from analog_nmos.rules.transistors import Transistors


class VectorField(Quantity):
    """2 t (1 + lambda |dV|) times the change of |dV|, t = min(|dV|, overdrive) in the free phase.

    The transconductance over beta, times the change of the drop: to first order in the nudge the derivative of the
    scores where the network's Jacobian is symmetric, and the closest local rule to it elsewhere (B. Scellier et al.,
    "Generalization of Equilibrium Propagation to Vector Field Dynamics", arXiv:1808.04873, 2018).
    """

    formula = "2 t (1 + λ |dV|) Δ|dV|, t = min(|dV|, max(V_G - V_low - V_th, 0)) in the free phase"

    def change(self, free: Ends, first: Ends, second: Ends, gate_V: FloatArray) -> FloatArray:
        """See `Quantity.change`."""
        own = self._own
        stands = own.channel(free, gate_V)
        t_V = np.minimum(stands.across_V, np.maximum(stands.overdrive_V, 0.0))
        slope_V = 2.0 * t_V * (1.0 + own.around.lam * stands.across_V)
        moved_V = (second.drain_V - second.source_V) - (first.drain_V - first.source_V)
        moved_V *= np.where(free.drain_V < free.source_V, -1.0, 1.0)
        change: FloatArray = slope_V * moved_V
        return change

    def kernel(self) -> ChangeKernel:
        """See `Quantity.kernel`."""
        from analog_nmos.rules.transistors_kernel import known
        from analog_nmos.rules.vector_field_kernel import change

        return ChangeKernel(change, known(self._own))

    @property
    def _own(self) -> Transistors:
        """The transistors of the free phase."""
        found = self.free or self.first
        assert found is not None
        return found
