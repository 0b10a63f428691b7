"""A running run: status with pid and heartbeat, log, metrics, and the places where it may be stopped."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from common.errors import Interrupted
from common.runs import metrics
from common.runs.files import append_line, write_json
from common.runs.folder import META
from common.runs.origin import describe
from common.runs.read import read_meta
from common.runs.signals import StopSignals

SCHEMA = 1
HEARTBEAT_S = 10.0
LOG = "train_log.txt"


class Run:
    """One run folder while it is written. Use as a context manager: how the block ends becomes the status.

    Args:
        folder: from `common.runs.new_folder` (a new run) or `existing_folder` (goes on with an earlier one).
        config: the whole configuration, a dataclass or a mapping.
        signals: an entered `StopSignals`, which many runs of one process may share.
        echo: shows a log line on the screen; None for quiet.
        facts: more for run_meta.json.
    """

    def __init__(
        self,
        folder: Path,
        config: Any,
        signals: StopSignals,
        *,
        echo: Callable[[str], None] | None = print,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        self.folder = folder
        self._echo = echo
        self._signals = signals
        self._last_beat = time.monotonic()
        earlier = read_meta(folder) if (folder / META).exists() else {}
        values = asdict(config) if is_dataclass(config) and not isinstance(config, type) else dict(config)
        self._meta = {
            "schema_version": SCHEMA,
            "status": "running",
            "reason": None,
            "config": values,
            "seed": values.get("seed"),
            **dict(facts or {}),
            **describe(),
            "pid": os.getpid(),
            "started": earlier.get("started", _now()),
            "resumed": [*earlier.get("resumed", []), _now()] if earlier else [],
            "heartbeat": _now(),
            "ended": None,
        }

    def __enter__(self) -> Run:
        for stray in self.folder.glob(".*.tmp"):  # left by a killed process
            stray.unlink()
        self._write_meta()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish(problem)

    def finish(self, problem: BaseException | None = None) -> None:
        """Write the final status (done, interrupted or failed, with the reason); only the first call counts."""
        if self._meta["ended"]:
            return
        status, reason = _outcome(problem)
        self._meta.update(status=status, reason=reason, ended=_now(), heartbeat=_now())
        if problem is None:
            self._write_meta()
            return
        # The first failure is the one to report: on a full disk these two lines may fail as well.
        with contextlib.suppress(OSError):
            append_line(self.folder / LOG, f"{status}: {reason}")
        with contextlib.suppress(OSError):
            self._write_meta()

    def log(self, line: str) -> None:
        """One line to train_log.txt and, unless quiet, to the screen."""
        append_line(self.folder / LOG, line)
        if self._echo:
            self._echo(line)

    def metrics(self, row: Mapping[str, Any]) -> None:
        """Append a row to metrics.csv (see `common.runs.metrics.append_row`)."""
        metrics.append_row(self.folder, row)

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
            Interrupted: a signal has come.
        """
        if self._signals.received is not None:
            self._stop()

    def _stop(self) -> None:
        number = self._signals.received
        assert number is not None
        raise Interrupted(f"interrupted by {number.name}; go on with --resume {self.folder}", int(number))

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
