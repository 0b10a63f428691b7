"""What a sweep shows while it runs: done, failed, running, time left, and the best result so far."""

from __future__ import annotations

import time
from types import TracebackType

from common.progress import PLAIN_EVERY_S, Progress
from common.sweeps.results import Results

REDRAW_S = 0.2


class Display:
    """A bar on a terminal, a plain line a minute in a log, nothing if quiet. Use as a context manager."""

    def __init__(self, results: Results, todo: int, *, quiet: bool) -> None:
        self._results, self._quiet = results, quiet
        before = len(results.ended)
        self._bar = Progress(before + todo, quiet=quiet, done=before)
        self._shown, self._redrawn = before, 0.0

    def __enter__(self) -> Display:
        self._bar.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.__exit__(kind, problem, trace)

    def say(self, line: str) -> None:
        """A line of its own, unless quiet."""
        if not self._quiet:
            self._bar.echo(line)

    def update(self, running: int, workers: int) -> None:
        """Show how far it is; cheap enough for every turn of a loop."""
        now = time.monotonic()
        ended = len(self._results.ended)
        if ended == self._shown and now - self._redrawn < PLAIN_EVERY_S:
            return
        if now - self._redrawn < REDRAW_S:
            return
        self._redrawn = now
        parts = [f"{self._results.count('done')} done", f"{self._results.count('failed')} failed"]
        parts += [f"{running} running on {workers} worker{'s' * (workers != 1)}"]
        best = self._results.best()
        if best is not None:
            parts.append(f"best {self._results.score} {best[0]:.4f} ({best[1].folder})")
        self._bar.describe(", ".join(parts))
        self._bar.advance(ended - self._shown)
        self._shown = ended
