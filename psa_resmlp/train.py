"""Train ResMLP or plain MLP networks with persistent stochastic ablation (`psa-train`)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from common.cli import Parser, add_options, build, check, run_command
from common.errors import InputError
from psa_resmlp.training.config import HowConfig, TrainConfig

PACKAGE, JOB = "psa_resmlp", "train"
DESCRIPTION = """\
Train one architecture in one mode: rounds of one epoch, each from the best network so far, which the mode may damage.
Started again, it goes on from the checkpoint in the model folder, in another mode too. Ctrl-C ends it with the test
accuracy.

example: psa-train --arch "[18*18]" --ablation-mode hidden --meta-loops 20 --trials 5
         psa-train --arch "[2*8]" --meta-loops 3 --dataset digits        seconds, without a network

To compare modes, let each begin at the same initial network, not where the mode before it has ended: with --fresh, with
a --model-dir for each, or with psa-sweep, which does that by itself. A chain of modes is named in the first line and in
run_meta.json, and tables and figures leave it out.
         psa-train --arch "[18*18]" --ablation-mode none --meta-loops 20 --fresh
         psa-train --arch "[18*18]" --ablation-mode hidden --meta-loops 20 --fresh
"""
# A resumed run keeps its settings but for where and how loudly it runs.
CHANGEABLE = tuple(HowConfig.__dataclass_fields__)


def main(argv: Sequence[str] | None = None) -> int:
    """The command `psa-train`; see DESCRIPTION."""
    words = list(sys.argv[1:] if argv is None else argv)
    parser = Parser(prog="psa-train", description=DESCRIPTION)
    add_options(parser, TrainConfig)
    text = "run folder (default: $RUN_DIR, else a new one below results/)"
    parser.add_argument("--run-dir", type=Path, metavar="DIR", help=text)
    text = "go on with the run in this folder to its last meta-loop, with its settings"
    parser.add_argument("--resume", type=Path, metavar="DIR", help=text)
    text = "start anew in a folder of its own below the model folder, and leave the checkpoint there alone"
    parser.add_argument("--fresh", action="store_true", help=text)
    # `make train -- --arch ..` and the published launcher pass the two hyphens on.
    given = vars(parser.parse_args(words[1:] if words[:1] == ["--"] else words))
    places = [given.pop(name) for name in ("run_dir", "resume", "fresh")]
    return run_command("psa-train", lambda: _work(given, *places))


def run(config: TrainConfig, run_dir: str | Path | None = None, *, fresh: bool = False) -> Path:
    """Train the trials of a configuration in a new run folder and return it.

    With `fresh` they start anew in a folder of their own below the model folder, whatever checkpoint lies there.

    Raises:
        InputError: wrong settings, missing images, or a checkpoint of another network.
        RunError: a loss is no longer finite.
        Interrupted: a signal has come; starting again goes on.
    """
    check(config)
    from psa_resmlp.training.trainer import train

    return train(config, run_dir, fresh=fresh)


def _work(given: dict[str, Any], run_dir: Path | None, resume: Path | None, fresh: bool) -> int:
    if resume is None:
        run(build(TrainConfig, given), run_dir, fresh=fresh)
        return 0
    if run_dir is not None or fresh:
        word = "--fresh" if fresh else "--run-dir"
        raise InputError(f"--resume goes on in its own folder; leave out {word}")
    from psa_resmlp.training.trainer import resume as go_on

    config = _resumed(resume, given)
    go_on(config, resume)
    return 0


def _resumed(folder: Path, given: dict[str, Any]) -> TrainConfig:
    """The settings of the run, with those that may change taken from the command line."""
    from common.runs import load_run

    record = load_run(folder)
    config = record.meta["config"]
    if not isinstance(config, dict) or set(config) != set(asdict(TrainConfig())):
        raise InputError(f"run folder {folder}: was not made by psa-train of this version; start a new run")
    if record.status == "running":
        raise InputError(f"run folder {folder}: process {record.meta['pid']} is still running it")
    for name, value in given.items():
        if name not in CHANGEABLE and config[name] != (list(value) if isinstance(value, tuple) else value):
            flag = name.replace("_", "-")
            raise InputError(f"--{flag} {value} differs from the run's {config[name]}; start without --resume")
    paths = {name: Path(str(config[name])) for name in ("model_dir", "data_root") if config[name]}
    return build(TrainConfig, {**config, **paths, **given})


if __name__ == "__main__":
    sys.exit(main())
