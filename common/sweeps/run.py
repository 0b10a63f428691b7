"""Run a sweep: its folder, its lock, its workers, the loop, and its files at the end."""

from __future__ import annotations

import contextlib
import fnmatch
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.errors import InputError, Interrupted
from common.plugins import load, loaded, recorded_folders
from common.runs.journal import Journal, last_outcomes
from common.runs.lock import FolderLock, FolderLost
from common.runs.outcome import Outcome
from common.runs.spec import LAUNCHER, RunSpec
from common.sweeps.dask_cluster import cores, local_client, remote_client
from common.sweeps.dask_pool import DaskPool
from common.sweeps.display import Display
from common.sweeps.folder import SCRATCH, clear_scratch, finished, make_folder, search_own_modules, settle_specs
from common.sweeps.launcher import Launcher
from common.sweeps.listener import Listener
from common.sweeps.pool import Pool
from common.sweeps.results import Results
from common.sweeps.stopping import Stopping
from common.sweeps.worker import Task


@dataclass(frozen=True)
class Work:
    """What is called for every run; see `common.sweeps.worker.Task` and `common.sweeps.sweep.Sweep`."""

    function: str | Callable[..., Any]
    lists: bool = False
    replicas: int = 1
    score: str = "selected_val_acc"

    @property
    def name(self) -> str:
        """`module:name` of the function."""
        if isinstance(self.function, str):
            return self.function
        return f"{self.function.__module__}:{self.function.__qualname__}"

    def check(self) -> None:
        """Raise InputError if there is no such function; it is sought in the working folder too."""
        try:
            if isinstance(self.function, str):
                load(self.function, "function")
        except ImportError as problem:
            raise InputError(f"function {self.function}: cannot be imported ({problem})") from None


@dataclass(frozen=True)
class Options:
    """How to run a sweep, as opposed to what.

    Attributes:
        workers: at most so many; None means all cores (or all workers of the cluster).
        limit: start at most so many runs now; 0 means all.
        only: a glob pattern for run folders or names; "" means all.
        retry_failed: do failed runs again.
        run_timeout_s: a run that takes longer fails; None waits for ever.
        scheduler, scheduler_file: a running cluster instead of this machine's cores.
        quiet: show nothing but errors.
        plots: draw the plots of runs that are done.
    """

    workers: int | None = None
    limit: int = 0
    only: str = ""
    retry_failed: bool = False
    run_timeout_s: float | None = None
    scheduler: str | None = None
    scheduler_file: Path | None = None
    quiet: bool = False
    plots: bool = True


def run_sweep(
    specs: Sequence[RunSpec],
    folder: str | Path,
    function: str | Callable[..., Any] | Work,
    *,
    prog: str = "sweep",
    options: Options | None = None,
    facts: Mapping[str, Any] | None = None,
    listener: Listener | None = None,
    **changes: Any,
) -> dict[int, Outcome]:
    """Run what is not DONE yet and return the ends of all runs that are over, by index.

    Args:
        specs: the runs.
        folder: the sweep's; made if missing.
        function: `module:name` or a function, called as function(config, run folder), that workers can import and that
            returns a mapping of numbers for the table or None; `Work` says more.
        prog: how messages call the sweep.
        options: see `Options`; single ones may be given by name, e.g. workers=4.
        facts: more for manifest.json.
        listener: is called when runs end and tables are saved.

    Raises:
        InputError: another launcher is at work there, or the folder holds another sweep or cannot be written.
        RunError, OSError: the sweep had to stop (full disk, no workers).
        Interrupted: a signal; the next start goes on.
    """
    work = function if isinstance(function, Work) else Work(function)
    search_own_modules(Path(folder))
    work.check()
    place = make_folder(Path(folder))
    with Stopping(prog) as stopping, FolderLock(place, LAUNCHER, "sweep folder") as lock:
        start = _Start(place, specs, work, options or Options(**changes), {"sweep": prog, **(facts or {})}, listener)
        try:
            start.run(lock, stopping)
        except FolderLost:  # another launcher's by now
            raise
        except BaseException:
            with contextlib.suppress(OSError):  # the first failure is the one to report
                start.finish("failed")
            raise
        stopped = stopping.received
        start.finish("interrupted" if stopped else "done")
        if stopped:
            raise Interrupted(f"interrupted by {stopped.name}; {start.progress}; start it again to go on", int(stopped))
        return start.results.ended


