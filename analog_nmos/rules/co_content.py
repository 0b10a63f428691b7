"""The exact quantity: the derivative of the card's own co-content by the gate voltage, integrated numerically."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from analog_nmos.rules.ends import Ends, FloatArray
from analog_nmos.rules.quantity import ChangeKernel, Quantity
from analog_nmos.rules.transistors import Transistors

KINK_V = 0.003  # half of what is integrated on its own around the estimate of where saturation sets in


@dataclass(frozen=True)
class CoContent(Quantity):
    """2 / beta times the integral of the current's derivative by V_G, while the upper end rises from the lower one's.

    The current is that into the upper end, of the card as `native` solves it: with lambda, body effect, junctions and
    series resistances, whose internal nodes are found at every point. Gauss-Legendre on three pieces, of which the
    middle one holds the kink between saturation and the linear region.

    Attributes:
        points: of each piece; 4 give errors up to 1e-5 V^2, and 32 up to 1e-6 V^2.
    """

    formula: ClassVar = "(2/β) ∫ ∂I/∂V_G dV from 0 to |dV|, the lower end fixed; I of the card"

    points: int = field(default=4, kw_only=True)

    def change(self, free: Ends, first: Ends, second: Ends, gate_V: FloatArray) -> FloatArray:
        """See `Quantity.change`."""
        assert self.first is not None
        assert self.second is not None
        return self.value(self.second, second, gate_V) - self.value(self.first, first, gate_V)

    def value(self, transistors: Transistors, ends: Ends, gate_V: FloatArray) -> FloatArray:
        """The quantity itself (L, E) in V^2."""
        from analog_nmos.rules.co_content_kernel import values

        known, found = self._known(transistors), np.zeros(ends.drain_V.shape)
        for row in range(len(found)):
            known.drain_V[: ends.drain_V.shape[1]] = ends.drain_V[row]
            known.source_V[: ends.source_V.shape[1]] = ends.source_V[row]
            values(known, row, np.ascontiguousarray(gate_V[row]), found[row])
        return found

    def kernel(self) -> ChangeKernel:
        """See `Quantity.kernel`."""
        from analog_nmos.rules.co_content_kernel import Both, change

        assert self.first is not None
        assert self.second is not None
        return ChangeKernel(change, Both(self._known(self.first), self._known(self.second)))

    def _known(self, transistors: Transistors) -> Any:
        from analog_nmos.rules.co_content_kernel import circuit_of

        at, weight = np.polynomial.legendre.leggauss(self.points)
        return circuit_of(transistors, 0.5 * (at + 1.0), 0.5 * weight, KINK_V)
