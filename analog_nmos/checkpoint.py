"""checkpoint.npz: everything that the next epoch depends on, replaced as the last act of every epoch."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.lane import Lane
from common.errors import InputError
from common.runs.files import atomic_writer

NAME = "checkpoint.npz"


def save_checkpoint(folder: Path, lane: Lane, backend_state: dict[str, NDArray[Any]]) -> None:
    """Write the lane's state and its circuit's; a kill at any moment leaves the old checkpoint or the new one."""
    _, keys, position, has_gauss, gauss = lane.rng.get_state(legacy=True)
    arrays: dict[str, Any] = {
        "epoch": np.int64(lane.epoch),
        "gate_V": lane.gate_V,
        "edge_uid": lane.edge_uid,
        "rng_keys": keys,
        "rng_rest": np.array([position, has_gauss, gauss], np.float64),
        "histories": np.array(json.dumps(lane.histories)),
        **{f"backend_{name}": array for name, array in backend_state.items()},
        **{f"memory_{name}": array for name, array in lane.memory.items()},
    }
    with atomic_writer(folder / NAME, durable=True) as stream:
        np.savez(stream, **arrays)


def load_checkpoint(folder: Path, lane: Lane) -> dict[str, NDArray[Any]] | None:
    """Bring a new lane to the state of the checkpoint; returns the circuit's state (None: no checkpoint).

    Raises:
        InputError: the checkpoint is damaged or belongs to another network.
    """
    path = folder / NAME
    if not path.exists():
        return None
    arrays = _read(path)
    try:
        histories = json.loads(str(arrays["histories"]))
        position, has_gauss, gauss = arrays["rng_rest"]
        lane.rng.set_state(("MT19937", arrays["rng_keys"], int(position), int(has_gauss), float(gauss)))
        kept = arrays["edge_uid"]
        lane.gate_V, lane.edge_uid, lane.histories = arrays["gate_V"], kept, histories
        lane.epoch = int(arrays["epoch"])
    except (KeyError, ValueError) as problem:
        raise InputError(f"checkpoint {path}: is damaged ({problem})") from None
    if kept.max() >= lane.start.n_edges:
        raise InputError(f"checkpoint {path}: holds edge {kept.max()}; the topology has {lane.start.n_edges}")
    if kept.size < lane.topology.n_edges:
        lane.topology = lane.topology.keep(kept)
    lane.memory = _with_prefix(arrays, "memory_")
    return _with_prefix(arrays, "backend_")


def read_gates(folder: Path) -> tuple[int, NDArray[np.int64], NDArray[np.float64]]:
    """Epoch, edge numbers in topology.npz (edges,) and gate voltages (edges,) in volts of the last complete epoch.

    Raises:
        InputError: there is no checkpoint, or it is damaged.
    """
    arrays = _read(folder / NAME)
    return int(arrays["epoch"]), arrays["edge_uid"], arrays["gate_V"]


def _read(path: Path) -> dict[str, NDArray[Any]]:
    try:
        # NumPy leaves a file open that it cannot read; this way it is closed.
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise InputError(f"checkpoint {path}: no such file; the run has not finished epoch 0") from None
    except (ValueError, OSError, zipfile.BadZipFile) as problem:
        raise InputError(f"checkpoint {path}: is damaged ({problem})") from None


def _with_prefix(arrays: dict[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
