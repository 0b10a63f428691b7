"""How long the published hinge grid (1458 runs of 100 epochs) takes here with the native solver, from a random part.

python benchmarks/hinge_grid_estimate.py                          60 runs at 100 epochs: some minutes on two cores
python benchmarks/hinge_grid_estimate.py --runs 16 --epochs 10    quick and rough: later epochs are cheaper

The runs are a simple random sample of the grid and go through the sweep engine as the whole would. Runs that were lanes
of one call share their time, so the error comes from resampling these calls.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np

from analog_nmos.dense_sweep import SWEEP
from common.runs.journal import read_events
from common.sweeps import RunSpec, run_sweep
from common.sweeps.axes import chosen_axes
from common.sweeps.dask_cluster import cores
from common.sweeps.run import Work


def draw(runs: int, epochs: int, seed: int) -> tuple[list[RunSpec], int]:
    """A random part of the grid in the grid's order, and the size of the whole."""
    specs = SWEEP.specs(chosen_axes(SWEEP.config, SWEEP.axes, None, {"epochs": str(epochs)}))
    chosen = np.sort(np.random.default_rng(seed).permutation(len(specs))[:runs])
    return [specs[index] for index in chosen], len(specs)


def calls(folder: Path, seconds: dict[int, float]) -> list[tuple[int, float]]:
    """(runs, seconds of the worker) of each call, told apart by worker and moment of its start message."""
    members: dict[tuple[str, str], list[int]] = defaultdict(list)
    latest = None
    for event in read_events(folder):
        if event["event"] != "start":
            latest = None
            continue
        latest = latest if latest and latest[0] == event["worker"] else (event["worker"], event["time"])
        members[latest].append(event["index"])
    return [(len(group), sum(seconds[index] for index in group)) for group in members.values()]


def estimate_s(groups: Sequence[tuple[int, float]], whole: int, workers: int) -> tuple[float, float]:
    """Seconds of the whole grid on so many workers, and the standard error of that."""
    counts, seconds = np.array(groups).T
    rng = np.random.default_rng(0)
    picks = rng.integers(len(groups), size=(2000, len(groups)))
    means = seconds[picks].sum(1) / counts[picks].sum(1)
    left = np.sqrt(max(0.0, 1 - counts.sum() / whole))  # of a finite grid a part is known exactly
    scale = whole / workers
    return float(scale * seconds.sum() / counts.sum()), float(scale * means.std() * left)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    parser.add_argument("--workers", type=int, default=min(2, cores()))
    parser.add_argument("--sweep-dir", type=Path, help="keep the runs here (default: a temporary folder)")
    arguments = parser.parse_args(argv)
    specs, whole = draw(arguments.runs, arguments.epochs, arguments.seed)
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.sweep_dir or Path(temporary)
        start = time.perf_counter()
        work = Work(SWEEP.function, SWEEP.lists, SWEEP.replicas)
        ended = run_sweep(specs, folder, work, workers=arguments.workers, quiet=True)
        total = time.perf_counter() - start
        seconds = {index: outcome.seconds for index, outcome in ended.items()}
        groups = calls(folder, seconds)
        size_MiB = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20 / len(specs)
        moments = [datetime.fromisoformat(event["time"]) for event in read_events(folder)]
    failed = sum(outcome.status != "done" for outcome in ended.values())
    mean_s, error_s = estimate_s(groups, whole, arguments.workers)
    clock_s = (moments[-1] - moments[0]).total_seconds() * whole / len(specs)
    print(f"{len(specs)} of {whole} runs, {arguments.epochs} epochs, {arguments.workers} workers: {total:.0f} s in all")
    print(f"{len(groups)} calls of 1 to {max(count for count, _ in groups)} lanes, {failed} runs failed")
    print(f"a run takes {sum(seconds.values()) / len(seconds):.2f} s of a core, and {size_MiB:.1f} MiB")
    print(f"the whole grid on {arguments.workers} cores: {mean_s / 3600:.2f} +- {error_s / 3600:.2f} hours")
    print(f"(by the clock of this part, with the start of the workers: {clock_s / 3600:.2f} hours)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
