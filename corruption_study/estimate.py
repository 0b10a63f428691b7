"""--dry-run: time and memory of a campaign, or of single runs, from some measured steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from common import probe
from common.cli import build
from common.experiment import Estimate, Start, clock
from common.runs.spec import RunSpec
from corruption_study.campaign import families
from corruption_study.config import TrainConfig
from corruption_study.data import load_images
from corruption_study.stack_size import Measured, measure, sizes_up_to

START_S = 4.0  # to start a worker: Python, Dask


def describe(specs: Sequence[RunSpec], todo: Sequence[RunSpec], folder: Path, workers: int, stack: int | None) -> str:
    """The estimate of a campaign as text. Nothing is written to the campaign's folder.

    Raises:
        RunError: the measured steps failed.
    """
    lines = [f"corruption-run: {len(specs)} runs, {len(todo)} to do now, in {folder}"]
    seconds, start_s, memory_MiB = 0.0, 0.0, 0.0
    for model_type, those in families(todo).items():
        config = build(TrainConfig, dict(those[0].config))
        busy = min(workers, len(those))
        most = stack if stack is not None else max(1, len(those) // workers)
        # Measured in as many processes as will train: cores that share memory or a clock slow each other down.
        found = probe.measure(_steps, config, most, processes=busy, what="measuring some steps")
        run_s = max(_run_s(config, each.value) for each in found)
        seconds += math.ceil(len(those) / busy) * run_s
        start_s = max(start_s, *(each.value.start_s for each in found))
        memory_MiB = max(memory_MiB, sum(each.memory_MiB for each in found))
        lines.append(
            f"{len(those)} runs of {model_type}: about {run_s:.3g} s each, {found[0].value.stack} side by side "
            f"(steps measured on {busy} worker{'s' * (busy > 1)} at once)"
        )
    if todo:
        time = clock(seconds + START_S + start_s)
        lines.append(f"about {time} (h:mm:ss) on {workers} worker(s), {memory_MiB:.0f} MiB of memory")
    return "\n".join(lines)


def of_runs(configs: Sequence[TrainConfig], starts: Sequence[Start]) -> Estimate:
    """The estimate of runs that train side by side in this process."""
    from corruption_study.runs import open_runs

    with open_runs(configs, starts):
        found = measure(configs[0], (len(configs),))
    seconds = found.start_s + len(configs) * _run_s(configs[0], found)
    line = f"{len(configs)} run(s) of {configs[0].model_type}: {1e3 * found.step_s:.3g} ms for each step of a run"
    return Estimate((line,), seconds, memory_MiB=probe.peak_memory_MiB())


def _steps(ready: Callable[[], None], config: TrainConfig, most: int) -> Any:
    load_images(config)
    ready()
    return measure(config, sizes_up_to(config, most))


def _run_s(config: TrainConfig, found: Measured) -> float:
    """Seconds of a run: all its steps, and its tests."""
    samples = min(len(load_images(config).train_x), config.max_train_samples or math.inf)
    steps = math.ceil(samples / config.batch_size) * config.epochs
    return steps * found.step_s + (1 + len(config.test_ps)) * found.test_s
