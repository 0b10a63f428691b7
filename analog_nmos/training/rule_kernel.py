"""`analog_nmos.training.rule` in compiled epochs: nudges, and from the phases' voltages to steps, of one replica."""

# mypy: allow-untyped-defs

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from analog_nmos.backends.base import Status
from analog_nmos.rules.terms_kernel import Weighted
from common.kernels.jit import kernel, lean

if TYPE_CHECKING:
    from analog_nmos.rules.transistors import Transistors


NO_CONVERGENCE = int(Status.NO_CONVERGENCE)


class RuleArrays(NamedTuple):
    """What a replica's rule needs; see `rule.Rule`."""

    is_adjoint: Any
    drives: Any
    conductance_S: Any
    scale_V2: Any
    first_nudge: Any
    second_nudge: Any  # 0: there is one clamped phase
    quantity: Any  # what its `change` takes as `own`
    terms: Any  # Weighted
    optimizer: Any  # what its `advance` takes as `own`
    memory: Any  # (memories, E), which an epoch changes
    step_V: Any  # (E,) room: V^2 first, then V
    moves: Any  # (E,) which edges a sample updates
    response_A: Any  # (3, E) room for an adjoint


class Alone(NamedTuple):
    """In place of transistors where there are no terms."""

    unused: Any


def arrays_of(
    rule: Any, row: int, quantity: Any, transistors: Transistors | None, weights: Any, optimizer: Any
) -> RuleArrays:
    """Those of a replica of a `rule.Rule`; all else as in its kernels."""
    from analog_nmos.rules.transistors_kernel import known

    memory = rule.memory(row)
    n_edges = memory.shape[1]
    first, second = (*rule.nudges, 0.0, 0.0)[:2]
    terms = Weighted(Alone(0.0) if transistors is None else known(transistors), weights)
    return RuleArrays(
        rule.is_adjoint, rule.drives or rule.is_adjoint, float(rule.conductance_S[row]), float(rule.scale_V2),
        first, second, quantity, terms, optimizer, memory, np.zeros(n_edges), np.ones(n_edges, np.bool_),
        np.zeros((3, n_edges)),
    )  # fmt: skip


@kernel
def no_adjoint(memory, replica, input_V, cotangent_A, response_A):
    """Stands in for a solver's adjoint where the rule needs none; compiling that takes a while."""
    return NO_CONVERGENCE


@lean
def drive(rule, nudge, out_V, target_V, held, driven):
    """Fill in what a clamped phase is solved with (outputs,); see `Rule.driven`. 0 A at outputs that are not held."""
    for k in range(out_V.size):
        if rule.drives:
            driven[k] = nudge * (rule.conductance_S * (target_V[k] - out_V[k])) if held[k] else 0.0
        else:
            driven[k] = target_V[k] if nudge > 0.0 else out_V[k] - (target_V[k] - out_V[k])
