"""Results of a study in memory: trials of modes of architectures, and their statistics."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from common.errors import InputError
from common.inputs import shorten
from psa_resmlp.study.architectures import FAMILIES, Architecture
from psa_resmlp.study.modes import in_order


@dataclass(frozen=True)
class Trial:
    """One training of one architecture in one mode.

    Attributes:
        number: 1, 2, ...; trials of the same number share a row of the table and are paired in tests.
        bounty: validation accuracy of the best network, percent. The tables report this one.
        test_accuracy: of the same network, percent; None where a table has none.
        bounty_loop: meta-loop that found it, from 1; None as above.
        meta_loops: how many were trained; None as above.
        seed: of the trial; None as above.
    """

    number: int
    bounty: float
    test_accuracy: float | None = None
    bounty_loop: int | None = None
    meta_loops: int | None = None
    seed: int | None = None


@dataclass(frozen=True)
class Summary:
    """Statistics of the trials of one mode, percent; `std` is the population's (divided by n)."""

    mean: float
    std: float
    low: float
    high: float
    n: int


def summarise(values: Sequence[float]) -> Summary | None:
    """Mean, population standard deviation, smallest, largest and number; None without values."""
    if not values:
        return None
    mean = math.fsum(values) / len(values)
    variance = math.fsum((value - mean) ** 2 for value in values) / len(values)
    return Summary(mean, math.sqrt(variance), min(values), max(values), len(values))


@dataclass
class Study:
    """Trials by architecture and mode, for one family of networks.

    Attributes:
        family: resmlp or mlp.
        cells: architecture -> mode -> trial number -> trial. Architectures keep the order in which they came.
    """

    family: str
    cells: dict[Architecture, dict[str, dict[int, Trial]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise InputError(f"family is {shorten(repr(self.family))}, allowed: {', '.join(FAMILIES)}")

    def add(self, architecture: Architecture, mode: str, trial: Trial) -> None:
        """Take in one trial.

        Raises:
            InputError: that trial is there already, or its accuracy is no percentage.
        """
        label = f"trial {shorten(str(trial.number))} of {shorten(str(architecture))} {mode}"
        if not 0.0 <= trial.bounty <= 100.0:
            raise InputError(f"{label} has the accuracy {trial.bounty:g}, allowed: 0 to 100 percent")
        trials = self.cells.setdefault(architecture, {}).setdefault(mode, {})
        if trial.number in trials:
            raise InputError(f"{label} is there twice; keep one")
        trials[trial.number] = trial

    def add_all(self, architecture: Architecture, mode: str, trials: Iterable[Trial]) -> None:
        """Take in several trials.

        Raises:
            InputError: as `add`.
        """
        for trial in trials:
            self.add(architecture, mode, trial)

    def trials(self, architecture: Architecture, mode: str) -> list[Trial]:
        """In the order of their numbers; empty where there are none."""
        found = self.cells.get(architecture, {}).get(mode, {})
        return [found[number] for number in sorted(found)]

    def values(self, architecture: Architecture, mode: str) -> list[float]:
        """Bounties in percent."""
        return [trial.bounty for trial in self.trials(architecture, mode)]

    def modes(self) -> list[str]:
        """Those that have trials, in the study's order, and behind them others as they come."""
        return in_order(mode for modes in self.cells.values() for mode, trials in modes.items() if trials)

    def summary(self, architecture: Architecture, mode: str) -> Summary | None:
        """Statistics of the bounties; None where there are no trials."""
        return summarise(self.values(architecture, mode))

    def pairs(self, architecture: Architecture, mode: str, other: str) -> list[tuple[float, float]]:
        """Bounties of both modes, for the trials that both have."""
        first, second = (self.cells.get(architecture, {}).get(name, {}) for name in (mode, other))
        return [(first[number].bounty, second[number].bounty) for number in sorted(first) if number in second]

    def ordered(self, order: Iterable[Architecture]) -> Study:
        """The same with the architectures of `order` first, and then those that are not in it."""
        known = [architecture for architecture in order if architecture in self.cells]
        names = list(dict.fromkeys([*known, *self.cells]))
        return Study(self.family, {architecture: self.cells[architecture] for architecture in names})

    def __iter__(self) -> Iterator[tuple[Architecture, str, Trial]]:
        for architecture, modes in self.cells.items():
            for mode in modes:
                for trial in self.trials(architecture, mode):
                    yield architecture, mode, trial
