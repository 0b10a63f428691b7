"""The chips of a deployment by their names: from files, and drawn on the spot."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from analog_nmos.chips import Chip, Mismatch, draw_chip, load_chip
from analog_nmos.deployment.trained import Trained
from common.errors import InputError
from common.runs.matching import matching

IDEAL, OWN = "ideal", "own"  # names of transistors that are all the card's, and of those that a run was trained on


@dataclass(frozen=True, eq=False)
class Fleet:
    """Chips that several networks may be deployed on.

    Attributes:
        files: by the name of the chip: the file's, without its folder and ending.
        seeds: of those that are drawn.
        mismatch: of those.
    """

    files: dict[str, Path]
    seeds: Sequence[int]
    mismatch: Mismatch

    def chips(self, trained: Trained) -> dict[str, Chip]:
        """The chips for a network, by name.

        Raises:
            InputError: a file cannot be read, or its chip does not fit the network.
        """
        start = trained.replica.start
        found = {name: load_chip(path, start) for name, path in self.files.items()}
        drawn = {f"drawn-{seed}": draw_chip(start, trained.card, self.mismatch, seed) for seed in self.seeds}
        return found | drawn

    @property
    def names(self) -> list[str]:
        """Of all chips."""
        return [*self.files, *(f"drawn-{seed}" for seed in self.seeds)]


def fleet(patterns: Sequence[str], n_drawn: int, seed: int, mismatch: Mismatch) -> Fleet:
    """The files that paths or glob patterns name, and chips of seeds from `seed` on.

    Raises:
        InputError: a pattern names no file, or two chips would have one name.
    """
    files: dict[str, Path] = {}
    for pattern in patterns:
        paths = [path for path in matching(pattern) if path.is_file()]
        if not paths:
            raise InputError(f"argument --chips: {pattern}: no such file, and no file matches it")
        for path in paths:
            if path.stem in (IDEAL, OWN) or files.get(path.stem, path) != path:
                other = files.get(path.stem, "its transistors that are not on a file")
                raise InputError(f"argument --chips: {path}: results call {other} {path.stem}, too; rename the file")
            files[path.stem] = path
    return Fleet(files, range(seed, seed + n_drawn), mismatch)


def digest(chip: Chip) -> str:
    """What tells chips apart: a hash of their numbers."""
    found = hashlib.sha256()
    for name, array in chip.arrays().items():
        found.update(name.encode() + array.astype("<f8").tobytes())
    return found.hexdigest()[:16]


def without_kp(chip: Chip) -> Chip:
    """The same thresholds, and all factors on kp 1."""
    ones = np.ones(chip.n_edges)
    return replace(chip, kp_free=ones, kp_clamp=ones)


def facts(fleet: Fleet, chips: Mapping[str, Chip]) -> dict[str, Any]:
    """Of each chip its file or its seed, and how it was made."""
    origin: dict[str, dict[str, Any]] = {name: {"file": str(path)} for name, path in fleet.files.items()}
    origin |= {f"drawn-{seed}": {"seed": seed} for seed in fleet.seeds}
    return {name: {**origin[name], "meta": chip.meta} for name, chip in chips.items()}
