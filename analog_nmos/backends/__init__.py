"""Circuit solvers behind one interface."""

from __future__ import annotations

from collections.abc import Sequence

from analog_nmos.backends.base import Backend
from analog_nmos.cards.model_card import ModelCard
from analog_nmos.circuit import CircuitOptions
from analog_nmos.topology import Topology
from common.errors import InputError


def make_backend(name: str, topologies: Sequence[Topology], card: ModelCard, options: CircuitOptions) -> Backend:
    """The solver of that name for replicas with these topologies.

    Raises:
        InputError: the solver is unknown or missing, does not model the card, or cannot run so many replicas.
    """
    if name == "ngspice":
        from analog_nmos.backends.ngspice import NgspiceBackend

        if len(topologies) != 1:
            raise InputError("ngspice has one circuit per process and runs one replica; use --backend native for more")
        return NgspiceBackend(topologies[0], card, options)
    if name == "native":
        from analog_nmos.backends.native import NativeBackend

        return NativeBackend(topologies, card, options)
    raise InputError(f"backend {name!r} is not one of ngspice, native")
