"""--dry-run of a campaign: the number of runs, and time and memory from steps measured on all workers at once."""

from __future__ import annotations

import json
import math
import multiprocessing
import resource
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common.errors import RunError
from common.runs.files import write_json
from common.runs.spec import RunSpec
from corruption_study.campaign import families

START_S = 4.0  # a worker's own start: Python, Dask


def describe(specs: Sequence[RunSpec], todo: Sequence[RunSpec], folder: Path, workers: int, stack: int | None) -> str:
    """Some lines for the user. Nothing is written to the campaign's folder.

    Raises:
        RunError: the measured steps failed.
    """
    lines = [f"corruption-run: {len(specs)} runs, {len(todo)} to do now, in {folder}"]
    seconds, memory_MiB = 0.0, 0.0
    for model_type, those in families(todo).items():
        busy = min(workers, len(those))
        most = stack if stack is not None else max(1, len(those) // workers)
        probes = _measure(those[0].config, most, busy)
        run_s = max(_run_seconds(those[0].config, probe) for probe in probes)
        seconds += math.ceil(len(those) / busy) * run_s
        memory_MiB = max(memory_MiB, sum(probe["memory_MiB"] for probe in probes))
        lines.append(
            f"{len(those)} runs of {model_type}: about {run_s:.3g} s each, {probes[0]['stack']} side by side "
            f"(steps measured on {busy} worker{'s' * (busy > 1)} at once)"
        )
    if todo:
        start_s = START_S + max(probe["start_s"] for probe in probes)
        lines.append(f"about {_clock(seconds + start_s)} (h:mm) on {workers} worker(s), {memory_MiB:.0f} MiB of memory")
    return "\n".join(lines)


def _run_seconds(settings: Mapping[str, Any], probe: Mapping[str, Any]) -> float:
    steps = math.ceil(probe["samples"] / settings["batch_size"]) * settings["epochs"]
    return float(steps * probe["step_s"] + (1 + len(settings["test_ps"])) * probe["test_s"])


def _measure(settings: Mapping[str, Any], most: int, workers: int) -> list[dict[str, Any]]:
    """Measure in as many processes as will work: cores that share a memory or a clock slow each other down."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="nonideal-") as folder:
        barrier = context.Barrier(workers)
        paths = [Path(folder, f"{number}.json") for number in range(workers)]
        children = [context.Process(target=_probe, args=(dict(settings), most, barrier, path)) for path in paths]
        for child in children:
            child.start()
        for child in children:
            child.join()
        if not all(path.exists() for path in paths):
            raise RunError(f"measuring some steps broke off (exit code {children[0].exitcode})")
        found = [json.loads(path.read_text()) for path in paths]
    problems = [probe["error"] for probe in found if "error" in probe]
    if problems:
        raise RunError(f"measuring some steps failed: {problems[0]}")
    return found


def _probe(settings: dict[str, Any], most: int, barrier: Any, report: Path) -> None:
    try:
        from common.cli import build
        from corruption_study.config import TrainConfig
        from corruption_study.data import training_and_test
        from corruption_study.stack_size import measure

        samples = len(training_and_test(build(TrainConfig, dict(settings)))[0])
        barrier.wait(120)
        found = measure(settings, most)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        write_json(report, {**vars(found), "samples": samples, "memory_MiB": peak / 2**20})
    except Exception as problem:  # noqa: BLE001 - told by the parent
        write_json(report, {"error": f"{type(problem).__name__}: {problem}"})


def _clock(seconds: float) -> str:
    minutes = math.ceil(seconds / 60)
    return f"{minutes // 60}:{minutes % 60:02d}"
