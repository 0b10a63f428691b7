"""checkpoint.npz: all models after the last complete epoch, with their histories; replaced after every epoch."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from common.errors import InputError
from common.runs.files import atomic_writer
from magnetoionic.network import Network

NAME = "checkpoint.npz"


def save(folder: Path, models: Sequence[Network], history: Sequence[dict[str, Any]]) -> None:
    """Write the state after an epoch; a kill at any moment leaves the old checkpoint or the new one."""
    arrays: dict[str, Any] = {
        f"{number}.{at}.{name}": array
        for number, model in enumerate(models)
        for at, layer in enumerate(model.layers)
        for name, array in layer.arrays().items()
    }
    with atomic_writer(folder / NAME, durable=True) as stream:
        np.savez(stream, history=np.array(json.dumps(list(history))), **arrays)


def load(folder: Path, models: Sequence[Network]) -> list[dict[str, Any]]:
    """Bring new models to the state of the checkpoint; returns their histories, empty without a checkpoint.

    Raises:
        InputError: the checkpoint is damaged.
    """
    path = folder / NAME
    if not path.exists():
        return []
    try:
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as archive:
            history = json.loads(str(archive["history"]))
            for number, model in enumerate(models):
                for at, layer in enumerate(model.layers):
                    layer.load({name: archive[f"{number}.{at}.{name}"] for name in layer.arrays()})
    except (KeyError, ValueError, OSError, zipfile.BadZipFile) as problem:
        raise InputError(f"checkpoint {path}: is damaged ({problem}); start a new run") from None
    return list(history)


def remove(folder: Path) -> None:
    """Take the checkpoint away, after the weights are written."""
    (folder / NAME).unlink(missing_ok=True)
