"""The homeostatic term: gates of transistors that are saturated or off rise until they conduct linearly."""

from __future__ import annotations

import numpy as np

from analog_nmos.rules.ends import Ends, FloatArray
from analog_nmos.rules.term import Term, TermKernel


class Homeostasis(Term):
    """t - |dV|: 0 while the transistor conducts linearly, and at most |dV| below it.

    A saturated transistor is not reciprocal, and one that is off hears of nothing: both make local rules differ from
    the gradient (compare A. Laborieux and F. Zenke, "Improving equilibrium propagation without weight symmetry through
    Jacobian homeostasis", arXiv:2309.02214, 2023).
    """

    formula = "t - |dV|, t = min(|dV|, max(V_G - V_low - V_th, 0))"
    unit = "V"

    def value(self, free: Ends, gate_V: FloatArray) -> FloatArray:
        """See `Term.value`; in V."""
        stands = self.transistors.channel(free, gate_V)
        t_V = np.minimum(stands.across_V, np.maximum(stands.overdrive_V, 0.0))
        value: FloatArray = t_V - stands.across_V
        return value

    def kernel(self) -> TermKernel:
        """See `Term.kernel`."""
        from analog_nmos.rules.terms_kernel import homeostasis

        return TermKernel(homeostasis)
