"""What the sweeps share: the published axes and names, and which runs train side by side."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from analog_nmos.backends import BACKENDS
from analog_nmos.training.config import ALIKE, TrainerConfig
from common.errors import InputError
from common.runs.spec import RunSpec
from common.sweeps.axes import Axis
from common.sweeps.grid import make_specs

REPLICAS = 8  # side by side in one process a run takes two thirds of the time that it takes alone
SHUFFLE_SEED = 11
TIES = ("ground", "source", "floating")
GAMMAS = (0.03, 0.3, 3.0)
GATES = ("fix0.75", "fix2", "fix4", "rand0.75to3", "rand1to6", "rand1.5to2.5")
GATES_HELP = "initial gate voltages [V]: fix<V>, or rand<lowest>to<highest>"
_NUMBER = r"(\d+(?:\.\d*)?|\.\d+)"


def gate_settings(word: str) -> dict[str, Any]:
    """The settings that a word such as fix4 or rand1to6 stands for.

    Raises:
        InputError: the word has neither form.
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
    """A short run for --dry-run to time, with few samples if an epoch takes minutes, and the factor to all samples."""
    if not BACKENDS.get(config.get("backend", "ngspice")).takes_minutes:
        return {**config, "epochs": epochs}, 1.0
    train, test = 40, 10
    whole = (config.get("train_limit") or 1437) + (config.get("test_limit") or 360)
    return {**config, "epochs": epochs, "train_limit": train, "test_limit": test}, whole / (train + test)


def _specs(axes: Sequence[Axis], config: type[Any], name: str, named: Sequence[str]) -> list[RunSpec]:
    def name_of(labels: Mapping[str, Any]) -> str:
        tie = {"ground": "body"}.get(labels["body_tie"], labels["body_tie"])
        return f"{name.format(**labels)}_bt{tie}_vg{labels['vg']}"

    specs = make_specs(axes, config, name_of, named, shuffle_seed=SHUFFLE_SEED, group_of=group_of)
    return [replace(spec, published=_published(config(**spec.config))) for spec in specs]


def group_of(config: TrainerConfig) -> str:
    """Runs of the same group can train side by side; "" where the backend solves one circuit in a process."""
    if BACKENDS.get(config.backend).most_replicas == 1:
        return ""
    plain = type(config)()
    names = (*config.shared(), *ALIKE)
    shared = {name: str(getattr(config, name)) for name in names if getattr(config, name) != getattr(plain, name)}
    return json.dumps(shared, separators=(",", ":"))


def _published(config: TrainerConfig) -> dict[str, Any]:
    """For run_spec.json and runspecs.jsonl: flat, with just these keys, since scripts pass them to a class."""
    known = {field.name for field in fields(config)}
    names = ("seed", "epochs", "gamma", "delta", "margin", "softmax_temp", "body_tie")
    return {
        **{name: getattr(config, name) for name in names if name in known},
        "vg_init_mode": config.vg_init,
        "vg_fixed": config.vg_init_fixed,
        "vg_lo": config.vg_init_lo,
        "vg_hi": config.vg_init_hi,
        "solver": config.solver,
    }
