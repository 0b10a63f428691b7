"""How the transistors of one network differ from the model card's: a threshold offset and a kp factor for each edge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.circuit.options import LARGEST_V
from analog_nmos.topology import Topology
from common.errors import InputError

FloatArray = NDArray[np.float64]
LARGEST_FACTOR = 1e6


@dataclass(frozen=True, eq=False)
class Deviations:
    """What sets each transistor of a network of E edges apart from the card's.

    Attributes:
        vto_offset_V: (E,) added to the card's zero-bias threshold voltage, in V. At level 1 that is the same as a gate
            voltage lower by as much, whatever the body is tied to; of a PMOS too.
        kp_factor: (E,) times the card's transconductance. Drain currents scale with it; body diodes and series
            resistances do not.

    Raises:
        InputError: arrays that are not one number for each of as many edges, an offset that is not finite or beyond
            1000 V, a factor that is not above 0 or beyond 1e6.
    """

    vto_offset_V: FloatArray
    kp_factor: FloatArray

    def __post_init__(self) -> None:
        for name in ("vto_offset_V", "kp_factor"):
            object.__setattr__(self, name, _numbers(name, getattr(self, name)))
        offset_V, factor = self.vto_offset_V, self.kp_factor
        if offset_V.size != factor.size:
            raise InputError(
                f"vto_offset_V has {offset_V.size} numbers and kp_factor {factor.size}; each edge has both"
            )
        _check("vto_offset_V", offset_V, np.abs(offset_V) <= LARGEST_V, f"between -{LARGEST_V:g} and {LARGEST_V:g} V")
        _check("kp_factor", factor, (factor > 0.0) & (factor <= LARGEST_FACTOR), f"above 0, at most {LARGEST_FACTOR:g}")

    @property
    def n_edges(self) -> int:
        """Number of transistors."""
        return self.vto_offset_V.size

    def keep(self, edges: NDArray[Any]) -> Deviations:
        """Those of the chosen edges only (an index array or a mask of shape (edges,)), as `Topology.keep`."""
        return Deviations(self.vto_offset_V[edges], self.kp_factor[edges])


def fitting(deviations: Sequence[Deviations | None] | None, topologies: Sequence[Topology]) -> list[Deviations | None]:
    """One entry for each replica, None where all its transistors are the card's.

    Raises:
        InputError: not as many entries as topologies, or one for another number of edges than its topology has.
    """
    if deviations is None:
        return [None] * len(topologies)
    if len(deviations) != len(topologies):
        raise InputError(f"deviations of {len(deviations)} replica(s) do not fit {len(topologies)}")
    for row, (own, topology) in enumerate(zip(deviations, topologies, strict=True)):
        if own is not None and own.n_edges != topology.n_edges:
            raise InputError(
                f"deviations of {own.n_edges} transistors do not fit replica {row}, which has {topology.n_edges}"
            )
    return list(deviations)


def _numbers(name: str, values: object) -> FloatArray:
    """A copy as a read-only array of shape (edges,)."""
    try:
        numbers = np.array(values, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} must be numbers, one for each edge") from None
    if numbers.ndim != 1:
        raise InputError(f"{name} must be one number for each edge, shape (edges,), not {numbers.shape}")
    numbers.flags.writeable = False
    return numbers


def _check(name: str, values: FloatArray, good: NDArray[np.bool_], allowed: str) -> None:
    if not good.all():
        edge = int(np.flatnonzero(~good)[0])
        raise InputError(f"{name} of edge {edge} must be {allowed}, not {values[edge]:g}")
