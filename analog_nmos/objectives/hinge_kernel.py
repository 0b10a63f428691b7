"""`analog_nmos.objectives.hinge` for one sample, compiled."""

# mypy: allow-untyped-defs

from __future__ import annotations

from typing import NamedTuple

from analog_nmos.objectives.ranking import NONE, highest
from common.kernels.jit import compiled


class Settings(NamedTuple):
    """Of one replica, in volts."""

    margin: float
    nudge: float  # by which a score moves


@compiled
def evaluate(out_V, label, own, target_V, clamped):
    """See `analog_nmos.objectives.base.SampleKernel`."""
    rival = highest(out_V, label)
    loss = max(0.0, own.margin - (out_V[label] - out_V[rival]))
    target_V[label] += own.nudge
    target_V[rival] -= own.nudge
    clamped[label] = clamped[rival] = True
    return loss, highest(out_V, NONE), loss > 0.0
