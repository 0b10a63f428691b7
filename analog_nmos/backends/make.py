"""Make the solver that an option names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from analog_nmos.backends import BACKENDS
from analog_nmos.backends.base import Backend
from analog_nmos.cards.model_card import ModelCard
from analog_nmos.circuit import CircuitOptions
from analog_nmos.circuit.deviations import Deviations, fitting
from analog_nmos.topology import Topology
from common.errors import InputError


def make_backend(
    name: str,
    topologies: Sequence[Topology],
    card: ModelCard,
    options: CircuitOptions,
    deviations: Sequence[Deviations | None] | None = None,
) -> Backend:
    """The solver of that name for replicas with these topologies.

    Args:
        name: a solver's name, or a user's own as `package.module:Name`.
        topologies: one for each replica.
        card: of all transistors.
        options: the circuit around them.
        deviations: for each replica what sets its transistors apart from the card, or None.

    Raises:
        InputError: the solver is unknown or missing, does not model the card, cannot solve this many circuits or none
            whose transistors differ, or deviations do not fit the topologies.
    """
    kind = BACKENDS.get(name)
    if kind.most_replicas is not None and len(topologies) > kind.most_replicas:
        raise InputError(
            f"backend {name} solves {kind.most_replicas} circuit(s) in a process, not {len(topologies)}; "
            "use --backend native for more"
        )
    own = fitting(deviations, topologies)
    if all(one is None for one in own):
        return kind(topologies, card, options)
    if not kind.takes_deviations:
        raise InputError(
            f"backend {name} gives all transistors the values of the card; native and ngspice can vary them"
        )
    with_deviations: Any = kind
    return cast(Backend, with_deviations(topologies, card, options, deviations=own))
