"""Which output is the highest, compiled: `analog_nmos.objectives.base.highest` for one sample."""

# mypy: allow-untyped-defs

from __future__ import annotations

import math

from analog_nmos.objectives.base import TIE_V
from common.kernels.jit import compiled

NONE = -1  # no output is left out


@compiled
def highest(out_V, without):
    """Index of the highest output besides `without`; the first one where some differ by less than TIE_V."""
    top_V = -math.inf
    for k in range(out_V.size):
        if k != without:
            top_V = max(top_V, out_V[k])
    for k in range(out_V.size):
        if (out_V[k] if k != without else -math.inf) >= top_V - TIE_V:
            return k
    return 0
