"""What happens on a worker: skip what is DONE, run, write DONE or FAILED, and send one summary line a run."""

from __future__ import annotations

import contextlib
import importlib
import os
import socket
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.errors import Interrupted
from common.plugins import add_search_path
from common.runs.files import append_line
from common.runs.lock import RUN_LOCK, Held, is_held
from common.runs.outcome import BEGUN, Outcome, is_unwritable, one_line, read_outcome, write_outcome
from common.runs.spec import RunSpec
from common.sweeps.capture import captured
from common.sweeps.folder import STREAMS, prepare
from common.sweeps.halt import Halted, Report, at_work
from common.warning_lines import short_warnings

WAIT_S = 0.5


@dataclass(frozen=True)
class Task:
    """Runs that travel to a worker together.

    Attributes:
        id: unique in the sweep.
        folder: the sweep's.
        function: `module:name`, or the function itself. It gets a configuration and a run folder and returns numbers
            for the table; or, where `lists` is true, a list of each, and returns a list of numbers or exceptions. Where
            it has an attribute `draw_plots`, that is called with the configurations and folders of runs that are done,
            when the sweep has heard so: their time and their end do not depend on it.
        lists: see there.
        specs: the runs, one after the other; those with a group word go side by side into one call.
        plots: whether plots are drawn.
        search: folders in which the function and the users' own things that a configuration names are sought, after all
            other places.
    """

    id: str
    folder: str
    function: str | Callable[..., Any]
    lists: bool
    specs: tuple[RunSpec, ...]
    search: tuple[str, ...] = ()
    plots: bool = True

    @property
    def side_by_side(self) -> bool:
        """Whether its runs are one call."""
        return self.lists and len(self.specs) > 1 and bool(self.specs[0].group)


def run_task(task: Task, report: Report) -> list[Outcome]:
    """Run a task's runs and return the outcomes of all that were begun; a task that is stopped leaves out the others.

    Raises:
        ImportError, AttributeError: there is no such function here, whatever the run.

    `report` gets a message at each start ({"event": "start", "indices", "pid", "host"}) and end ({"event": "end",
    "outcome"}), and {"event": "leaving"} when the worker has to end.
    """
    add_search_path(map(Path, task.search))
    outcomes: dict[int, Outcome] = {}
    folder = Path(task.folder)
    with at_work(task.folder, report) as stopping:
        try:
            _wait_until_free(folder / spec.folder / RUN_LOCK for spec in task.specs)
            waiting = [spec for spec in task.specs if not _is_done(folder, spec, outcomes)]
            calls = [waiting] if task.side_by_side and waiting else [[spec] for spec in waiting]
            for specs in calls:
                if stopping():
                    break
                report({"event": "start", "indices": [s.index for s in specs], "pid": os.getpid(), "host": _host()})
                for outcome in _call(task, folder, specs):
                    outcomes[outcome.index] = outcome
                    report({"event": "end", "outcome": outcome})
                _draw_plots(task, folder, [spec for spec in specs if outcomes[spec.index].status == "done"])
        except Halted:  # between two runs
            pass
    return list(outcomes.values())


def resolve(function: str | Callable[..., Any]) -> Callable[..., Any]:
    """The function that `module:name` names.

    Raises:
        ImportError, AttributeError: there is none.
    """
    if callable(function):
        return function
    module, _, name = function.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return found


def _wait_until_free(locks: Iterable[Path]) -> None:
    """Wait while other processes are at work on the runs: workers that the scheduler has lost, or a user's."""
    for lock in locks:
        while is_held(lock):
            time.sleep(WAIT_S)


def _is_done(folder: Path, spec: RunSpec, outcomes: dict[int, Outcome]) -> bool:
    """Whether another start has finished the run meanwhile; its outcome is added then."""
    outcome = read_outcome(folder / spec.folder, spec.index)
    if outcome is None or outcome.status != "done":
        return False
    outcomes[spec.index] = outcome
    return True


