"""`analog_nmos.objectives.cross_entropy` for one sample, compiled."""

# mypy: allow-untyped-defs

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analog_nmos.objectives.numpy_loops import Loop, apply, pairwise_sum
from analog_nmos.objectives.ranking import NONE, highest
from common.kernels.jit import compiled


class Settings(NamedTuple):
    """Of one replica: largest nudge and temperature in volts, and NumPy's functions."""

    nudge: float
    softmax_temp: float
    exp: Loop
    log: Loop


@compiled
def evaluate(out_V, label, own, target_V, clamped):
    """See `analog_nmos.objectives.base.SampleKernel`."""
    logit, power, total = out_V / own.softmax_temp, np.empty(out_V.size), np.empty(1)
    logit -= logit.max()
    apply(own.exp, logit, power)
    total[0] = pairwise_sum(power)
    apply(own.log, total, total)
    logit -= total[0]  # ln p
    apply(own.exp, logit, power)
    for k in range(out_V.size):
        pull = -power[k] + 1.0 if k == label else -power[k]
        target_V[k] = out_V[k] + own.nudge * pull
        clamped[k] = True
    return -logit[label], highest(out_V, NONE), True
