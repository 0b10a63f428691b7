"""The accuracies of many simulations as one table: a row per model, from JSON files or a table written before."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
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


def ends_measured(field: str) -> bool:
    """Whether a field of the table ends on a measured device, so that weights are in the unit of its file."""
    return field.rpartition("+")[2].startswith("measured")


def _curve(name: str, facts: Mapping[str, Any]) -> str:
    """The name of a curve; that of a measured device has its file and fit in it, as there may be several devices."""
    device = facts.get("device_curve")
    if name != "measured" or not isinstance(device, dict):
        return name
    unscaled = "" if device.get("scaled") else " unscaled"  # as earlier versions trained
    return re.sub(r"[^\w. -]", "-", f"measured {device.get('file')} {device.get('fit')}{unscaled}")


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
        "field": "+".join(_curve(name, facts) for name in ([field] if isinstance(field, str) else field)),
        "lr": rule["lr"],
        "seed": facts["seed"],
        "accuracy": facts["accuracy"],
        "swap_accuracy": facts["swap_accuracy"],
        "file": str(path.with_suffix(".pth")),
    }
