"""When a run of a campaign ends, add a row to the tables and print a line with p and accuracy."""

from __future__ import annotations

from collections.abc import Callable

from common.plugins import label
from common.runs.result import from_columns
from common.sweeps import Listener, Outcome, RunSpec
from corruption_study.tables import Tables


class Watch(Listener):
    """Keeps tables up to date and prints a line for each run that ends.

    Args:
        tables: get a row for every run that is done.
        runs: how many the campaign has.
        over: how many have ended before this start.
    """

    def __init__(self, tables: Tables, runs: int, over: int) -> None:
        self._tables, self._runs, self._over = tables, runs, over
        self._say: Callable[[str], None] = lambda line: None

    def started(self, say: Callable[[str], None]) -> None:
        """Remember how to print lines."""
        self._say = say

    def ended(self, spec: RunSpec, outcome: Outcome) -> None:
        """Append a row, print a line."""
        self._over += 1
        axes = spec.axes
        what = f"{label(axes['model_type'])} {axes['activation']:<10} p={axes['p']:<4g} repeat {axes['repeat'] + 1}"
        if outcome.status == "done":
            self._tables.append(outcome)
            what += f"  test accuracy {from_columns(outcome.result).value:.4f}  {outcome.seconds:.1f} s"
        else:
            what += f"  failed: {outcome.reason}"
        self._say(f"[{self._over:>{len(str(self._runs))}}/{self._runs}] {what}")

    def saved(self) -> None:
        """Rewrite all tables in the campaign's order."""
        self._tables.write()
