"""A running run: status with pid and heartbeat, log, metrics, and the places where it may be stopped."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from common.errors import InputError, Interrupted
from common.runs import metrics
from common.runs.files import append_line, write_json
from common.runs.folder import META
from common.runs.lock import FolderLock, FolderLost
from common.runs.origin import describe
from common.runs.process import this_process
from common.runs.read import read_meta
from common.runs.signals import StopSignals

SCHEMA = 1
HEARTBEAT_S = 10.0
LOG = "train_log.txt"


class Run:
    """One run folder while it is written. Use as a context manager: how the block ends becomes the status.

    Within the block the folder belongs to this process: a second one that would go on there is refused, and this one
    stops (FolderLost, from whatever writes next) if it was away for so long that another took the folder over.

    Args:
        folder: from `common.runs.new_folder` (a new run) or `existing_folder` (goes on with an earlier one).
        config: the whole configuration, a dataclass or a mapping.
        signals: an entered `StopSignals`, which many runs of one process may share.
        echo: shows a log line on the screen; None shows none.
        quiet: show only the lines that are shown always.
        facts: more for run_meta.json.
    """

    def __init__(
        self,
        folder: Path,
        config: Any,
        signals: StopSignals,
        *,
        echo: Callable[[str], None] | None = print,
        quiet: bool = False,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        self.folder = folder
        self.failure: BaseException | None = None  # that the run was finished with
        self._echo, self._quiet = echo, quiet
        self._last: list[Callable[[], None]] = []
        self._signals = signals
        self._last_beat = time.monotonic()
        self._lock = FolderLock(folder)
        self._earlier = earlier = self._read_meta()
        values = asdict(config) if is_dataclass(config) and not isinstance(config, type) else dict(config)
        self._meta = {
            "schema_version": SCHEMA,
            "status": "running",
            "reason": None,
            "config": values,
            "seed": values.get("seed"),
            **dict(facts or {}),
            **describe(),
            **this_process(),
            "started": earlier.get("started", _now()),
            "resumed": [*earlier.get("resumed", []), _now()] if earlier else [],
            "heartbeat": _now(),
            "ended": None,
        }

    def __enter__(self) -> Run:
        self._lock.acquire()
        try:
            if self._read_meta() != self._earlier:  # between the look at the folder and the lock
                raise InputError(f"run folder {self.folder}: another process has just worked on it; look at it first")
            self._write_meta()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish(problem)

    def finish(self, problem: BaseException | None = None) -> None:
        """Write the final status (done, interrupted or failed, with the reason) and let go of the folder.

        Only the first call counts. What `before_end` was given is written first.
        """
        if self._meta["ended"]:
            return
        self._write_last(problem)
        self.failure = problem
        status, reason = _outcome(problem)
        self._meta.update(status=status, reason=reason, ended=_now(), heartbeat=_now())
        try:
            if problem is None:
                self._write_meta()
                return
            # The first failure is the one to report: on a full disk or in a lost folder these two lines fail as well.
            with contextlib.suppress(OSError, FolderLost):
                append_line(self.folder / LOG, f"{status}: {reason}")
            with contextlib.suppress(OSError, FolderLost):
                self._write_meta()
        finally:
            self._lock.release()

    def before_end(self, write: Callable[[], None]) -> None:
        """Have `write` called before the final status is written, however the run ends but by a kill."""
        self._last.append(write)

    def log(self, line: str, *, always: bool = False) -> None:
        """One line to train_log.txt and, if it is shown `always` or the run is not quiet, to the screen."""
        append_line(self.folder / LOG, line)
        if self._echo and (always or not self._quiet):
            self._echo(line)

    def metrics(self, *rows: Mapping[str, Any]) -> None:
        """Append rows to metrics.csv (see `common.runs.metrics.append_rows`)."""
        metrics.append_rows(self.folder, rows)

    def note(self, **facts: Any) -> None:
        """Add facts to run_meta.json."""
        self._meta.update(facts)
        self._write_meta()

    def beat(self) -> None:
        """Say that work goes on, and stop here if a signal asks for it; cheap enough for every sample.

        Raises:
            Interrupted: Ctrl-C, or another signal whose time of grace is over.
        """
        if self._signals.overdue:
            self._stop()
        now = time.monotonic()
        if now - self._last_beat > HEARTBEAT_S:
            self._last_beat = now
            self.note(heartbeat=_now())

    def stop_if_asked(self) -> None:
        """A good place to stop, all work so far being on disk: the end of an epoch.

        Raises:
            Interrupted: a signal has come, or the folder is no longer this process's.
        """
        self._lock.check()
        if self._signals.received is not None:
            self._stop()

    def _stop(self) -> None:
        number = self._signals.received
        assert number is not None
        raise Interrupted(f"interrupted by {number.name}; go on with --resume {self.folder}", int(number))

    def _write_last(self, problem: BaseException | None) -> None:
        try:
            while self._last:
                self._last.pop(0)()
        except BaseException as last:
            if problem is None:  # the run is not done without these files
                self.finish(last)
                raise
            if not isinstance(last, (OSError, FolderLost)):
                raise

    def _read_meta(self) -> dict[str, Any]:
        return read_meta(self.folder) if (self.folder / META).exists() else {}

    def _write_meta(self) -> None:
        write_json(self.folder / META, self._meta)


def _outcome(problem: BaseException | None) -> tuple[str, str | None]:
    if problem is None:
        return "done", None
    reason = " ".join(str(problem).split()) or type(problem).__name__
    stopped = isinstance(problem, (Interrupted, KeyboardInterrupt))
    return ("interrupted" if stopped else "failed"), reason


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
