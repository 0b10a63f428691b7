"""A chip: how each transistor of a network's two circuits differs from the model card's, and the file it is kept in."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.circuit.deviations import LARGEST_FACTOR, Deviations
from analog_nmos.circuit.options import LARGEST_V
from analog_nmos.topology import Topology
from common.errors import InputError
from common.runs.files import atomic_writer, write_text

FloatArray = NDArray[np.float64]
# Names in a file, and of the attributes. In files kp is called beta, as in published chips.
FIELDS = {"vto_free": "vto_free_V", "vto_clamp": "vto_clamp_V", "beta_free": "kp_free", "beta_clamp": "kp_clamp"}
ENDINGS = (".npz", ".csv")
LEAST_FACTOR = 1e-6  # of kp: a normal draw may be negative, a transistor's kp is not


@dataclass(frozen=True, eq=False)
class Chip:
    """Two circuits of E transistors each: one that is solved free, one that is clamped.

    Attributes:
        vto_free_V, vto_clamp_V: (E,) offsets of the threshold voltage in V.
        kp_free, kp_clamp: (E,) factors on the card's transconductance.
        meta: how it was made, for people and figures: values that JSON has.

    Raises:
        InputError: arrays that are not one number for each of as many edges, or what `Deviations` refuses. The message
            has the names of the arrays in a file: vto_free, vto_clamp, beta_free, beta_clamp.
    """

    vto_free_V: FloatArray
    vto_clamp_V: FloatArray
    kp_free: FloatArray
    kp_clamp: FloatArray
    meta: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, attribute in FIELDS.items():
            object.__setattr__(self, attribute, _checked(name, getattr(self, attribute)))
        for name, values in self.arrays().items():
            if values.size != self.n_edges:
                raise InputError(
                    f"array {name} has {values.size} numbers and vto_free {self.n_edges}; each edge has one"
                )

    @property
    def n_edges(self) -> int:
        """Number of transistors of one circuit."""
        return self.vto_free_V.size

    @property
    def is_one_circuit(self) -> bool:
        """Whether both circuits have the same transistors, as where one circuit is solved free and clamped in turn."""
        pairs = ((self.vto_free_V, self.vto_clamp_V), (self.kp_free, self.kp_clamp))
        return all(np.array_equal(free, clamp) for free, clamp in pairs)

    def free(self) -> Deviations:
        """Those of the circuit that is solved free (the first copy)."""
        return Deviations(self.vto_free_V, self.kp_free)

    def clamp(self) -> Deviations:
        """Those of the circuit whose outputs are clamped (the second copy)."""
        return Deviations(self.vto_clamp_V, self.kp_clamp)

    def scaled(self, factor: float) -> Chip:
        """The same draw with deviations `factor` times as large: offsets, and the factors' distances from 1."""
        if factor == 1.0:
            return self
        free_V, clamp_V = (factor * one for one in (self.vto_free_V, self.vto_clamp_V))
        free, clamp = (np.maximum(1.0 + factor * (one - 1.0), LEAST_FACTOR) for one in (self.kp_free, self.kp_clamp))
        return Chip(free_V, clamp_V, free, clamp, {**self.meta, "scaled": factor})

    def arrays(self) -> dict[str, FloatArray]:
        """The four arrays (E,) by their names in a file."""
        return {name: getattr(self, attribute) for name, attribute in FIELDS.items()}

    def check_fits(self, topology: Topology) -> None:
        """Raise InputError unless there is one transistor for each edge of the topology."""
        if self.n_edges != topology.n_edges:
            raise InputError(f"a chip of {self.n_edges} edges does not fit a topology of {topology.n_edges}")

    def save(self, path: str | Path) -> None:
        """Write a file whole or not at all: NPZ, or by its ending CSV, which has every bit of the arrays but no meta.

        Raises:
            InputError: another ending.
        """
        path = Path(path)
        if path.suffix.lower() not in ENDINGS:
            raise InputError(f"{path}: the name of a chip's file ends in {' or '.join(ENDINGS)}")
        if path.suffix.lower() == ".csv":
            columns = {"edge": range(self.n_edges)} | {name: one.tolist() for name, one in self.arrays().items()}
            rows = [",".join(columns), *(",".join(map(repr, row)) for row in zip(*columns.values(), strict=True))]
            write_text(path, "\n".join(rows) + "\n")
            return
        arrays: dict[str, Any] = dict(self.arrays())
        with atomic_writer(path) as stream:
            np.savez(stream, meta_json=np.array(json.dumps(self.meta)), **arrays)


def outside(name: str, values: FloatArray) -> NDArray[np.bool_]:
    """Which values of the array of that name no transistor can have; NaN is among them."""
    good = np.abs(values) <= LARGEST_V if _is_offset(name) else (values > 0.0) & (values <= LARGEST_FACTOR)
    return ~good


def allowed(name: str) -> str:
    """What `outside` lets pass, in words."""
    if _is_offset(name):
        return f"between -{LARGEST_V:g} and {LARGEST_V:g} V"
    return f"above 0, at most {LARGEST_FACTOR:g}"


def _is_offset(name: str) -> bool:
    return name.startswith("vto")


def _checked(name: str, values: object) -> FloatArray:
    """A copy as a read-only array of shape (edges,)."""
    array = np.asarray(values)
    if array.dtype.kind not in "iuf" or array.ndim != 1 or not array.size:
        raise InputError(f"array {name} must have a number for each edge, not {array.dtype} of shape {array.shape}")
    numbers = array.astype(np.float64)
    if (wrong := outside(name, numbers)).any():
        edge = int(np.argmax(wrong))
        raise InputError(f"array {name}: edge {edge} must be {allowed(name)}, not {numbers[edge]:g}")
    numbers.flags.writeable = False
    return numbers
