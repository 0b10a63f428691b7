"""A campaign: its settings, its presets, and the runs that it consists of. Loads neither torch nor numba."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import inputs
from common.cli import build, option
from common.errors import InputError
from common.plugins import label
from common.runs.files import plain
from common.runs.spec import RunSpec
from corruption_study.config import ACTIVATIONS, MODEL_TYPES, Setup, TrainConfig, check_layers

PRESETS: dict[str, dict[str, Any]] = {
    "reliable": {
        "activations": ("relu", "tanh", "sigmoid"),
        "model_types": ("mlp", "cnn"),
        "ps": tuple(tenth / 10 for tenth in range(10)),
        "repeats": 40,
        "hidden_sizes": (1024, 512, 256),
        "mlp_epochs": 15,
        "mlp_batch_size": 512,
        "channels": (32, 64),
        "hidden": 128,
        "cnn_epochs": 20,
        "cnn_batch_size": 256,
    }
}
OWN = ("epochs", "batch_size")  # settings that may differ between model families
LARGEST_SEED = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Training(Setup):
    """Training."""

    cpu_threads_per_worker: int = option(1, "threads of a worker's computation", low=1)
    data_workers: int = option(2, "only recorded, for get_dataloaders; a campaign needs no such processes", low=0)
    mlp_epochs: int | None = option(None, "epochs of the MLP, if not --epochs", low=1)
    mlp_batch_size: int | None = option(None, "batch size of the MLP, if not --batch-size", low=1)
    cnn_epochs: int | None = option(None, "epochs of the CNN, if not --epochs", low=1)
    cnn_batch_size: int | None = option(None, "batch size of the CNN, if not --batch-size", low=1)


@dataclass(frozen=True, kw_only=True)
class Campaign(Training):
    """Runs: every activation x model type x p x repeat."""

    activations: tuple[str, ...] = option(
        ("relu", "tanh", "sigmoid"), "activation functions", choices=tuple(ACTIVATIONS)
    )
    model_types: tuple[str, ...] = option(("mlp",), "model families", choices=MODEL_TYPES)
    ps: tuple[float, ...] = option((0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0), "corruption strengths", low=0, high=1)
    repeats: int = option(5, "runs of each combination, each with its own seed", low=1)
    seed: int = option(1234, "seed from which each run's seed is drawn", low=0)

    def check(self) -> None:
        """Raise InputError for a list that is empty or has a value twice, and for layers that do not fit."""
        for name in ("activations", "model_types", "ps", "test_ps"):
            values = getattr(self, name)
            flag = name.replace("_", "-")
            if not values and name != "test_ps":
                raise InputError(f"argument --{flag}: no value, allowed: at least one")
            if len(set(values)) < len(values):
                twice = next(value for value in values if values.count(value) > 1)
                raise InputError(f"argument --{flag}: {twice} is given twice, allowed: once")
        check_layers(self.channels, self.hidden_sizes)


def settle(preset: str | None, file: Mapping[str, Any], given: Mapping[str, Any]) -> Campaign:
    """The campaign that a preset, a file and a command line describe; see `layered`.

    Raises:
        InputError: a setting is unknown or out of range.
    """
    return build(Campaign, layered(preset, file, given))


def layered(preset: str | None, file: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a preset, overridden by those of a file, and these by those of the command line.

    epochs and batch_size hold for all model families, except where the same source also sets e.g. mlp_epochs.
    """
    values: dict[str, Any] = {}
    for layer in (PRESETS[preset] if preset else {}, file, given):
        for name in OWN:
            if name in layer:
                values = {
                    key: value for key, value in values.items() if key not in [f"{own}_{name}" for own in MODEL_TYPES]
                }
        values.update(layer)
    return values


def read_toml(path: Path) -> dict[str, Any]:
    """Settings of a file such as ``ps = [0, 0.5]``; hyphens and underscores are the same.

    Raises:
        InputError: the file is missing or is not TOML.
    """
    return {name.replace("-", "_"): value for name, value in inputs.read_toml(path, "--config").items()}


def take_start(file: dict[str, Any], where: Any) -> None:
    """Move output_dir, max_workers and stack from a file's settings to `where`; the command line wins.

    Raises:
        InputError: they are of the wrong type.
    """
    folder = file.pop("output_dir", None)
    if folder is not None and not isinstance(folder, str):
        raise InputError(f"--config: output_dir is {folder!r}, allowed: a folder")
    where.output_dir = where.output_dir or (Path(folder) if folder else None)
    for name in ("max_workers", "stack"):
        value = file.pop(name, None)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
            raise InputError(f"--config: {name} is {value!r}, allowed: a whole number of 1 or more")
        setattr(where, name, getattr(where, name) or value)


def specs_of(campaign: Campaign) -> list[RunSpec]:
    """The runs in order: activation, model type, p, repeat, the last varying fastest; a seed is drawn for each."""
    draw = random.Random(campaign.seed)
    specs: list[RunSpec] = []
    for activation in campaign.activations:
        for model_type in campaign.model_types:
            for p in campaign.ps:
                for repeat in range(campaign.repeats):
                    seed = draw.randint(1, LARGEST_SEED)
                    axes = {"activation": activation, "model_type": model_type, "p": float(p), "repeat": repeat}
                    name = f"{label(model_type)}_{activation}_p{float(p)!r}_r{repeat}"
                    config = run_settings(campaign, activation, model_type, float(p), seed)
                    specs.append(RunSpec(len(specs), name, config, axes, _group(config)))
    return specs


def run_settings(campaign: Campaign, activation: str, model_type: str, p: float, seed: int) -> dict[str, Any]:
    """One run's settings in JSON's types, without the `local` ones."""
    shared = {field.name: getattr(campaign, field.name) for field in dataclasses.fields(Setup)}
    shared |= {name: own for name in OWN if (own := getattr(campaign, f"{model_type}_{name}", None)) is not None}
    config = TrainConfig(
        **shared,
        activation=activation,
        model_type=model_type,
        p=p,
        seed=seed,
        num_workers=campaign.data_workers,
        cpu_threads=campaign.cpu_threads_per_worker,
    )
    lasting = [field.name for field in dataclasses.fields(config) if not field.metadata["local"]]
    values: dict[str, Any] = plain({name: getattr(config, name) for name in lasting})
    return values


def families(specs: Sequence[RunSpec]) -> dict[str, list[RunSpec]]:
    """Runs by model type, which decides their cost: batch size and epochs are the same within a type."""
    found: dict[str, list[RunSpec]] = {}
    for spec in specs:
        found.setdefault(spec.config["model_type"], []).append(spec)
    return found


def _group(config: Mapping[str, Any]) -> str:
    """A key that is the same for runs that can be replicas in one stack."""
    return json.dumps({name: value for name, value in config.items() if name not in ("p", "seed")}, sort_keys=True)
