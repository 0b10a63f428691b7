"""`analog_nmos.objectives.mean_squared_error` for one sample, compiled."""

# mypy: allow-untyped-defs

from __future__ import annotations

from typing import Any, NamedTuple

from analog_nmos.objectives.numpy_loops import pairwise_sum
from analog_nmos.objectives.ranking import NONE, highest, nearest
from analog_nmos.readouts.answers import NO_CLASS
from common.kernels.jit import compiled


class Settings(NamedTuple):
    """Of one replica: share of the way, aims (classes, scores) in volts, and levels of the classes if they have any."""

    delta: float
    aims_V: Any
    levels_V: Any


@compiled
def evaluate_class(score_V, label, own, target_V, clamped):
    """See `analog_nmos.objectives.base.SampleKernel`; the label is a class."""
    prediction = nearest(score_V[0], own.levels_V) if own.levels_V.size else highest(score_V, NONE)
    return _nudge(score_V, own.aims_V[label], own.delta, target_V, clamped), prediction, True


@compiled
def evaluate_values(score_V, label, own, target_V, clamped):
    """The same; the label is the values (scores,)."""
    return _nudge(score_V, label, own.delta, target_V, clamped), NO_CLASS, True


@compiled
def _nudge(score_V, aim_V, delta, target_V, clamped):
    """Fill in where all scores go; returns the loss."""
    for k in range(score_V.size):
        target_V[k] = score_V[k] + delta * (aim_V[k] - score_V[k])
        clamped[k] = True
    return pairwise_sum((score_V - aim_V) ** 2) / score_V.size
