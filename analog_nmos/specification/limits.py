"""The limits of a run, one imperfection after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from analog_nmos.specification.bench import Bench
from analog_nmos.specification.names import BITS, QUANTITIES, REPAIRED, Quantity
from analog_nmos.specification.options import SpecOptions
from analog_nmos.specification.search import FloatArray, Goal, Limit, Resamples, find_fewest, find_level
from common.errors import InputError

POINTS, WORSE = 1.0, 10.0  # percentage points of accuracy, percent of an error
EXPECTED = 30  # levels of a search, for the progress bar


@dataclass(frozen=True, eq=False)
class Found:
    """A row of the specification."""

    quantity: Quantity
    limit: Limit


class Spec:
    """The search for every limit of one run.

    Args:
        bench: the run.
        options: goal and precision.

    Raises:
        InputError: the goal is one of another kind of answers.
    """

    def __init__(self, bench: Bench, options: SpecOptions) -> None:
        self._bench, self._options = bench, options
        if bench.is_accuracy and options.worse is not None:
            raise InputError("argument --worse: this run is tested by its accuracy; give --points")
        if not bench.is_accuracy and options.points is not None:
            raise InputError(f"argument --points: this run is tested by its {bench.trained.metric}; give --worse")
        percent = (options.points or POINTS) if bench.is_accuracy else (options.worse or WORSE)
        self.goal = Goal(bench.base, percent / 100, bench.is_accuracy)

    @property
    def quantities(self) -> list[Quantity]:
        """What is asked for."""
        found = [one for name, one in QUANTITIES.items() if not self._options.only or name in self._options.only]
        if epochs := self._options.repair_epochs:
            title = f"that after {epochs} epoch{'s' * (epochs != 1)} of training on the chip"
            found.insert(1, replace(QUANTITIES["mismatch"], name=REPAIRED, title=title))
        return found

    def rows(self, describe: Callable[[str], None], advance: Callable[[int], None]) -> Iterator[Found]:
        """Every limit in turn.

        Args:
            describe: called with what is looked for.
            advance: called with levels that are done; EXPECTED for each limit in all.
        """
        before: Limit | None = None
        for quantity in self.quantities:
            describe(quantity.title)
            count = _Count(advance)
            limit = self._level(quantity, before, count) if quantity.rises else self._bits(quantity, count)
            count.finish()
            before = limit if quantity.name == "mismatch" else before
            yield Found(quantity, limit)

    def together(self, rows: Sequence[Found]) -> Limit | None:
        """The cost of all limits at once, without those that were not found; None where that is fewer than two.

        The limit of mismatch stands for those of vto and kp alone, and for what training on the chip repairs.
        """
        levels = {row.quantity.name: float(row.limit.value or 0.0) for row in rows if row.limit.found}
        if "mismatch" in levels:
            levels = {name: level for name, level in levels.items() if name not in ("vto", "kp")}
        levels.pop(REPAIRED, None)
        if len(levels) < 2:
            return None
        return find_fewest([1.0], self._bench.together(levels)[None], self.goal, self.resamples)

    @cached_property
    def resamples(self) -> Resamples:
        """Of draws, and of test samples if that is asked for."""
        return self._resamples(self._options.draws)

    def _resamples(self, draws: int) -> Resamples:
        return Resamples(draws, self._bench.base.size, self._options.seed, self._options.over_samples)

    def _level(self, quantity: Quantity, before: Limit | None, count: Callable[[], None]) -> Limit:
        """Training on the chip is looked at only from half of the limit before it on: it takes long."""
        ladder = list(quantity.levels)
        if quantity.name == REPAIRED and before is not None and before.value is not None:
            ladder = [level for level in ladder if level > before.value / 2]

        def test(level: float) -> FloatArray:
            count()
            return self._bench.answers(quantity.name, level)

        return find_level(test, ladder, self.goal, self.resamples, self._options.precision)

    def _bits(self, quantity: Quantity, count: Callable[[], None]) -> Limit:
        """One draw: nothing is random."""
        values = []
        for bits in BITS:
            count()
            values.append(self._bench.answers(quantity.name, bits, draws=1))
        return find_fewest(BITS, np.stack(values), self.goal, self._resamples(1))


class _Count:
    """Tells how much of EXPECTED levels is done."""

    def __init__(self, advance: Callable[[int], None]) -> None:
        self._advance, self._left = advance, EXPECTED

    def __call__(self) -> None:
        if self._left:
            self._left -= 1
            self._advance(1)

    def finish(self) -> None:
        self._advance(self._left)
