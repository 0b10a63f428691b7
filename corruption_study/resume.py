"""Read the settings of a campaign from its folder, and apply the changes that a resumed campaign may make."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common.cli import build
from common.errors import InputError
from common.experiment import Options
from common.experiment.resume import with_changes
from common.inputs import read_json
from common.runs.spec import MANIFEST, RunSpec, read_specs
from common.sweeps.folder import search_own_modules
from corruption_study.campaign import OWN, Campaign, families, specs_of
from corruption_study.config import Setup

SETTINGS = "campaign"  # their name in manifest.json
FUNCTION = "corruption_study.worker:train"


def recorded(campaign: Campaign) -> dict[str, Any]:
    """A campaign's settings for manifest.json; the folder of the images as an absolute path."""
    settings = Options(Campaign).recorded(campaign)
    root = campaign.data_root
    return {**settings, "data_root": None if root is None else str(Path(root).expanduser().resolve())}


def resumed(folder: Path, given: Mapping[str, Any]) -> tuple[Campaign, list[RunSpec]]:
    """The settings and runs of the campaign in a folder, with those settings of `given` that may change.

    Raises:
        InputError: there is no campaign, or a setting differs that must not.
    """
    search_own_modules(folder)
    specs = read_specs(folder)
    manifest = read_json(folder / MANIFEST, "sweep folder")
    if manifest.get("function") != FUNCTION:
        raise InputError(f"sweep folder {folder}: was not made by corruption-run but by {manifest.get('sweep')}")
    before = manifest.get(SETTINGS) or settings_of(specs, given.get("seed"))
    campaign, _ = with_changes(Options(Campaign), before, given)
    return campaign, specs


def settings_of(specs: Sequence[RunSpec], seed: int | None) -> dict[str, Any]:
    """A campaign's settings, derived from its runs: earlier versions recorded only these.

    Args:
        specs: the runs.
        seed: the campaign's, if the user gives it; it is recorded only where the runs' seeds confirm it.
    """
    first = specs[0].config
    names = [field.name for field in dataclasses.fields(Setup) if field.name in first]
    settings = {name: first[name] for name in names}
    settings |= {"data_workers": first["num_workers"], "cpu_threads_per_worker": first["cpu_threads"]}
    for axis, name in (("activation", "activations"), ("model_type", "model_types"), ("p", "ps")):
        settings[name] = list(dict.fromkeys(spec.axes[axis] for spec in specs))
    settings["repeats"] = 1 + max(spec.axes["repeat"] for spec in specs)
    for model_type, those in families(specs).items():
        own = {f"{model_type}_{name}": those[0].config[name] for name in OWN if those[0].config[name] != first[name]}
        settings |= own
    if seed is not None and _seeds(specs) == _seeds(specs_of(build(Campaign, {**settings, "seed": seed}))):
        settings["seed"] = seed
    return settings


def _seeds(specs: Sequence[RunSpec]) -> dict[str, int]:
    return {spec.name: spec.config["seed"] for spec in specs}
