"""--dry-run of a sweep: how many runs, and from short versions of them how much time, memory and disk they need."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from common import probe
from common.errors import RunError
from common.runs.spec import RunSpec
from common.sweeps.dask_cluster import cores
from common.sweeps.definition import Definition
from common.sweeps.folder import finished
from common.sweeps.run import Options, selected
from common.sweeps.worker import Task, run_task

EPOCHS = (1, 3)


@dataclass(frozen=True)
class Cost:
    """What short runs took.

    Attributes:
        start_s: until a worker's first run is under way (loading, compiling).
        run_s: one run in full, side by side with others where the sweep does so.
        memory_MiB: of a worker at its largest.
        files_MiB: that a run leaves.
        epochs: of the longer one.
    """

    start_s: float
    run_s: float
    memory_MiB: float
    files_MiB: float
    epochs: int = EPOCHS[1]


def describe(sweep: Definition, specs: Sequence[RunSpec], folder: Path, options: Options) -> str:
    """Measure a short run and say what the whole will take; nothing is written to the sweep's folder."""
    todo = selected(specs, finished(folder, specs, retry_failed=options.retry_failed), options)
    head = f"{sweep.prog}: {len(specs)} runs, {len(todo)} to do now, in {folder}"
    if not todo:
        return head
    cluster = options.scheduler or options.scheduler_file
    workers = (options.workers or 1) if cluster else max(1, min(cores(), options.workers or cores(), len(todo)))
    if sweep.estimate:
        return f"{head}\n{sweep.estimate(todo, workers)}"
    kinds: dict[str, list[RunSpec]] = {}
    for spec in todo:
        kinds.setdefault(sweep.kind(spec), []).append(spec)
    costs = [(those, measure(sweep, those)) for those in kinds.values()]
    seconds = sum(len(those) * cost.run_s for those, cost in costs) / workers + max(cost.start_s for _, cost in costs)
    memory_MiB = workers * max(cost.memory_MiB for _, cost in costs)
    files_MiB = sum(len(those) * cost.files_MiB for those, cost in costs)
    return "\n".join(
        [
            head,
            *(_line(those, cost) for those, cost in costs),
            f"about {probe.clock(seconds)} (h:mm:ss) on {workers} worker(s), {memory_MiB:.0f} MiB of memory, "
            f"{files_MiB:.0f} MiB of files",
        ]
    )


def _line(specs: Sequence[RunSpec], cost: Cost) -> str:
    return (
        f"{len(specs)} run(s) like {specs[0].name}: a run takes about {cost.run_s:.3g} s "
        f"(measured on {cost.epochs} epochs), a worker's start {cost.start_s:.1f} s"
    )


def measure(sweep: Definition, specs: Sequence[RunSpec]) -> Cost:
    """Run short versions of the first run, or of as many as travel side by side with it, in a process of their own.

    Raises:
        RunError: a short run failed.
    """
    group = [spec for spec in specs if spec.group == specs[0].group][: sweep.replicas if specs[0].group else 1]
    with tempfile.TemporaryDirectory(prefix="nonideal-") as folder:
        tasks = []
        for number, epochs in enumerate((EPOCHS[0], *EPOCHS)):
            short = tuple(replace(spec, config=sweep.short(spec.config, epochs)[0]) for spec in group)
            tasks.append(Task("probe", f"{folder}/{number}", sweep.function, sweep.lists, short))
        [measured] = probe.measure(_short_runs, tasks, what=f"a short run of {specs[0].folder}")
    first_s, one_s, more_s = measured.value[0]
    _, one_bytes, more_bytes = measured.value[1]
    weight = sweep.short(specs[0].config, 1)[1]
    all_epochs = _epochs(sweep, specs[0])
    few, more = (sweep.short(specs[0].config, epochs)[0].get("epochs", epochs) for epochs in EPOCHS)
    epoch_s = max(more_s - one_s, 0.0) / (more - few)
    epoch_bytes = (more_bytes - one_bytes) / (more - few)
    run_s = (max(one_s - few * epoch_s, 0.0) + epoch_s * weight * all_epochs) / len(group)
    return Cost(
        start_s=max(first_s - one_s, 0.0),
        run_s=run_s,
        memory_MiB=measured.memory_MiB,
        files_MiB=(one_bytes + epoch_bytes * all_epochs) / len(group) / 2**20,
        epochs=more,
    )


def _short_runs(ready: probe.Ready, tasks: Sequence[Task]) -> tuple[list[float], list[int]]:
    """Seconds and bytes of each task. The first pays for loading; the next two differ by some epochs."""
    seconds, sizes = [], []
    for task in tasks:
        folder = Path(task.folder)
        folder.mkdir()
        start = time.perf_counter()
        outcomes = run_task(task, lambda message: None)
        seconds.append(time.perf_counter() - start)
        for outcome in outcomes:
            if outcome.status != "done":
                raise RunError(outcome.reason)
        sizes.append(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()))
    return seconds, sizes


def _epochs(sweep: Definition, spec: RunSpec) -> float:
    """Epochs of the whole run: its own setting, else the experiment's default."""
    default = next((field.default for field in fields(sweep.config) if field.name == "epochs"), 1)
    return float(spec.config.get("epochs", default))
