"""Trained gates under levels of imperfections: each test sample's answer in each draw of chips and noise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.chips import Chip, Mismatch, draw_chip
from analog_nmos.deployment.measure import Measured, Point, answers, draw_seed, measure, replica_at
from analog_nmos.deployment.repair import repair
from analog_nmos.deployment.trained import Trained
from analog_nmos.specification.names import KP_PER_V, REPAIRED
from analog_nmos.specification.options import SpecOptions
from common.errors import InputError

FloatArray = NDArray[np.float64]
Measure = Callable[[Trained, Sequence[Point]], list[Measured]]
# Options of the trainer at which no imperfection is on.
OFF: dict[str, Any] = {"read_noise": "0", "gate_bits": 0, "gate_noise": 0.0}
NO_ANSWER = 1e150  # error of a value where the operating point failed: beyond any limit, and sums of it are finite


class Bench:
    """A run, and its answers.

    Level 0 of mismatch are the transistors that it was trained on: those of its chip, if it had one, on whose
    deviations those of a drawn chip come.

    Args:
        trained: the run.
        options: how it is tested.
        measure: what measures points; see `analog_nmos.deployment.measure`.

    Attributes:
        failed: operating points that failed so far.

    Raises:
        InputError: an option cannot be, or answers are values without any error, so that no share of it says anything.
    """

    def __init__(self, trained: Trained, options: SpecOptions, measure: Measure = measure) -> None:
        self.trained, self._options, self._measure = trained, options, measure
        self.failed = 0
        self._off = OFF | ({} if options.temp is None else {"temp": options.temp})
        replica_at(trained, self._point({"gate-bits": 1}, 0))  # refuses a range that is none before any work
        [self.base] = self._answers([Point(trained.chip, self._off)])
        if not self.is_accuracy and not 0.0 < self.base.mean() < NO_ANSWER:
            raise InputError(f"run folder {trained.folder}: its error is {self.base.mean():g} without imperfections")

    @property
    def is_accuracy(self) -> bool:
        """Whether answers are classes."""
        return self.trained.metric == "accuracy"

    def answers(self, name: str, level: float, draws: int | None = None) -> FloatArray:
        """Under a level of one imperfection, (draws, samples): see `search.Test`."""
        numbers = range(self._options.draws if draws is None else draws)
        if name == REPAIRED:
            return self._repaired([self._chip(_levels("mismatch", level), draw) for draw in numbers])
        return self._answers([self._point(_levels(name, level), draw) for draw in numbers])

    def together(self, levels: Mapping[str, float]) -> FloatArray:
        """Under levels of several imperfections at once, (draws, samples)."""
        merged: dict[str, float] = {}
        for name, level in levels.items():
            merged |= _levels(name, level)
        return self._answers([self._point(merged, draw) for draw in range(self._options.draws)])

    def _point(self, levels: Mapping[str, float], draw: int) -> Point:
        settings = dict(self._off)
        if "read-noise" in levels:
            settings["read_noise"] = repr(float(levels["read-noise"]))
        if "gate-noise" in levels:
            settings["gate_noise"] = float(levels["gate-noise"])
        if "gate-bits" in levels:
            settings["gate_bits"] = int(levels["gate-bits"])
            if self._options.gate_range is not None:
                settings["gate_range"] = self._options.gate_range
        return Point(self._chip(levels, draw), settings, draw_seed(draw))

    def _chip(self, levels: Mapping[str, float], draw: int) -> Chip | None:
        own = self.trained.chip
        if "vto" not in levels and "kp" not in levels:
            return own
        mismatch = Mismatch(vto_sigma=levels.get("vto", 0.0), kp_sigma=levels.get("kp", 0.0))
        drawn = draw_chip(self.trained.replica.start, self.trained.card, mismatch, self._options.seed + draw)
        if own is None:
            return drawn
        offsets_V = (own.vto_free_V + drawn.vto_free_V, own.vto_clamp_V + drawn.vto_clamp_V)
        return Chip(*offsets_V, own.kp_free * drawn.kp_free, own.kp_clamp * drawn.kp_clamp)

    def _repaired(self, chips: Sequence[Chip | None]) -> FloatArray:
        """After training on the chips; epochs whose operating points fail go on, as answers show what that costs."""
        settings: dict[str, Any] = {**self._off, "max_failures": 1.0}
        if "temp" in settings:
            settings["test_temp"] = None
        if self._options.repair_gamma is not None:
            settings["gamma"] = self._options.repair_gamma
        there = [chip for chip in chips if chip is not None]
        learned = repair(self.trained, there, self._options.repair_epochs, settings)
        points = [
            Point(chip, self._off, draw_seed(draw), gates[-1])
            for draw, (chip, gates) in enumerate(zip(there, learned, strict=True))
        ]
        return self._answers(points)

    def _answers(self, points: Sequence[Point]) -> FloatArray:
        found = self._measure(self.trained, points)
        self.failed += sum(one.failed for one in found)
        given = np.stack([answers(self.trained, one.out_V, at.gates) for one, at in zip(found, points, strict=True)])
        return np.where(np.isnan(given), NO_ANSWER, given)


def _levels(name: str, level: float) -> dict[str, float]:
    if name == "mismatch":
        return {"vto": level, "kp": KP_PER_V * level}
    return {name: level}
