"""`analog_nmos.objectives.prototype` for one sample, compiled."""

# mypy: allow-untyped-defs

from __future__ import annotations

from typing import Any, NamedTuple

from analog_nmos.objectives.numpy_loops import pairwise_sum
from analog_nmos.objectives.ranking import NONE, highest
from common.kernels.jit import compiled


class Settings(NamedTuple):
    """Of one replica: delta, the prototypes' outputs (classes, scores) in volts, and whether they were measured."""

    delta: float
    proto_out_V: Any
    ready: bool


@compiled
def evaluate(out_V, label, own, target_V, clamped):
    """See `analog_nmos.objectives.base.SampleKernel`."""
    aim_V, nearest = own.proto_out_V[label], 0
    square = (out_V - own.proto_out_V[0]) ** 2
    least = pairwise_sum(square)
    for k in range(1, len(own.proto_out_V)):
        square = (out_V - own.proto_out_V[k]) ** 2
        distance = pairwise_sum(square)
        if distance < least or (least != least and distance == distance):  # a class without prototype is NaN
            least, nearest = distance, k
    square = (out_V - aim_V) ** 2
    loss = pairwise_sum(square) / out_V.size
    for k in range(out_V.size):
        target_V[k] = out_V[k] + own.delta * (aim_V[k] - out_V[k]) if own.ready else aim_V[k]
        clamped[k] = True
    return loss, nearest if own.ready else highest(out_V, NONE), True
