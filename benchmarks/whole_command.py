"""What a native training takes besides the solver: the start of its command, its plots, and the files of an epoch.

python -m benchmarks.whole_command          # about a minute
"""

from __future__ import annotations

import argparse
import functools
import itertools
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from analog_nmos.dense_trainer import HingeConfig
from analog_nmos.dense_trainer import run as train
from analog_nmos.training.compiled import train_replicas
from benchmarks.nmos_epoch import TRAINERS, Circuits
from benchmarks.turns import Way, in_turns

COMMAND = (sys.executable, "-m", "analog_nmos.dense_trainer", "1", "--epochs", "1", "--backend", "native", "--quiet")


def command(folders: Callable[[], str], *words: str) -> None:
    """One epoch, as a process of its own."""
    subprocess.run([*COMMAND, *words, "--run-dir", folders()], check=True)


def epochs_with_files(folders: Callable[[], str], epochs: int) -> None:
    """A run of an epoch more than `epochs`, without plots."""
    settings = {**TRAINERS["hinge"][1], "body_tie": "ground", "backend": "native", "quiet": True, "plots": False}
    train(HingeConfig(seed=1, epochs=epochs + 1, **settings), Path(folders()))


def epochs_alone(epochs: int) -> None:
    """The same epochs from the same gates, without a run folder."""
    circuits = Circuits("hinge", "native", "ground", 1)
    for _ in range(epochs + 1):
        circuits.epoch(train_replicas)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="of which the shortest counts (default: 5)")
    parser.add_argument("--epochs", type=int, default=100, help="of the run whose files are timed (default: 100)")
    given = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as place:
        number = itertools.count()

        def folders() -> str:
            return str(Path(place, f"run_{next(number)}"))

        commands = [
            Way("with plots", functools.partial(command, folders)),
            Way("--no-plots", functools.partial(command, folders, "--no-plots")),
        ]
        command(folders)  # compiles what is not kept yet
        print("nmos-dense 1 --epochs 1 --backend native: seconds, CPU seconds")
        for way, taken in zip(commands, in_turns(commands, given.rounds), strict=True):
            print(f"  {way.name:12}{taken.wall:6.2f}{taken.cpu:6.2f}", flush=True)
        ways = [
            Way(f"files {epochs}", functools.partial(epochs_with_files, folders, epochs))
            for epochs in (0, given.epochs)
        ]
        ways += [Way(f"alone {epochs}", functools.partial(epochs_alone, epochs)) for epochs in (0, given.epochs)]
        first, run, none, alone = (taken.cpu for taken in in_turns(ways, given.rounds))
        whole, solver = ((more - less) / given.epochs * 1e3 for more, less in ((run, first), (alone, none)))
        print(f"CPU ms an epoch: {whole:.1f} with files, {solver:.1f} without: {whole - solver:.1f} for the files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
