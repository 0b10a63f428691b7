"""The command line of a trainer: options from its dataclass, --run-dir, --resume, --lanes and --dry-run."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.cli import Parser, add_options, build, run_command
from common.errors import InputError
from common.inputs import parse_json, read_text

if TYPE_CHECKING:
    from analog_nmos.training.config import TrainerConfig
    from analog_nmos.training.rule import Rule

# A resumed run keeps its settings; these may change, because no number of a finished epoch depends on them.
CHANGEABLE = ("epochs", "max_failures", "final_test", "plot_format", "quiet")


def train_command(rule: Rule[Any], argv: Sequence[str] | None) -> int:
    """Parse, check, and run a trainer; returns the exit code. Solvers and plots are loaded after parsing."""
    parser = Parser(prog=rule.prog, description=rule.description)
    add_options(parser, rule.config)
    parser.add_argument(
        "--run-dir", type=Path, metavar="DIR", help="run folder (default: $RUN_DIR, else a new one below results/)"
    )
    parser.add_argument(
        "--resume", type=Path, metavar="DIR", help="go on with the run in this folder, with its settings"
    )
    parser.add_argument("--lanes", type=Path, metavar="FILE", help=LANES_HELP)
    parser.add_argument("--dry-run", action="store_true", help="check everything, estimate the time, and write nothing")
    arguments = vars(parser.parse_args(argv))
    where = {name: arguments.pop(name) for name in ("run_dir", "resume", "replicas", "dry_run")}
    return run_command(rule.prog, lambda: _work(rule, arguments, argparse.Namespace(**where)))


LANES_HELP = (
    "train many networks side by side: a file with one JSON object of options a line, e.g. "
    '{"seed": 1, "gamma": 0.3}; folders lane_0000, ... below the run folder; native backend'
)


def _work(rule: Rule[Any], given: dict[str, Any], where: argparse.Namespace) -> int:
    if where.resume:
        if where.run_dir or where.replicas:
            raise InputError("--resume goes on in its own folder; leave out --run-dir and --lanes")
        configs = [_resumed(rule.config, where.resume, given)]
    else:
        configs = _replicas(rule.config, where.replicas, given) if where.replicas else [build(rule.config, given)]
    from analog_nmos.training import estimate, trainer

    if where.dry_run:
        print(estimate.describe(rule, configs))
        return 0
    if where.replicas:
        trainer.run_replicas(rule, configs, lambda: trainer.replica_folders(rule, len(configs), where.run_dir))
    else:
        trainer.run_replicas(rule, configs, [where.resume or where.run_dir], resume=bool(where.resume))
    return 0


def _resumed(config_type: type[TrainerConfig], folder: Path, given: dict[str, Any]) -> TrainerConfig:
    """The settings of the run, with those that may change taken from the command line."""
    from common.runs import load_run

    record = load_run(folder)
    known = {field.name for field in dataclasses.fields(config_type)}
    config = record.config
    if set(config) != known:
        wrong = sorted(set(config) ^ known)[0]
        raise InputError(f"run folder {folder}: was not made by this command (option {wrong} is not in both)")
    if record.status == "running":
        raise InputError(f"run folder {folder}: process {record.meta['pid']} is still running it")
    paths = {name: Path(config[name]) for name in ("topology", "model_card") if config[name]}
    for name, value in given.items():
        if name not in CHANGEABLE and config[name] != value and paths.get(name) != value:
            raise InputError(
                f"--{name.replace('_', '-')} {value} differs from the run's {config[name]}; start a new run"
            )
    done = config["epochs"]
    if given.get("epochs", done) < done:
        raise InputError(f"--epochs {given['epochs']} is less than the run's {done}; a resumed run may only grow")
    return build(config_type, {**config, **paths, **{k: v for k, v in given.items() if k in CHANGEABLE}})


def _replicas(config_type: type[TrainerConfig], path: Path, given: dict[str, Any]) -> list[TrainerConfig]:
    """One configuration per line, over what the command line says."""
    configs = []
    for number, line in enumerate(read_text(path, "--lanes").splitlines(), 1):
        if not line.strip():
            continue
        where = f"--lanes {path}, line {number}"
        settings = parse_json(line, where)
        for name in ("topology", "model_card"):
            if not isinstance(settings.get(name), (str, type(None))):
                raise InputError(f"{where}: {name} is not the path of a file")
            if settings.get(name):
                settings[name] = Path(settings[name])
        try:
            configs.append(build(config_type, {"backend": "native", **given, **settings}))
        except InputError as problem:
            raise InputError(f"{where}: {problem}") from None
    if not configs:
        raise InputError(f"--lanes {path}: no settings in it")
    return configs
