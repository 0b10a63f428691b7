"""Progress of long work: a rich bar on a terminal; in a log, a plain line now and then."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import time
from types import TracebackType
from typing import Any

PLAIN_EVERY_S = 60.0
GONE = (errno.EPIPE, errno.EIO)  # a reader or a terminal: no reason to end a run, whose log has it all


def mute_stdout() -> None:
    """Discard further output, after its reader (head, less) went away; Python would complain at exit."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print(line: str) -> None:
    try:
        print(line, flush=True)
    except OSError as problem:
        if problem.errno not in GONE:
            raise
        mute_stdout()


class Progress:
    """A bar with the numbers that people watch. Use as a context manager.

    Args:
        total: units of work, e.g. samples of all epochs.
        quiet: show nothing.
        done: units that an earlier start has done.
    """

    def __init__(self, total: int, *, quiet: bool = False, done: int = 0) -> None:
        self._total, self._done, self._first = total, done, done
        self._quiet = quiet
        self._terminal = sys.stderr.isatty() and not quiet
        self._bar: Any = None
        self._task: Any = None
        self._start = self._shown = time.monotonic()
        self._text = ""

    def __enter__(self) -> Progress:
        if self._terminal:
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:3.0f}%"))
            self._bar = Bar(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task("", total=self._total, completed=self._done)
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def echo(self, line: str) -> None:
        """Print a line without disturbing the bar."""
        if self._bar is not None:
            try:
                self._bar.console.print(line, highlight=False, markup=False, soft_wrap=True)
            except OSError as problem:
                if problem.errno not in GONE:
                    raise
        else:
            _print(line)

    @property
    def done(self) -> int:
        """Units that are done, those of an earlier start included."""
        return self._done

    def skip(self, units: int) -> None:
        """Count units that an earlier start has done: they say nothing about the time that the others take."""
        self._first += units
        self._done += units
        if self._bar is not None:
            self._bar.reset(self._task, total=self._total, completed=self._done)

    def advance(self, units: int = 1) -> None:
        """Count units as done; redraws at most ten times a second, so that it may be called for every sample."""
        self._done += units
        now = time.monotonic()
        if now - self._shown < (0.1 if self._terminal else PLAIN_EVERY_S):
            return
        self._shown = now
        if self._bar is not None:
            self._bar.update(self._task, completed=self._done)
        elif not self._quiet:
            _print(f"{self._text} {self._done}/{self._total} ({self._left(now)} left)".strip())

    def describe(self, text: str) -> None:
        """The text beside the bar: epoch, accuracy."""
        self._text = text
        if self._bar is not None:
            self._bar.update(self._task, description=text)

    def _left(self, now: float) -> str:
        rate = (self._done - self._first) / max(now - self._start, 1e-9)
        seconds = int((self._total - self._done) / rate) if rate else 0
        return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
