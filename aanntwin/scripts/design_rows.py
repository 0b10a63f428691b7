"""The results of the design sweep as rows: on standard output as they come, in a file, and back from that file."""

from __future__ import annotations

import csv
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from aanntwin.scripts.design_space import COLUMNS, Design
from aanntwin.scripts.layout import table
from common.errors import InputError
from common.progress import mute_stdout

if TYPE_CHECKING:
    from common.sweeps import RunSpec

HEADER = (*COLUMNS, "loss", "accuracy", "settings")
LOOK_S = 2.0


class DesignRows:
    """Looks for finished runs while the block goes on: a row of each to standard output, in the sweep's order.

    A row appears when those before it have ended; at the end of the block the rest follows.

    Args:
        designs, runs: of the sweep, in the same order.
        folder: the sweep's.
        fingerprint: of the settings, the last cell of each row.
        file: is replaced by all rows so far whenever there are more; None writes none.
    """

    def __init__(
        self, designs: Sequence[Design], runs: Sequence[RunSpec], folder: Path, fingerprint: str, file: Path | None
    ) -> None:
        self._waiting = list(zip(designs, runs, strict=True))
        self._folder, self._fingerprint, self._file = folder, fingerprint, file
        self._rows: list[list[str]] = []
        self._out = sys.stdout
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.points: list[tuple[float, float]] = []

    def __enter__(self) -> DesignRows:
        self._print(table(HEADER, [], "csv"))
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._look(last=True)

    def _watch(self) -> None:
        while not self._stop.wait(LOOK_S):
            self._look()

    def _look(self, *, last: bool = False) -> None:
        """Print what has ended since; stops at the first run that has not, or at the last call skips those."""
        from common.sweeps.outcome import read_outcome

        fresh, still = list[list[str]](), list[tuple[Design, Any]]()
        for place, (design, spec) in enumerate(self._waiting):
            outcome = read_outcome(self._folder / spec.folder)
            if outcome is None and not last:
                still = self._waiting[place:]
                break
            if outcome is None or outcome.status != "done":
                continue
            loss, accuracy = outcome.result["loss"], outcome.result["accuracy"]
            fresh.append([*design.cells, f"{loss:.6f}", f"{accuracy:.6f}", self._fingerprint])
            self.points.append((float(design.sizes.multipliers), float(accuracy)))
        self._waiting = still
        self._add(fresh)

    def _add(self, fresh: list[list[str]]) -> None:
        if not fresh:
            return
        self._rows += fresh
        self._print("".join(table(row, [], "csv") for row in fresh))
        if self._file is not None:
            from common.runs.files import write_text

            write_text(self._file, table(HEADER, self._rows, "csv"))

    def _print(self, text: str) -> None:
        try:
            self._out.write(text)
            self._out.flush()
        except BrokenPipeError:  # the reader has seen enough; the sweep goes on
            mute_stdout()


def take_over(file: Path, designs: Sequence[Design], runs: Sequence[RunSpec], folder: Path, fingerprint: str) -> int:
    """Mark as done in the sweep's folder what a results file has and the folder lacks; returns how many.

    Raises:
        InputError: it is no results file, or one of other settings.
    """
    from common.sweeps.outcome import Outcome, read_outcome, write_outcome

    if not file.exists():
        return 0
    by_cells = {tuple(design.cells): spec for design, spec in zip(designs, runs, strict=True)}
    taken = 0
    for cells in _read(file):
        *shape, loss, accuracy, settings = cells
        spec = by_cells.get(tuple(shape))
        if spec is None or settings != fingerprint:
            raise InputError(f"{file} holds results of other settings or images; name another file")
        run = folder / spec.folder
        if read_outcome(run) is None:
            run.mkdir(parents=True, exist_ok=True)
            write_outcome(run, Outcome(spec.index, "done", result={"loss": float(loss), "accuracy": float(accuracy)}))
            taken += 1
    return taken


def _read(file: Path) -> list[list[str]]:
    try:
        lines = list(csv.reader(file.read_text().splitlines()))
    except (OSError, UnicodeDecodeError) as problem:
        raise InputError(f"{file}: cannot be read ({problem})") from None
    if not lines or tuple(lines[0]) != HEADER or any(len(line) != len(HEADER) for line in lines):
        raise InputError(f"{file} is no results file of this sweep, whose columns are {', '.join(HEADER)}")
    return lines[1:]
