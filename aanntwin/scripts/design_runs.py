"""The runs of the design sweep: each trains and tests one design."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aanntwin.cache import Cache
from aanntwin.config import ModelParams, Settings
from aanntwin.data import load_split
from aanntwin.scripts.design_space import VARIED, Design, designs
from aanntwin.scripts.source import LOCAL, from_json, one_thread, start, to_json
from aanntwin.scripts.training import Prints, train_and_print
from aanntwin.trainer import evaluate
from aanntwin.weights import save_weights
from common.sweeps import RunSpec


@dataclass(frozen=True)
class Plan:
    """What to train: settings without a shape, epochs, what each run keeps, and how often it prints its loss."""

    settings: Settings
    count_epoch: int = 100
    save_weights: bool = False
    no_cache: bool = False
    print_rate: int = 0

    @property
    def fingerprint(self) -> str:
        """A short hash of everything that changes a design's results, for the rows of a results file."""

        settings = {name: value for name, value in to_json(self.settings).items() if name not in LOCAL}
        text = json.dumps([settings, self.count_epoch], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def space(plan: Plan) -> list[Design]:
    """The designs of a plan in their order."""
    return designs(plan.settings.image_shape, plan.settings.model_params.additional_layers)


def specs(plan: Plan) -> list[RunSpec]:
    """One run per design, in their order."""
    shared = {"settings": to_json(plan.settings), "count_epoch": plan.count_epoch, "save_weights": plan.save_weights}
    shared |= {name: value for name in ("no_cache", "print_rate") if (value := getattr(plan, name))}
    runs = []
    for index, design in enumerate(space(plan)):
        shape = {name: getattr(design.params, name) for name in VARIED}
        axes = {**shape, "multipliers": design.sizes.multipliers}
        runs.append(RunSpec(index, design.name, {**shape, **shared}, axes))
    return runs


def train_and_test(config: Mapping[str, Any], folder: Path) -> dict[str, float]:
    """A run: train a design and test it. Its epochs are cached in its folder until it is done."""
    settings = one_thread(settings_of(config))
    start(settings)
    cache = None if config.get("no_cache") else Cache(folder / "cache")
    weights = train_and_print(settings, config["count_epoch"], cache, Prints.of(config))
    images, labels = load_split(settings, train=False)
    loss, accuracy = evaluate(weights, settings, images, labels)
    if config["save_weights"]:
        save_weights(folder / "weights.safetensors", weights, settings.model_params)
    shutil.rmtree(folder / "cache", ignore_errors=True)  # with --no_cache there is none
    return {"loss": loss, "accuracy": accuracy}


def settings_of(config: Mapping[str, Any]) -> Settings:
    """The settings of a run."""
    settings = from_json(config["settings"])
    layers = settings.model_params.additional_layers
    params = ModelParams(**{name: config[name] for name in VARIED}, additional_layers=layers)
    return settings.replace(model_params=params)
