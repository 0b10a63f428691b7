"""The accuracies of many simulations as one table: a row per model, from JSON files or a table written before."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from common.errors import InputError

TABLE = "accuracies.csv"
SETTINGS = ("task", "layers", "epochs", "clipping", "var", "resistor_noise", "physical_clipping")
COLUMNS = (*SETTINGS, "field", "lr", "seed", "accuracy", "swap_accuracy")
_MODEL = re.compile(r".+-\d+\.json")


def read_table(places: Iterable[Path]) -> pd.DataFrame:
    """A row per model: settings, seed, accuracy and swap_accuracy in percent, and file, the path of its weights.

    Args:
        places: folders, searched with all that is below them for the JSON files of models; a folder that holds
            accuracies.csv gives that table instead, without weights.

    Raises:
        InputError: a folder is missing or damaged, or none holds a model.
    """
    parts = [part for place in places if len(part := _read(place))]
    if not parts:
        raise InputError(f"{' '.join(map(str, places))}: no simulation in it; name folders of simulations or sweeps")
    table = pd.concat(parts, ignore_index=True)
    return table.drop_duplicates([*SETTINGS, "field", "lr", "seed"], keep="last").reset_index(drop=True)


def write_table(table: pd.DataFrame, path: Path) -> None:
    """The table without the paths of weights."""
    from common.runs.files import write_text

    rows = table[list(COLUMNS)].sort_values(["field", *SETTINGS, "lr", "seed"])
    write_text(path, rows.to_csv(index=False, float_format="%.10g"))


def settings(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows of each task and setting, with a name for their file that holds all of the setting."""
    for values, part in table.groupby(list(SETTINGS), sort=True):
        it = dict(zip(SETTINGS, values, strict=True))
        physical = "-physical-clipping" if it["physical_clipping"] else ""
        noises = f"var-{it['var']:g}-clipping-{it['clipping']:g}{physical}-resistor-{it['resistor_noise']:g}"
        yield f"{it['task']}-layers-{it['layers']}-epochs-{it['epochs']}-{noises}", part


def _read(place: Path) -> pd.DataFrame:
    if not place.is_dir():
        raise InputError(f"folder {place}: no such folder")
    if (place / TABLE).is_file():
        return _stored(place / TABLE)
    paths = sorted(path for path in place.rglob("*.json") if _MODEL.fullmatch(path.name))
    return pd.DataFrame([row for path in paths if (row := _row(path))], columns=[*COLUMNS, "file"])


def _stored(path: Path) -> pd.DataFrame:
    table = pd.read_csv(path, dtype={"layers": str})
    missing = sorted(set(COLUMNS) - set(table.columns))
    if missing:
        raise InputError(f"table {path}: no column {missing[0]}")
    return table.assign(file="")


def _row(path: Path) -> dict[str, object] | None:
    try:
        facts = json.loads(path.read_text())
    except ValueError as problem:
        raise InputError(f"{path} is damaged ({problem})") from None
    if "optimizer_parameters" not in facts:
        return None
    rule = facts["optimizer_parameters"]
    field = rule["field"]
    return {
        "task": facts["task"],
        "layers": "+".join(map(str, facts["layers"])),
        "epochs": facts["epochs"],
        "clipping": rule["clipping"],
        "var": rule["device_variability"],
        "resistor_noise": facts["resistor_noise"],
        "physical_clipping": rule["physical_clipping"],
        "field": field if isinstance(field, str) else "+".join(field),
        "lr": rule["lr"],
        "seed": _own_seed(facts, path),
        "accuracy": facts["accuracy"],
        "swap_accuracy": facts["swap_accuracy"],
        "file": str(path.with_suffix(".pth")),
    }


def _own_seed(facts: dict[str, Any], path: Path) -> int:
    """The model's own seed: written beside that of the simulation, or (by earlier versions of ours) in its place.

    The published program writes the simulation's alone; its models have that seed and their number.
    """
    if "model_seed" in facts:
        return int(facts["model_seed"])
    ours = "compat" in facts
    return int(facts["seed"]) + (0 if ours else int(path.stem.rpartition("-")[2]))
