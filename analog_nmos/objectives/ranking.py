"""What scores answer, compiled for one sample: see `analog_nmos.readouts.answers`."""

# mypy: allow-untyped-defs

from __future__ import annotations

import math

from analog_nmos.readouts import TIE_V
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


@compiled
def nearest(score_V, levels_V):
    """Index of the level (levels,) that the score is nearest to by squared distance; the first of equally near ones."""
    found, least = 0, (score_V - levels_V[0]) ** 2
    for k in range(1, levels_V.size):
        square = (score_V - levels_V[k]) ** 2
        if square < least:
            found, least = k, square
    return found
