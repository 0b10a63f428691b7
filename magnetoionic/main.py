"""Train classifiers whose weights are pairs of magneto-ionic devices (`magnetoionic-train`)."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common.cli import Parser, add_options, build, check, run_command
from common.errors import InputError
from magnetoionic.config import TrainConfig

PROG = "magnetoionic-train"
DESCRIPTION = """\
Train ten models on pairs of magneto-ionic devices, test them, and test again after the field has relaxed.

example: magnetoionic-train --lr 1000 --var 0.2 --clipping 0.1 --resistor_noise 0.015
         About 97 % on MNIST after 20 epochs; a few minutes on two cores.
"""
PATHS = ("device_curve", "data_root")
LATER = ("curve_columns",)  # options that folders of earlier versions lack


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = Parser(prog=PROG, description=DESCRIPTION)
    add_options(parser, TrainConfig)
    text = "folder of the simulation (default: $RUN_DIR, else a new one below simulations/)"
    parser.add_argument("--run-dir", type=Path, metavar="DIR", help=text)
    text = "go on with the simulation in this folder, with its settings"
    parser.add_argument("--resume", type=Path, metavar="DIR", help=text)
    text = "check everything, time some batches, estimate the whole, and write nothing"
    parser.add_argument("--dry-run", action="store_true", help=text)
    given = vars(parser.parse_args(argv))
    where = {name: given.pop(name) for name in ("run_dir", "resume", "dry_run")}
    return run_command(PROG, lambda: _work(given, argparse.Namespace(**where)))


def run(config: TrainConfig, run_dir: str | Path | None = None, *, resume: bool = False) -> Path:
    """Train the models of a simulation and return its folder.

    Args:
        config: its settings.
        run_dir: the folder; None means $RUN_DIR or a new one below simulations/.
        resume: go on with the simulation in `run_dir`.

    Raises:
        InputError: the settings cannot be; nothing has been written then.
        RunError: a loss is not finite.
        Interrupted: a signal; the last complete epoch is on disk.
    """
    check(config)
    from magnetoionic.session import run_simulation

    return run_simulation(config, run_dir, resume=resume)


def _work(given: dict[str, Any], where: argparse.Namespace) -> int:
    if where.resume and where.run_dir:
        raise InputError("--resume goes on in its own folder; leave out --run-dir")
    config = _resumed(where.resume, given) if where.resume else build(TrainConfig, given)
    if where.dry_run:
        from magnetoionic.estimate import describe

        print(describe(config, where.resume))
        return 0
    run(config, where.resume or where.run_dir, resume=bool(where.resume))
    return 0


def _resumed(folder: Path, given: dict[str, Any]) -> TrainConfig:
    """The settings of the simulation; only what does not change its numbers may be given anew."""
    from common.runs import load_run

    record = load_run(folder)
    fields = {field.name: field for field in dataclasses.fields(TrainConfig)}
    config: dict[str, Any] = {name: fields[name].default for name in LATER} | record.config
    if set(config) != set(fields):
        wrong = sorted(set(config) ^ set(fields))[0]
        raise InputError(f"run folder {folder}: was not made by this command (option {wrong} is not in both)")
    if record.status == "running":
        raise InputError(f"run folder {folder}: process {record.meta['pid']} is still running it")
    if record.status == "done":
        raise InputError(f"run folder {folder}: is done; there is nothing to go on with")
    config |= {name: Path(config[name]) for name in PATHS if config[name]}
    earlier = build(TrainConfig, config)
    for name, value in given.items():
        if not fields[name].metadata["local"] and getattr(earlier, name) != value:
            flag = "--" + name.replace("_", "-")
            raise InputError(f"{flag} {value} differs from the run's {getattr(earlier, name)}; start a new run")
    return dataclasses.replace(earlier, **{k: v for k, v in given.items() if fields[k].metadata["local"]})


if __name__ == "__main__":
    sys.exit(main())
