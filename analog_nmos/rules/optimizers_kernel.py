"""Our optimizers, compiled: see their classes."""

# mypy: allow-untyped-defs

from __future__ import annotations

import math
from typing import Any, NamedTuple

from common.kernels.jit import lean


class NoSettings(NamedTuple):
    """numba has no empty NamedTuple."""

    unused: Any


class MomentumSettings(NamedTuple):
    """See `analog_nmos.rules.momentum`."""

    share: Any


class AdamSettings(NamedTuple):
    """See `analog_nmos.rules.adam`."""

    rate: Any
    first: Any
    second: Any
    tiny: Any


class SignSettings(NamedTuple):
    """See `analog_nmos.rules.sign`."""

    rate: Any


@lean
def plain(own, memory, step_V, moves):
    """See `analog_nmos.rules.optimizer.OptimizerKernel`, as of the others."""


@lean
def momentum(own, memory, step_V, moves):
    """See `analog_nmos.rules.momentum`."""
    for e in range(step_V.size):
        if moves[e]:
            memory[0, e] = own.share * memory[0, e] + step_V[e]
        step_V[e] = memory[0, e]


@lean
def adam(own, memory, step_V, moves):
    """See `analog_nmos.rules.adam`."""
    for e in range(step_V.size):
        if moves[e]:
            memory[2, e] = 1.0 - own.first * (1.0 - memory[2, e])
            memory[3, e] = 1.0 - own.second * (1.0 - memory[3, e])
            memory[0, e] = own.first * memory[0, e] + (1.0 - own.first) * step_V[e]
            memory[1, e] = own.second * memory[1, e] + (1.0 - own.second) * (step_V[e] * step_V[e])
        mean = memory[0, e] / (memory[2, e] if memory[2, e] > 0.0 else 1.0)
        square = memory[1, e] / (memory[3, e] if memory[3, e] > 0.0 else 1.0)
        step_V[e] = own.rate * mean / (math.sqrt(square) + own.tiny)


@lean
def sign(own, memory, step_V, moves):
    """See `analog_nmos.rules.sign`."""
    for e in range(step_V.size):
        step = step_V[e]
        step_V[e] = own.rate * (1.0 if step > 0.0 else -1.0 if step < 0.0 else step)
