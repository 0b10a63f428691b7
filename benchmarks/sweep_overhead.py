"""What the sweep engine costs per run, beside a bare loop in as many processes.

python benchmarks/sweep_overhead.py                       two minutes on two cores: 60 runs of 2 s
python benchmarks/sweep_overhead.py --runs 10 --sleep     quicker; runs that sleep, so that no other work disturbs

The engine's start (processes, Dask's import) is told apart from what each run costs.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from common.runs.journal import read_events
from common.sweeps import RunSpec, run_sweep
from common.sweeps.dask_cluster import cores


def work(config: dict[str, Any], folder: Path) -> dict[str, float]:
    """A run: so many steps of arithmetic, or a sleep."""
    if config["sleep"]:
        time.sleep(config["seconds"])
    else:
        spin(config["steps"])
    return {"selected_val_acc": 0.0}


def spin(steps: int) -> float:
    total = 0.0
    for step in range(steps):
        total += step * 0.5
    return total


def calibrate(seconds: float) -> int:
    """Steps that take so long."""
    steps = 2_000_000
    spin(steps)
    start = time.perf_counter()
    spin(steps)
    return int(steps * seconds / (time.perf_counter() - start))


def loop(configs: Sequence[dict[str, Any]], begin: Any, done: Any) -> None:
    begin.wait()
    for config in configs:
        work(config, Path())
    done.put(time.perf_counter())


def bare_s(configs: Sequence[dict[str, Any]], workers: int) -> float:
    """Seconds of a bare loop over the runs in each of `workers` processes, without their start."""
    context = multiprocessing.get_context("spawn")
    begin, done = context.Barrier(workers + 1), context.SimpleQueue()
    processes = [context.Process(target=loop, args=(configs[w::workers], begin, done)) for w in range(workers)]
    for process in processes:
        process.start()
    begin.wait()
    start = time.perf_counter()
    for process in processes:
        process.join()
    return time.perf_counter() - start


def engine_s(configs: Sequence[dict[str, Any]], workers: int) -> tuple[float, float]:
    """Seconds of a sweep over the same runs: from the first run's start to the last one's end, and in all."""
    specs = [RunSpec(index, f"n{index}", config) for index, config in enumerate(configs)]
    # By its own name, as workers do not know this file's functions as those of their main module.
    sys.path.insert(0, str(Path(__file__).parent))
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        run_sweep(specs, folder, "sweep_overhead:work", workers=workers, quiet=True)
        total = time.perf_counter() - start
        events = read_events(Path(folder))
    times = {
        kind: [datetime.fromisoformat(event["time"]).timestamp() for event in events if event["event"] == kind]
        for kind in ("start", "done")
    }
    return max(times["done"]) - min(times["start"]), total


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=2.0, help="of a run (default: 2)")
    parser.add_argument("--workers", type=int, default=cores())
    parser.add_argument("--sleep", action="store_true", help="runs sleep instead of computing")
    arguments = parser.parse_args(argv)
    steps = 0 if arguments.sleep else calibrate(arguments.seconds)
    configs = [{"sleep": arguments.sleep, "seconds": arguments.seconds, "steps": steps}] * arguments.runs
    bare = bare_s(configs, arguments.workers)
    steady, total = engine_s(configs, arguments.workers)
    per_worker = -(-arguments.runs // arguments.workers)
    kind = "sleeping" if arguments.sleep else "computing"
    print(f"{arguments.runs} {kind} runs of {arguments.seconds:g} s on {arguments.workers} workers")
    print(f"bare loop {bare:.2f} s; engine {steady:.2f} s from the first start to the last end, {total:.2f} s in all")
    print(f"overhead per run {1e3 * (steady - bare) / per_worker:.0f} ms, {100 * (steady / bare - 1):.1f} percent")
    print(f"start and end of the engine {total - steady:.2f} s, once a sweep")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
