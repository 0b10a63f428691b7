"""The accuracies of many simulations as one table: a row per model, from JSON files or a table written before."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from common.errors import InputError
from common.inputs import parse_json, read_text
from common.plugins import is_own
from common.runs.files import write_text
from magnetoionic.devices.fields import MEASURED

TABLE = "accuracies.csv"
SETTINGS = ("task", "layers", "epochs", "clipping", "var", "resistor_noise", "physical_clipping")
COLUMNS = (*SETTINGS, "field", "lr", "seed", "accuracy", "swap_accuracy")
NUMBERS = ("epochs", "clipping", "var", "resistor_noise", "lr", "seed", "accuracy", "swap_accuracy")
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
    rows = table[list(COLUMNS)].sort_values(["field", *SETTINGS, "lr", "seed"])
    write_text(path, rows.to_csv(index=False, float_format="%.10g"))


def file_word(text: str) -> str:
    """A text as part of a file's name; a field package.module:Name becomes Name."""
    return re.sub("[^-.0-9A-Za-z]+", "-", without_module(text))


def without_module(text: str) -> str:
    """A text in which every field package.module:Name is replaced by its Name."""
    return re.sub(r"[\w.]+:(?=\w)", "", text)


def settings(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows of each combination of SETTINGS, with a name for their file that has all of them."""
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
    try:
        table = pd.read_csv(io.StringIO(read_text(path, "table")), dtype={"layers": str, "task": str, "field": str})
    except (ValueError, OverflowError) as problem:
        raise InputError(f"table {path}: is damaged ({' '.join(str(problem).split())[:120]})") from None
    missing = sorted(set(COLUMNS) - set(table.columns))
    if missing:
        raise InputError(f"table {path}: no column {missing[0]}")
    words = [name for name in NUMBERS if not pd.api.types.is_numeric_dtype(table[name])]
    if words and len(table):
        raise InputError(f"table {path}: is damaged (column {words[0]} does not hold numbers)")
    return table.assign(file="")


def has_own_unit(field: str) -> bool:
    """Whether the last field is a measured device or a user's own, whose values have another unit."""
    last = field.rpartition("+")[2]
    return last.startswith(MEASURED) or is_own(last)


def _curve(name: str, facts: dict[str, Any]) -> str:
    """The name of a curve; that of a measured device includes its file and fit, as there may be several devices."""
    device = facts.get("device_curve")
    if name != MEASURED or not isinstance(device, dict):
        return name
    unscaled = "" if device.get("scaled") else " unscaled"  # as earlier versions trained
    return re.sub(r"[^\w. -]", "-", f"{MEASURED} {device.get('file')} {device.get('fit')}{unscaled}")


def _row(path: Path) -> dict[str, object] | None:
    text = read_text(path, "simulation")
    if not text.lstrip().startswith("{"):  # not a model's file
        return None
    facts = parse_json(text, f"simulation {path}: is damaged")
    if "optimizer_parameters" not in facts:
        return None
    try:
        return _checked(_columns(facts, path))
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as problem:
        reason = f"no {problem.args[0]}" if isinstance(problem, KeyError) else " ".join(str(problem).split())
        raise InputError(f"simulation {path}: is damaged ({reason[:120]})") from None


def _checked(row: dict[str, object]) -> dict[str, object]:
    """The row, after checking its numbers; single devices may have no swap_accuracy."""
    for name in NUMBERS:
        value = row[name]
        if value is None and name == "swap_accuracy":
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise ValueError(f"{name} is not a finite number")
    if not isinstance(row["task"], str):
        raise ValueError("task is not text")
    return row


def _columns(facts: dict[str, Any], path: Path) -> dict[str, object]:
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
        "seed": _own_seed(facts, path),
        "accuracy": facts["accuracy"],
        "swap_accuracy": facts["swap_accuracy"],
        "file": str(path.with_suffix(".pth")),
    }


def _own_seed(facts: dict[str, Any], path: Path) -> int:
    """The model's own seed: a separate entry, or (in files of earlier versions) the entry of the simulation's seed.

    The published program writes only the simulation's seed; a model's is that plus its number.
    """
    if "model_seed" in facts:
        return int(facts["model_seed"])
    ours = "compat" in facts
    return int(facts["seed"]) + (0 if ours else int(path.stem.rpartition("-")[2]))
