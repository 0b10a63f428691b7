"""The power term: transistors move towards a network that takes less power."""

from __future__ import annotations

import numpy as np

from analog_nmos.rules.ends import Ends, FloatArray
from analog_nmos.rules.term import Term, TermKernel


class Power(Term):
    """t |dV| (1 + lambda |dV|): the derivative of the transistor's power by its gate voltage, over beta.

    At fixed node voltages; how these move with the gate is left out, which makes no difference to first order in a
    network of linear conductors (M. Stern et al., APL Machine Learning 2, 016114, 2024).
    """

    formula = "t |dV| (1 + λ |dV|), t = min(|dV|, max(V_G - V_low - V_th, 0))"

    def value(self, free: Ends, gate_V: FloatArray) -> FloatArray:
        """See `Term.value`; in V^2."""
        stands = self.transistors.channel(free, gate_V)
        t_V = np.minimum(stands.across_V, np.maximum(stands.overdrive_V, 0.0))
        value: FloatArray = t_V * stands.across_V * (1.0 + self.transistors.around.lam * stands.across_V)
        return value

    def kernel(self) -> TermKernel:
        """See `Term.kernel`."""
        from analog_nmos.rules.terms_kernel import power

        return TermKernel(power)
