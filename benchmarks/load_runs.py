"""Seconds for `common.runs.load_runs` over many run folders, and over the same with pandas reading every metrics.csv.

python -m benchmarks.load_runs
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from analog_nmos.dense_trainer import HingeConfig
from analog_nmos.dense_trainer import run as train
from common.runs import load_run, load_runs, read
from common.runs.folder import META
from common.runs.metrics import NAME


def make_folders(place: Path, runs: int, epochs: int) -> None:
    """Train one run and copy what readers look at."""
    few = {"train_limit": 20, "test_limit": 20, "vg_init": "fixed"}
    first = train(HingeConfig(epochs=epochs, backend="native", quiet=True, plots=False, **few), place / "run_0000")
    for number in range(1, runs):
        folder = place / f"run_{number:04d}"
        folder.mkdir()
        for name in (META, NAME):
            shutil.copy(first / name, folder / name)


def timed(pattern: str) -> tuple[float, pd.DataFrame]:
    """Seconds of CPU time, and the table."""
    start = time.process_time()
    table = load_runs(pattern)
    return time.process_time() - start, table


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2000, metavar="N", help="run folders (default: 2000)")
    parser.add_argument("--epochs", type=int, default=100, metavar="N", help="rows in each (default: 100)")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="nonideal-") as place:
        make_folders(Path(place), arguments.runs, arguments.epochs)
        pattern = f"{place}/run_*"
        load_run(Path(place, "run_0000")).metrics  # noqa: B018 - loads pandas
        best, table = min((timed(pattern) for _ in range(3)), key=lambda pair: pair[0])
        light = read.plain_last_row
        read.plain_last_row = lambda folder: None
        by_pandas, same = timed(pattern)
        read.plain_last_row = light
    pd.testing.assert_frame_equal(table, same)
    print(f"{arguments.runs} runs of {arguments.epochs} epochs: {best:.2f} s; read by pandas {by_pandas:.2f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
