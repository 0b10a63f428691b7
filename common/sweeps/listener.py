"""Callbacks of a sweep, for tables of a suite's own or a line for every run."""

from __future__ import annotations

from collections.abc import Callable

from common.runs.outcome import Outcome
from common.runs.spec import RunSpec


class Listener:
    """Called by the launcher between its other work, so what takes long delays the sweep. This one does nothing."""

    def started(self, say: Callable[[str], None]) -> None:
        """Runs are about to start; `say` prints a line under the bar, unless the sweep is quiet."""

    def ended(self, spec: RunSpec, outcome: Outcome) -> None:
        """A run has ended now (not in an earlier start)."""

    def saved(self) -> None:
        """results.csv has been written anew: every 20 seconds while runs end, and at the end."""
