"""checkpoint.npz: all models after the last complete epoch, with their histories; replaced after every epoch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from common.errors import InputError
from common.inputs import Arrays, parse_json
from common.runs.files import atomic_writer
from magnetoionic.network import Network

NAME = "checkpoint.npz"
RULE = 2  # 1, which checkpoints do not record: pairs were rewritten only past their last pulse, not at it


def save(folder: Path, models: Sequence[Network], history: Sequence[dict[str, Any]]) -> None:
    """Write the state after an epoch; a kill at any moment leaves the old checkpoint or the new one."""
    arrays: dict[str, Any] = {
        f"{number}.{at}.{name}": array
        for number, model in enumerate(models)
        for at, layer in enumerate(model.layers)
        for name, array in layer.arrays().items()
    }
    with atomic_writer(folder / NAME, durable=True) as stream:
        np.savez(stream, history=np.array(json.dumps(list(history))), rule=np.int64(RULE), **arrays)


def load(folder: Path, models: Sequence[Network]) -> tuple[list[dict[str, Any]], int]:
    """Bring new models to the state of the checkpoint; returns their histories, and the update rule that trained them.

    Without a checkpoint there is no history.

    Raises:
        InputError: the checkpoint is damaged.
    """
    path = folder / NAME
    if not path.exists():
        return [], RULE
    archive = Arrays(path, "checkpoint")
    history = _history(path, archive["history"], len(models))
    for number, model in enumerate(models):
        for at, layer in enumerate(model.layers):
            found = {name: archive[f"{number}.{at}.{name}"] for name in layer.arrays()}
            for name, array in layer.arrays().items():
                if found[name].shape != array.shape or found[name].dtype != array.dtype:
                    raise _damaged(path, f"{name} of layer {at + 1} has another shape or type")
                if not np.isfinite(found[name]).all():
                    raise _damaged(path, f"{name} of layer {at + 1} is not finite")
            layer.load(found)
    return history, _rule(path, archive["rule"]) if "rule" in archive else 1


def _history(path: Path, stored: Any, models: int) -> list[dict[str, Any]]:
    """The records of all epochs, each with as many numbers as there are models."""
    history = parse_json(f'{{"epochs": {stored}}}', f"checkpoint {path}: history")["epochs"]
    if not isinstance(history, list):
        raise _damaged(path, "its history is not a list")
    for record in history:
        for name in ("loss", "accuracy", "gradients"):
            values = record.get(name) if isinstance(record, dict) else None
            if not isinstance(values, list) or len(values) != models:
                raise _damaged(path, f"its history has no {name} of {models} models")
    return history


def _rule(path: Path, stored: Any) -> int:
    if stored.shape or not np.issubdtype(stored.dtype, np.integer):
        raise _damaged(path, "its update rule is not a whole number")
    return int(stored)


def _damaged(path: Path, reason: str) -> InputError:
    return InputError(f"checkpoint {path}: is damaged ({reason}); start a new run")


def remove(folder: Path) -> None:
    """Remove the checkpoint, once the run is done."""
    (folder / NAME).unlink(missing_ok=True)
