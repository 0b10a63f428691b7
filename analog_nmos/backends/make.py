"""Make the solver that an option names."""

from __future__ import annotations

from collections.abc import Sequence

from analog_nmos.backends import BACKENDS
from analog_nmos.backends.base import Backend
from analog_nmos.cards.model_card import ModelCard
from analog_nmos.circuit import CircuitOptions
from analog_nmos.topology import Topology
from common.errors import InputError


def make_backend(name: str, topologies: Sequence[Topology], card: ModelCard, options: CircuitOptions) -> Backend:
    """The solver of that name for replicas with these topologies.

    Raises:
        InputError: the solver is unknown or missing, does not model the card, or cannot solve this many circuits.
    """
    kind = BACKENDS.get(name)
    if kind.most_replicas is not None and len(topologies) > kind.most_replicas:
        raise InputError(
            f"backend {name} solves {kind.most_replicas} circuit(s) in a process, not {len(topologies)}; "
            "use --backend native for more"
        )
    return kind(topologies, card, options)
