"""What is measured of a run: under which conditions, on which chips, and with how many draws of noise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from analog_nmos.chips import Chip
from analog_nmos.deployment.fleet import IDEAL, OWN, without_kp
from analog_nmos.deployment.measure import Point, draw_seed, measure, replica_at
from analog_nmos.deployment.options import DeployOptions
from analog_nmos.deployment.repair import repair
from analog_nmos.deployment.trained import Gates, Trained
from common.cli import check
from common.errors import InputError

Advance = Callable[[int], None]  # so many samples more are done


@dataclass(frozen=True)
class Condition:
    """Where and how gates are tested.

    Attributes:
        chip: its name; IDEAL or OWN.
        scale: times its mismatch.
        with_kp: whether its factors on kp are in force.
        read_noise_V: standard deviation of readings.
        repaired_epochs: epochs of training on it.
    """

    chip: str
    scale: float = 1.0
    with_kp: bool = True
    read_noise_V: float = 0.0
    repaired_epochs: int = 0


@dataclass(frozen=True)
class Row:
    """A measurement: the condition, the draw of noise, accuracy or loss, and how many operating points failed."""

    run: str
    condition: Condition
    draw: int
    value: float
    failed: int


class Study:
    """A run, the chips it is deployed on, and what is asked of them.

    Args:
        name: of the run.
        trained: the run.
        chips: by name.
        options: what is asked.

    Raises:
        InputError: the run cannot have these options.
    """

    def __init__(self, name: str, trained: Trained, chips: Mapping[str, Chip], options: DeployOptions) -> None:
        self.name, self.trained, self.chips, self.options = name, trained, chips, options
        config = replica_at(trained, Point(None, options.settings)).config
        self.read_noise_V, self._gate_noise_V = config.read_noise_V, config.gate_noise
        try:
            self.read_noises_V = [self._volts(text) for text in options.read_noises]
        except InputError as problem:
            raise InputError(str(problem).replace("--read-noise:", "--read-noises:")) from None

    @property
    def is_accuracy(self) -> bool:
        """Whether accuracies are measured, not losses."""
        return self.trained.metric == "accuracy"

    @property
    def kps(self) -> tuple[bool, ...]:
        """With the factors on kp, and if that is asked for without."""
        return (True, False) if self.options.without_kp else (True,)

    @property
    def scales(self) -> list[float]:
        """Of the curve, rising."""
        return sorted(set(self.options.scales))

    def condition(self, chip: str, **changes: object) -> Condition:
        """That of a chip as the options say, with what differs."""
        plain = Condition(chip, read_noise_V=self.read_noise_V)
        return replace(plain, **changes)  # type: ignore[arg-type]

    @cached_property
    def conditions(self) -> list[Condition]:
        """All of the deployed gates, each once: references first, then chips, then read noises."""
        references = [IDEAL] if self.trained.chip is None else [IDEAL, OWN]
        found = [self.condition(name) for name in references]
        scales = dict.fromkeys((1.0, *self.scales))
        found += [self.condition(c, scale=s, with_kp=kp) for c in self.chips for kp in self.kps for s in scales]
        for noise_V in self.read_noises_V:
            found.append(self.condition(IDEAL, read_noise_V=noise_V))
            found += [self.condition(c, read_noise_V=noise_V, with_kp=kp) for c in self.chips for kp in self.kps]
        return list(dict.fromkeys(found))

    @property
    def samples(self) -> int:
        """All that are tested or trained on, for a progress bar."""
        data, epochs = self.trained.replica.data, self.options.repair_epochs
        tested = sum(self.draws(condition) for condition in self.conditions)
        tested += len(self.chips) * epochs * self.draws(self.condition(IDEAL))
        return tested * len(data.test.y) + len(self.chips) * epochs * len(data.train.y)

    def draws(self, condition: Condition) -> int:
        """How many of noise; one where there is none."""
        return self.options.draws if condition.read_noise_V or self._gate_noise_V else 1

    def rows(self, advance: Advance) -> list[Row]:
        """Measure everything.

        Raises:
            InputError, RunError: see `measure` and `repair`.
        """
        groups: dict[Condition, list[Condition]] = {}  # of one circuit each
        for condition in self.conditions:
            groups.setdefault(replace(condition, read_noise_V=0.0), []).append(condition)
        found: dict[Condition, list[Row]] = {}
        for circuit, group in groups.items():
            found |= self._measured(group, self._transistors(circuit), None, advance)
        ordered = [row for condition in self.conditions for row in found[condition]]
        return ordered + (self._repaired(advance) if self.options.repair_epochs and self.chips else [])

    def _measured(
        self, conditions: Sequence[Condition], chip: Chip | None, gates: Gates | None, advance: Advance
    ) -> dict[Condition, list[Row]]:
        """Rows of conditions of the same transistors and gates."""
        keys = [(condition, draw) for condition in conditions for draw in range(self.draws(condition))]
        points = [
            Point(chip, {**self.options.settings, "read_noise": repr(one.read_noise_V)}, draw_seed(draw), gates)
            for one, draw in keys
        ]
        found: dict[Condition, list[Row]] = {}
        for (condition, draw), one in zip(keys, measure(self.trained, points), strict=True):
            found.setdefault(condition, []).append(Row(self.name, condition, draw, one.value, one.failed))
        advance(len(points) * len(self.trained.replica.data.test.y))
        return found

    def _repaired(self, advance: Advance) -> list[Row]:
        settings = dict(self.options.settings)
        if self.options.repair_gamma is not None:
            settings["gamma"] = self.options.repair_gamma
        if "temp" in settings:
            settings["test_temp"] = None
        chips = list(self.chips.values())
        learned = repair(self.trained, chips, self.options.repair_epochs, settings, advance)
        rows = []
        for name, epochs in zip(self.chips, learned, strict=True):
            for epoch, gates in enumerate(epochs[1:], 1):
                condition = self.condition(name, repaired_epochs=epoch)
                rows += self._measured([condition], self.chips[name], gates, advance)[condition]
        return rows

    def _transistors(self, condition: Condition) -> Chip | None:
        if condition.chip in (IDEAL, OWN):
            return None if condition.chip == IDEAL else self.trained.chip
        chip = self.chips[condition.chip]
        return (chip if condition.with_kp else without_kp(chip)).scaled(condition.scale)

    def _volts(self, read_noise: str) -> float:
        config = replace(self.trained.config, read_noise=read_noise)
        check(config)
        return config.read_noise_V
