"""Meta-loops and test accuracies from the lines of a log, ours and the published program's.

Ours name the trial in every line. The published program trains one trial after another and names none in its loops:

    Starting Run 2 of 10                                                               begins trial 2
    Loop 3/100 (Global: 3) | Current: 90.23% | LKG: 90.23% | Bounty: 90.23%            a meta-loop
    Final Test Accuracy: 97.90%                                                        ends the trial

Any text, e.g. a time, may precede these. Loop lines may be cut off after LKG, and "Starting Run" lines may be missing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

_OUR_LOOP = re.compile(
    r"\bmeta-loop (\d+) trial (\d+) (\w+): loss \S+, validation (\d+\.\d+)%, bounty (\d+\.\d+)%", re.ASCII
)
_OUR_TEST = re.compile(r"\btrial (\d+): test accuracy (\d+\.\d+)% of the network of meta-loop", re.ASCII)
_BEGIN = re.compile(r"\bStarting Run (\d+) of \d+", re.ASCII)
_LOOP = re.compile(
    r"\bLoop (\d+)/\d+(?: \(Global: (\d+)\))? \| Current: (\d+\.\d+)%(?: \| LKG: (\d+\.\d+)%)?", re.ASCII
)
_TEST = re.compile(r"\bFinal Test Accuracy: (\d+\.\d+)%", re.ASCII)
_HINTS = ("meta-loop ", "Loop ", "Starting Run ", "Final Test ")  # lines without any of these are skipped, for speed
_STREAM = re.compile(r"-(\d+)\.log")


@dataclass(frozen=True)
class LoopLine:
    """Validation accuracy of the network of a meta-loop, and of the LKG after it (None: not in the line); percent."""

    validation: float
    lkg: float | None


@dataclass
class TrialLines:
    """One trial's meta-loops by number, and the test accuracy of its last network in percent, as read from lines."""

    loops: dict[int, LoopLine] = field(default_factory=dict)
    test: float | None = None

    def take(self, meta_loop: int, line: LoopLine) -> None:
        """Add or replace a meta-loop; a test accuracy read before it is not the final one and is dropped."""
        self.loops[meta_loop] = line
        self.test = None

    def growth(self, meta_loop: int) -> float | None:
        """Growth of the LKG's accuracy since the meta-loop before, in percentage points; None if unknown."""
        if meta_loop == 1:
            return 0.0
        now, before = self.loops.get(meta_loop), self.loops.get(meta_loop - 1)
        if now is None or before is None or now.lkg is None or before.lkg is None:
            return None
        return round(now.lkg - before.lkg, 6) + 0.0  # the lines have two decimals; without -0.0


class LogReader:
    """Reads the files of one training, in the order in which they were written; later lines win.

    Args:
        mode: the job's mode; our lines of other modes are ignored.

    Attributes:
        trials: by number, perhaps with trials without a meta-loop, which `finished` leaves out.
        loops: number of lines of meta-loops that were read.
    """

    def __init__(self, mode: str) -> None:
        self._mode = mode
        self.trials: dict[int, TrialLines] = {}
        self.loops = 0
        # For the published program: trial, previous loop (infinite after a trial's end), whether a file just began.
        self._trial, self._before, self._is_new_file = 1, 0.0, True

    def read(self, files: Iterable[Path]) -> int:
        """Read files; returns how many meta-loops they report. Damaged text and torn lines are skipped.

        Raises:
            OSError: a file cannot be read.
        """
        before = self.loops
        for file in files:
            self._is_new_file = True
            with open(file, encoding="utf-8", errors="replace") as lines:
                for line in lines:
                    if any(hint in line for hint in _HINTS):
                        self._take(line)
        return self.loops - before

    def finished(self) -> dict[int, TrialLines]:
        """The trials that have a meta-loop, in the order of their numbers."""
        return {number: self.trials[number] for number in sorted(self.trials) if self.trials[number].loops}

    def _take(self, line: str) -> None:
        if found := _OUR_LOOP.search(line):
            if found[3] == self._mode:
                self._add(int(found[2]), int(found[1]), LoopLine(float(found[4]), float(found[5])))
        elif found := _OUR_TEST.search(line):
            self._of(int(found[1])).test = float(found[2])
        elif found := _LOOP.search(line):
            lkg = None if found[4] is None else float(found[4])
            self._published(int(found[2] or found[1]), LoopLine(float(found[3]), lkg))
        elif found := _BEGIN.search(line):
            self._trial, self._before, self._is_new_file = int(found[1]), 0.0, False
        elif found := _TEST.search(line):
            self._of(self._trial).test = float(found[1])
            self._before = math.inf

    def _published(self, meta_loop: int, line: LoopLine) -> None:
        """Add a meta-loop of the published program; a new file begins with trial 1 or goes on with the last trial."""
        if self._is_new_file and meta_loop == 1:
            self._trial = 1
        elif meta_loop <= self._before and (self._before == math.inf or not self._is_new_file):
            self._trial += 1
        self._before, self._is_new_file = meta_loop, False
        self._add(self._trial, meta_loop, line)

    def _add(self, trial: int, meta_loop: int, line: LoopLine) -> None:
        self._of(trial).take(meta_loop, line)
        self.loops += 1

    def _of(self, trial: int) -> TrialLines:
        return self.trials.setdefault(trial, TrialLines())


def files_of(job: Path) -> list[Path]:
    """The logs in the folder of a job, in the order in which their streams began: by the number in their names."""

    def order(path: Path) -> tuple[int, Path]:
        found = _STREAM.search(path.name)
        return (int(found[1]) if found else 0, path)

    return sorted((path for path in job.rglob("*.log") if path.is_file()), key=order)
