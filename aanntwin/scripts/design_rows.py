"""The results of the design sweep as rows: printed as runs end, written to a file, and read from it again."""

from __future__ import annotations

import csv
import math
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from aanntwin.scripts.design_space import COLUMNS, Design
from aanntwin.scripts.layout import table
from aanntwin.scripts.published import database_text, design_key, read_database
from common.errors import InputError
from common.inputs import read_text
from common.progress import mute_stdout
from common.runs.files import write_text
from common.runs.outcome import Outcome, read_outcome, write_outcome

if TYPE_CHECKING:
    from common.sweeps import RunSpec

HEADER = (*COLUMNS, "loss", "accuracy", "settings")
EARLIER = tuple("features" if name == "final_size" else name for name in HEADER)  # of files of earlier versions
POLL_S = 2.0


class DesignRows:
    """A context in which finished runs are printed as rows on standard output, in the sweep's order.

    A row appears when all runs before it have ended; the rest follows at the end of the context.

    Args:
        designs, runs: of the sweep, in the same order.
        folder: the sweep's.
        fingerprint: of the settings, the last cell of each row.
        file: rewritten with all rows so far whenever there are new ones; None for no file.
    """

    def __init__(
        self, designs: Sequence[Design], runs: Sequence[RunSpec], folder: Path, fingerprint: str, file: Path | None
    ) -> None:
        self._waiting = list(zip(designs, runs, strict=True))
        self._folder, self._fingerprint, self._file = folder, fingerprint, file
        self._rows: list[list[str]] = []
        self._database = read_database(file) if file is not None and _is_database(file) else {}
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
        self._print_ended(last=True)

    def _watch(self) -> None:
        while not self._stop.wait(POLL_S):
            self._print_ended()

    def _print_ended(self, *, last: bool = False) -> None:
        """Print runs that have ended, up to the first that has not; the last call skips those that have not."""
        fresh, still = list[list[str]](), list[tuple[Design, Any]]()
        for place, (design, spec) in enumerate(self._waiting):
            outcome = read_outcome(self._folder / spec.folder)
            if outcome is None and not last:
                still = self._waiting[place:]
                break
            if outcome is None or outcome.status != "done":
                continue
            loss, accuracy = outcome.result["loss"], outcome.result["accuracy"]
            loss_cell = "" if loss is None else f"{loss:.6f}"  # a published database has none
            fresh.append([*design.cells, loss_cell, f"{accuracy:.6f}", self._fingerprint])
            self._database[design_key(design.params)] = accuracy
            self.points.append((float(design.sizes.multipliers), float(accuracy)))
        self._waiting = still
        self._add(fresh)

    def _add(self, fresh: list[list[str]]) -> None:
        if not fresh:
            return
        self._rows += fresh
        self._print("".join(table(row, [], "csv") for row in fresh))
        if self._file is not None:
            whole = database_text(self._database) if _is_database(self._file) else table(HEADER, self._rows, "csv")
            write_text(self._file, whole)

    def _print(self, text: str) -> None:
        try:
            self._out.write(text)
            self._out.flush()
        except BrokenPipeError:  # the reader has closed the pipe; the sweep goes on
            mute_stdout()


def take_over(file: Path, designs: Sequence[Design], runs: Sequence[RunSpec], folder: Path, fingerprint: str) -> int:
    """Mark runs as done in the sweep's folder whose results are in a results file only; returns how many.

    Raises:
        InputError: it is not a results file, or one of other settings.
    """
    if not file.exists():
        return 0
    read = _of_database if _is_database(file) else _of_table
    taken = 0
    for number, result in read(file, designs, fingerprint).items():
        spec = runs[number]
        run = folder / spec.folder
        if read_outcome(run) is None:
            run.mkdir(parents=True, exist_ok=True)
            write_outcome(run, Outcome(spec.index, "done", result=result))
            taken += 1
    return taken


def _is_database(file: Path) -> bool:
    return file.suffix.lower() == ".json"


def _of_database(file: Path, designs: Sequence[Design], fingerprint: str) -> dict[int, dict[str, Any]]:
    """Results by the number of the design; the file may hold other designs too, which it keeps."""
    database = read_database(file)
    accuracies = {number: database.get(design_key(design.params)) for number, design in enumerate(designs)}
    return {number: {"loss": None, "accuracy": found} for number, found in accuracies.items() if found is not None}


def _of_table(file: Path, designs: Sequence[Design], fingerprint: str) -> dict[int, dict[str, Any]]:
    """Results by the number of the design; a row whose numbers are not finite counts as missing."""
    by_cells, found = {tuple(design.cells): number for number, design in enumerate(designs)}, {}
    for *shape, loss, accuracy, settings in _read(file):
        number = by_cells.get(tuple(shape))
        if number is None or settings != fingerprint:
            raise InputError(f"{file} holds results of other settings or images; name another file")
        try:
            result = {"loss": float(loss) if loss else None, "accuracy": float(accuracy)}
        except ValueError:
            raise InputError(f"{file}: {loss!r:.40} and {accuracy!r:.40} are not a loss and an accuracy") from None
        if all(value is None or math.isfinite(value) for value in result.values()):
            found[number] = result
    return found


def _read(file: Path) -> list[list[str]]:
    try:
        lines = list(csv.reader(read_text(file, "results file").splitlines()))
    except csv.Error as problem:
        raise InputError(f"results file {file}: is not CSV ({problem})") from None
    if not lines or tuple(lines[0]) not in (HEADER, EARLIER) or any(len(line) != len(HEADER) for line in lines):
        raise InputError(f"{file} is not a results file of this sweep, whose columns are {', '.join(HEADER)}")
    return lines[1:]
