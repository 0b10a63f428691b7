"""The loop of a sweep: keep workers busy, collect outcomes, end runs that hang, repeat once those of dead workers."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common.errors import RunError
from common.runs.journal import Journal
from common.runs.lock import FolderLock
from common.runs.outcome import Outcome, is_final, read_outcome, write_outcome
from common.runs.spec import RunSpec
from common.sweeps.display import Display
from common.sweeps.folder import has_begun
from common.sweeps.groups import Waiting
from common.sweeps.pool import Event, Pool, PoolGone
from common.sweeps.results import Results
from common.sweeps.stopping import Stopping
from common.sweeps.worker import Task

TURN_S = 0.2
GRACE_S = 3.0
ATTEMPTS = 2


@dataclass
class _Running:
    """A task on a worker: which of its runs have begun, when the last one did, and whether it took too long."""

    task: Task
    begun: dict[int, float] = field(default_factory=dict)
    current: tuple[int, ...] = ()
    timed_out: bool = False


class Launcher:
    """The loop of one start of a sweep.

    Args:
        folder: the sweep's, prepared by `common.sweeps.folder`.
        specs: the runs to do now.
        make: turns a group of runs into a task.
        pool: who does them.
        results, journal, lock, display, stopping: what the loop updates, and what may stop it.
        replicas: see `Waiting`.
        run_timeout_s: a run that takes longer is ended and fails; None waits for ever.
    """

    def __init__(
        self,
        folder: Path,
        specs: Sequence[RunSpec],
        make: Any,
        pool: Pool,
        *,
        results: Results,
        journal: Journal,
        lock: FolderLock,
        display: Display,
        stopping: Stopping,
        replicas: int = 1,
        run_timeout_s: float | None = None,
    ) -> None:
        self._folder, self._make, self._pool = folder, make, pool
        self._results, self._journal, self._lock = results, journal, lock
        self._display, self._stopping, self._timeout_s = display, stopping, run_timeout_s
        self._specs = {spec.index: spec for spec in specs}
        self._waiting = Waiting(specs, replicas)
        self._running: dict[str, _Running] = {}
        self._at_work: set[int] = set()
        self._lost: dict[int, int] = {}
        self._launch, self._tasks = uuid.uuid4().hex[:8], 0
        self._missed = False

    @property
    def retries(self) -> int:
        """How often a run was repeated because its worker had died."""
        return sum(min(count, ATTEMPTS - 1) for count in self._lost.values())

    def work(self) -> None:
        """Run everything, or until a signal comes.

        Raises:
            RunError: the sweep cannot go on (full disk, no workers).
        """
        try:
            while (self._waiting or self._running) and self._stopping.received is None:
                self._submit()
                self._take_in(self._pool.collect(TURN_S))
                self._end_what_hangs()
                self._lock.check()
                self._results.save_if_due(retries=self.retries)
        except PoolGone:
            if self._stopping.received is None:  # else the scheduler, in the same job, got that signal too
                raise
        finally:
            # Also after a failure: what still runs is stopped where it can go on, and what ended meanwhile counts.
            self._take_in(self._pool.stop(GRACE_S), last=True)
            for index in sorted(self._at_work - self._results.ended.keys()):
                self._journal.note("interrupted", index=index, run=self._specs[index].folder)

    def _submit(self) -> None:
        size = self._pool.size()
        for _ in range(min(size.idle, len(self._waiting))):
            if not self._waiting:
                break
            task = self._make(f"{self._launch}-{self._tasks:05d}", self._waiting.take(size.workers))
            self._tasks += 1
            self._running[task.id] = _Running(task)
            self._pool.submit(task)
        if not size.workers and not self._missed:
            self._display.say("no workers yet; the sweep goes on as soon as one comes")
        self._missed = not size.workers
        on_the_way = sum(len(running.current) or 1 for running in self._running.values())
        self._display.update(on_the_way, size.workers)

    def _take_in(self, events: Iterable[Event], *, last: bool = False) -> None:
        unwritable = ""
        for event in events:
            running = self._running.get(event.task)
            for outcome in event.outcomes:
                unwritable = unwritable or self._ended(outcome)
            if running is None:
                continue
            if event.kind == "start":
                running.current = event.indices
                self._at_work |= set(event.indices)
                for index in event.indices:
                    running.begun[index] = time.monotonic()
                    self._journal.note("start", index=index, run=self._specs[index].folder, worker=event.worker)
            elif event.kind == "over":
                del self._running[event.task]
                self._waiting.back([spec for spec in running.task.specs if self._open(spec)], alone=False)
            elif event.kind in ("lost", "left"):
                del self._running[event.task]
                self._repeat(running, counts=event.kind == "lost")
        if unwritable and not last:
            raise RunError(f"{unwritable}; mend that and start the same sweep again to go on")

    def _ended(self, outcome: Outcome) -> str:
        """Take over the end of a run; returns why the sweep must stop, if it must."""
        if outcome.status == "unwritable":
            return outcome.reason
        if is_final(outcome) and self._results.add(outcome):
            self._at_work.discard(outcome.index)
            self._journal.ended(outcome)
            self._waiting.measured(outcome.seconds)
        return ""

    def _open(self, spec: RunSpec) -> bool:
        return spec.index not in self._results.ended

    def _repeat(self, running: _Running, *, counts: bool) -> None:
        """A worker is gone: its runs wait again.

        If it `counts`, as the worker has died, a run that had begun is repeated once, in a task of its own. If the
        worker had to end (preemption, a time limit), it is repeated as often as that happens.
        """
        begun: list[RunSpec] = []
        fresh: list[RunSpec] = []
        for spec in running.task.specs:
            if not self._open(spec):
                continue
            found = read_outcome(self._folder / spec.folder, spec.index)
            # The message of its start or end may have been lost with the worker; the folder has both.
            had_begun = spec.index in running.current or has_begun(self._folder, spec, running.task.id)
            if found is not None and (had_begun or found.status == "done"):
                self._ended(found)
            else:
                (begun if had_begun else fresh).append(spec)
        if self._stopping.received is not None:  # a signal to all processes of a job: no failure of the worker
            return
        if running.timed_out and len(begun) == 1:
            self._fail(begun.pop(), f"took longer than {self._timeout_s:g} s (--run-timeout)", "timeout")
        elif counts and not running.timed_out:
            for spec in begun:
                self._lost[spec.index] = self._lost.get(spec.index, 0) + 1
            for spec in [spec for spec in begun if self._lost[spec.index] >= ATTEMPTS]:
                begun.remove(spec)
                self._fail(spec, "its worker died twice (killed, or out of memory)", "lost")
        for spec in begun:
            self._at_work.discard(spec.index)
            self._journal.note("retry" if counts else "preempted", index=spec.index, run=spec.folder)
        self._waiting.back(fresh, alone=False)
        self._waiting.back(begun, alone=counts)

    def _fail(self, spec: RunSpec, reason: str, kind: str) -> None:
        outcome = Outcome(spec.index, "failed", reason=reason, kind=kind)
        write_outcome(self._folder / spec.folder, outcome)
        self._ended(outcome)

    def _end_what_hangs(self) -> None:
        """End workers whose run takes too long by the clock that began with their own start message.

        Runs side by side share a core, so each such call has the time of all its runs; then each is tried alone.
        """
        if self._timeout_s is None:
            return
        now = time.monotonic()
        for running in self._running.values():
            begun = [running.begun[index] for index in running.current if index not in self._results.ended]
            if begun and not running.timed_out and now - min(begun) > self._timeout_s * len(running.current):
                running.timed_out = True
                self._pool.kill(running.task.id)