class _Start:
    """One start of a sweep, from reading its folder to writing summary.json."""

    def __init__(
        self,
        folder: Path,
        specs: Sequence[RunSpec],
        work: Work,
        options: Options,
        facts: Mapping[str, Any],
        listener: Listener | None,
    ) -> None:
        self._folder, self._work, self._options = folder, work, options
        self._search = tuple(map(str, [Path.cwd(), *recorded_folders(loaded())]))
        self._specs = settle_specs(folder, specs, {**facts, "function": work.name})
        ended = finished(folder, self._specs, retry_failed=options.retry_failed)
        self._todo = selected(self._specs, ended, options)
        self.results: Results = Results(folder, self._specs, work.score, ended, listener)
        self._listener = listener
        self._journal: Journal = Journal(folder)
        self._retries = 0
        known = last_outcomes(folder)
        for index, outcome in ended.items():  # a launcher that was killed could not note these
            if index not in known or known[index].status != outcome.status:
                self._journal.ended(outcome)
        self._journal.note("launch", runs=len(self._specs), over=len(ended), now=len(self._todo))

    @property
    def progress(self) -> str:
        """How far the sweep is."""
        failed = self.results.count("failed")
        return f"{self.results.count('done')} of {len(self._specs)} runs done" + (
            f", {failed} failed" if failed else ""
        )

    def run(self, lock: FolderLock, stopping: Stopping) -> None:
        """Do what there is to do."""
        if not self._todo:
            return

        self.results.save("running")
        options = self._options
        with Display(self.results, len(self._todo), quiet=options.quiet) as display:
            display.say(f"{self.progress}, {len(self._todo)} to do now, in {self._folder}")
            if self._listener:
                self._listener.started(display.say)
            with _pool(self._folder, options, len(self._todo)) as pool:
                self._launch(pool, lock, stopping, display)

    def finish(self, status: str) -> None:
        """Write results.csv and summary.json, and remove what was for this start alone."""
        shutil.rmtree(self._folder / SCRATCH, ignore_errors=True)
        self.results.save(status, retries=self._retries)
        self._journal.note("stop", status=status)

    def _launch(self, pool: Pool, lock: FolderLock, stopping: Stopping, display: Display) -> None:
        def task(name: str, specs: tuple[RunSpec, ...]) -> Task:
            work, plots = self._work, self._options.plots
            return Task(name, str(self._folder), work.function, work.lists, specs, self._search, plots)

        launcher = Launcher(
            self._folder,
            self._todo,
            task,
            pool,
            results=self.results,
            journal=self._journal,
            lock=lock,
            display=display,
            stopping=stopping,
            replicas=self._work.replicas,
            run_timeout_s=self._options.run_timeout_s,
        )
        try:
            launcher.work()
        finally:
            self._retries = launcher.retries
            pool.close()


@contextlib.contextmanager
def _pool(folder: Path, options: Options, runs: int) -> Iterator[Pool]:
    if options.scheduler or options.scheduler_file:
        with remote_client(options.scheduler, options.scheduler_file) as client:
            yield DaskPool(client, str(folder), local=False, most=options.workers)
        return
    workers = max(1, min(cores(), options.workers or cores(), runs))
    with local_client(workers, clear_scratch(folder)) as client:
        yield DaskPool(client, str(folder), local=True)


def selected(specs: Sequence[RunSpec], ended: Mapping[int, Outcome], options: Options) -> list[RunSpec]:
    """The runs to do now.

    Raises:
        InputError: --only matches none of the sweep's runs.
    """
    chosen = list(specs)
    if options.only:
        chosen = [
            spec
            for spec in specs
            if any(fnmatch.fnmatchcase(name, options.only) for name in (spec.folder, spec.name, str(spec.index)))
        ]
        if not chosen:
            raise InputError(f"--only {options.only!r} matches none of {len(specs)} runs, e.g. {specs[0].folder}")
    todo = [spec for spec in chosen if spec.index not in ended]
    return todo[: options.limit] if options.limit else todo
