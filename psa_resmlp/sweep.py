"""The study: every architecture in every mode, with trials (`psa-sweep`)."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from common.errors import InputError
from common.experiment import sweep_of, train_of
from common.plugins import label
from common.runs.spec import RunSpec
from common.sweeps.axes import Axis
from common.sweeps.grid import make_specs
from common.values import integer, shown
from psa_resmlp.study.architectures import ARCHITECTURES, parse
from psa_resmlp.study.modes import MODE_NAMES
from psa_resmlp.tables.sweep import StudyTables
from psa_resmlp.train import EXPERIMENT
from psa_resmlp.training.config import COMPAT, TrainConfig
from psa_resmlp.training.estimate import describe

DESCRIPTION = """\
Train the study: 98 architectures in six modes, ten trials each, 100 meta-loops. All modes and trials of an architecture
train side by side where that is faster. The same command goes on after a stop. As runs end, psa_resmlp_summary.md and
psa_resmlp_trials.md in the sweep folder are updated, both also as .csv.

example: psa-sweep --arch "18*18,1*64" --trial 1,2,3 --meta-loops 20 --sweep-dir results/small
         psa-sweep --dry-run
"""
TOGETHER = 60
# Options that the sweep sets itself.
OWN = ("first_trial", "trials", "model_dir", "until_loop", "hidden_layers", "fresh")
TRIALS = 10
IN_SWEEP = replace(EXPERIMENT, job="sweep", open="psa_resmlp.training.trainer:open_in_sweep", place=None)
_train = train_of(IN_SWEEP)


def specs(axes: Sequence[Axis]) -> list[RunSpec]:
    """The runs in the study's order: architecture, mode, trial."""
    return make_specs(axes, TrainConfig, _name, ("arch", "ablation_mode", "trial"), group_of=_group)


def train(configs: Sequence[Mapping[str, Any]], folders: Sequence[Path]) -> list[Any]:
    """Train trials of one architecture side by side, each in its run folder; returns the columns of their results."""
    found = _train(configs, folders)
    return [
        one if isinstance(one, Exception) else _columns(config, one) for config, one in zip(configs, found, strict=True)
    ]


def _columns(config: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of a trial: those that all suites share, and those that the tables need in addition."""
    [trial] = found.get("trials") or [{"seed": found.get("trial_seed")}]
    about = {"family": config.get("family", "resmlp"), "mode": config["ablation_mode"], "trial_seed": trial["seed"]}
    return {**{name: value for name, value in found.items() if name != "trials"}, **about}


def _architecture(text: str) -> dict[str, Any]:
    return {"arch": str(parse(text))}


def _trial(number: int | str) -> dict[str, Any]:
    text = str(number)
    if not (text.isascii() and text.isdigit()) or integer(text) < 1:
        raise InputError(f"argument --trial: {shown(number)} is not a whole number of 1 or more")
    return {"first_trial": integer(text), "trials": 1}


def _compat(word: str) -> dict[str, Any]:
    return {"compat": [] if word == "none" else word.split("+")}


def _name(values: Mapping[str, Any]) -> str:
    return f"{parse(str(values['arch'])).folder}_{label(str(values['ablation_mode']))}_trial{int(values['trial']):02d}"


def _group(config: TrainConfig) -> str:
    """A key that is equal for trials that may train side by side: they differ in mode and trial only."""
    names = ("family", "lr", "batch_size", "dataset", "data_root", "threads", "device", "stack")
    settings = (getattr(config, name) for name in names)
    return f"{config.architecture.folder} {' '.join(map(str, settings))}"


SWEEP = sweep_of(
    EXPERIMENT,
    "study",
    (
        Axis("arch", tuple(one.name for one in ARCHITECTURES), _architecture, help="architectures, e.g. 18*18,1*1024"),
        Axis("ablation_mode", MODE_NAMES),
        Axis("trial", tuple(range(1, TRIALS + 1)), _trial, OWN, "numbers of the trials"),
        Axis("compat", ("none",), _compat, help=f"none, or {', '.join(COMPAT)}; several with + between them"),
        Axis("meta_loops", (100,)),
        Axis("threads", (1,)),
    ),
    "psa_resmlp.sweep:train",
    prog="psa-sweep",
    description=DESCRIPTION,
    specs=specs,
    replicas=TOGETHER,
    estimate=describe,
    listener=StudyTables,
)
main = SWEEP.main

if __name__ == "__main__":
    sys.exit(main())
