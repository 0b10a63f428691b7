"""What the three sweeps share: the published axes and names, and the function that workers call."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.errors import InputError, Interrupted, RunError
from common.runs.spec import RunSpec
from common.sweeps.axes import Axis
from common.sweeps.grid import make_specs

if TYPE_CHECKING:
    from analog_nmos.config import TrainerConfig
    from analog_nmos.rule import Rule

LANES = 8  # side by side in one process a run takes two thirds of the time that it takes alone
SHUFFLE_SEED = 11
TIES = ("ground", "source", "floating")
GAMMAS = (0.03, 0.3, 3.0)
GATES = ("fix0.75", "fix2", "fix4", "rand0.75to3", "rand1to6", "rand1.5to2.5")
GATES_HELP = "initial gate voltages [V]: fix<V>, or rand<lowest>to<highest>"
PATHS = ("topology", "model_card")
_NUMBER = r"(\d+(?:\.\d*)?|\.\d+)"


def gate_settings(word: str) -> dict[str, Any]:
    """The settings that a word such as fix4 or rand1to6 stands for.

    Raises:
        InputError: another word.
    """
    if fixed := re.fullmatch(f"fix{_NUMBER}", word):
        return {"vg_init": "fixed", "vg_init_fixed": float(fixed[1])}
    if drawn := re.fullmatch(f"rand{_NUMBER}to{_NUMBER}", word):
        return {"vg_init": "random", "vg_init_lo": float(drawn[1]), "vg_init_hi": float(drawn[2])}
    raise InputError(f"argument --vg: {word!r} is neither fix<V>, e.g. fix4, nor rand<V>to<V>, e.g. rand1to6")


def gates() -> Axis:
    """The axis of initial gate voltages, the last and fastest of every grid."""
    replaced = ("vg_init", "vg_init_lo", "vg_init_hi", "vg_init_fixed")
    return Axis("vg", GATES, gate_settings, replaced, GATES_HELP)


def hinge_axes() -> tuple[Axis, ...]:
    """The published grid of both hinge sweeps: 1458 runs."""
    return (
        Axis("seed", (0, 1, 2)),
        Axis("gamma", GAMMAS),
        Axis("delta", (0.02, 0.05, 0.1)),
        Axis("margin", (0.02, 0.05, 0.1)),
        Axis("body_tie", TIES),
        gates(),
        Axis("epochs", (100,)),
        Axis("backend", ("native",)),
    )


def hinge_specs(config: type[Any]) -> Callable[[Sequence[Axis]], list[RunSpec]]:
    """Runs of a hinge grid, named as published: seed1_g3_d0.02_m0.02_btfloating_vgrand1to6."""
    named = ("seed", "gamma", "delta", "margin", "body_tie", "vg")
    return lambda axes: _specs(axes, config, "seed{seed}_g{gamma:g}_d{delta:g}_m{margin:g}", named)


def cross_entropy_specs(config: type[Any]) -> Callable[[Sequence[Axis]], list[RunSpec]]:
    """Runs of a cross-entropy grid, named as published: seed0_g0.3_d0.25_T0.001_btfloating_vgfix4."""
    named = ("seed", "gamma", "delta", "softmax_temp", "body_tie", "vg")
    return lambda axes: _specs(axes, config, "seed{seed}_g{gamma:g}_d{delta:g}_T{softmax_temp:g}", named)


def short(config: Mapping[str, Any], epochs: int) -> tuple[dict[str, Any], float]:
    """A short version of a run for --dry-run. ngspice takes minutes an epoch, so there it sees some of the samples."""
    if config.get("backend") != "ngspice":
        return {**config, "epochs": epochs}, 1.0
    train, test = 40, 10
    whole = (config.get("train_limit") or 1437) + (config.get("test_limit") or 360)
    return {**config, "epochs": epochs, "train_limit": train, "test_limit": test}, whole / (train + test)


def train(rule: Rule[Any], configs: Sequence[Mapping[str, Any]], folders: Sequence[Path]) -> list[Any]:
    """Train runs side by side, or go on with them from their checkpoints; numbers or an exception for each."""
    from analog_nmos.trainer import run_lanes
    from common.cli import build

    settings = [{**config, **{name: Path(config[name]) for name in PATHS if config.get(name)}} for config in configs]
    built: list[TrainerConfig] = [build(rule.config, {**values, "quiet": True}) for values in settings]
    try:
        run_lanes(rule, built, folders, resume=True)
    except RunError as problem:
        if len(folders) == 1:
            return [problem]
    finally:
        for folder in folders:
            _print_log(folder)
    return [_outcome(folder) for folder in folders]


def _specs(axes: Sequence[Axis], config: type[Any], name: str, named: Sequence[str]) -> list[RunSpec]:
    from analog_nmos.published import sweep_settings

    def name_of(labels: Mapping[str, Any]) -> str:
        tie = {"ground": "body"}.get(labels["body_tie"], labels["body_tie"])
        return f"{name.format(**labels)}_bt{tie}_vg{labels['vg']}"

    specs = make_specs(axes, config, name_of, named, shuffle_seed=SHUFFLE_SEED, group_of=_group)
    return [replace(spec, published=sweep_settings(config(**spec.config))) for spec in specs]


def _group(config: TrainerConfig) -> str:
    """Runs with the same word can be lanes of one native solver; ngspice is one run a process."""
    from analog_nmos.trainer import SHARED

    if config.backend != "native":
        return ""
    plain = type(config)()
    shared = {name: str(getattr(config, name)) for name in SHARED if getattr(config, name) != getattr(plain, name)}
    return json.dumps(shared, separators=(",", ":"))


def _outcome(folder: Path) -> dict[str, Any] | RunError | Interrupted:
    """What run_meta.json says at the end of a run."""
    from common.runs import load_run

    record = load_run(folder)
    if record.status != "done":
        return RunError(str(record.meta["reason"]))
    result = dict(record.meta["result"])
    return {
        "final_val_acc": result.pop("final_val_acc"),
        "final_epoch": record.config["epochs"],
        "selected_val_acc": result.pop("selected_val_acc"),
        "selected_epoch": result.pop("selected_epoch"),
        **result,
    }


def _print_log(folder: Path) -> None:
    """stdout.txt as the run alone would have printed it: lanes share one stream, which tells them not apart."""
    log = folder / "train_log.txt"
    if log.exists():
        shutil.copyfile(log, folder / "stdout.txt")