def _call(task: Task, folder: Path, specs: Sequence[RunSpec]) -> list[Outcome]:
    start = time.monotonic()
    try:
        runs = [prepare(folder, spec, task.id) for spec in specs]
        with _streams(folder, task.id, runs), short_warnings():
            results = _results(task, specs, runs)
        share = (time.monotonic() - start) / len(specs)
        return [_end(folder, spec, result, share) for spec, result in zip(specs, results, strict=True)]
    except Halted as problem:
        share = (time.monotonic() - start) / len(specs)
        return [_end(folder, spec, problem, share) for spec in specs]
    except OSError as problem:
        return [Outcome(spec.index, "unwritable", reason=_where(problem)) for spec in specs]


def _results(task: Task, specs: Sequence[RunSpec], runs: Sequence[Path]) -> list[Any]:
    """What the function returned for each run, or the exception that ended it."""
    function = resolve(task.function)
    configs = [dict(spec.config) for spec in specs]
    try:
        if not task.lists:
            return [function(configs[0], runs[0])]
        return list(function(configs, list(runs)))
    except (Exception, SystemExit) as problem:  # noqa: BLE001 - it is reported as the run's end
        if isinstance(problem, (Interrupted, Held)) or is_unwritable(problem, Path(task.folder)):
            return [problem] * len(specs)
        if len(specs) == 1:
            _write_trace(runs[0], problem)
            return [problem]
    # One of them broke the call for all: each by itself, so that it alone fails. The others go on where they were.
    return [_results(task, [spec], [run])[0] for spec, run in zip(specs, runs, strict=True)]


def _end(folder: Path, spec: RunSpec, result: Any, seconds: float) -> Outcome:
    """The end of a run, with DONE or FAILED on disk if it is a final one."""
    if isinstance(result, BaseException) and is_unwritable(result, folder):
        assert isinstance(result, OSError)
        return Outcome(spec.index, "unwritable", seconds, reason=_where(result))
    if isinstance(result, (Interrupted, KeyboardInterrupt, Held)):
        return Outcome(spec.index, "interrupted", seconds, reason=one_line(result))
    if isinstance(result, BaseException):
        outcome = Outcome(spec.index, "failed", seconds, reason=one_line(result), kind="error")
    else:
        outcome = Outcome(spec.index, "done", seconds, dict(result or {}))
    write_outcome(folder / spec.folder, outcome)
    (folder / spec.folder / BEGUN).unlink(missing_ok=True)
    return outcome


def _draw_plots(task: Task, folder: Path, specs: Sequence[RunSpec]) -> None:
    draw = getattr(resolve(task.function), "draw_plots", None)
    if draw is not None and task.plots and specs:
        with short_warnings():
            draw([dict(spec.config) for spec in specs], [folder / spec.folder for spec in specs])


@contextlib.contextmanager
def _streams(folder: Path, task_id: str, runs: Sequence[Path]) -> Iterator[None]:
    """stdout.txt and stderr.txt of a run; what runs side by side print into one stream goes to each of them."""
    if len(runs) == 1:
        with captured(*(runs[0] / name for name in STREAMS)):
            yield
        return
    shared = [runs[0] / f".{task_id}.{name}" for name in STREAMS]
    try:
        with captured(*shared):
            yield
    finally:
        for name, path in zip(STREAMS, shared, strict=True):
            text = path.read_text(errors="replace") if path.exists() else ""
            path.unlink(missing_ok=True)
            for run in runs:
                with open(run / name, "a") as stream:
                    stream.write(text)


def _write_trace(run: Path, problem: BaseException) -> None:
    with contextlib.suppress(OSError):
        for line in "".join(traceback.format_exception(problem)).splitlines():
            append_line(run / "stderr.txt", line)


def _where(problem: OSError) -> str:
    return f"{problem.strerror or problem}" + (f" ({problem.filename})" if problem.filename else "")


def _host() -> str:
    return socket.gethostname()
