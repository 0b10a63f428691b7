"""Every epoch's weights and optimizer state on disk, under a key of everything that changes them."""

from __future__ import annotations

import functools
import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aanntwin.arrays import Arrays, as_array, as_arrays, as_tensors, safe_arrays, safe_content
from aanntwin.config import Settings
from aanntwin.data import load_split
from aanntwin.engines import engine_name
from common.errors import InputError
from common.inputs import read_bytes
from common.runs.files import atomic_writer, plain

if TYPE_CHECKING:
    from torch import Tensor

FOLDER = Path("cache/models")
FORMAT = 1  # of the files and the numbers: raise it when a change to this program changes weights
# Not part of the key; engine_name covers the device where it matters.
NOT_IN_KEY = ("testing_nonidealities", "data_root", "device", "threads", "engine")
_VELOCITY = "velocity."

Weights = dict[str, "Tensor"]


class Cache:
    """A folder of epochs: <folder>/<key>/epoch_00001.safetensors, each with its settings in the metadata.

    A file is written under another name, synced to disk, and renamed; a damaged one, or one of other settings, counts
    as missing. Noise and order are functions of seed and epoch, so no generator's state is stored.
    """

    def __init__(self, folder: str | Path = FOLDER) -> None:
        self.folder = Path(folder)

    def identity(self, settings: Settings) -> dict[str, Any]:
        """Everything that changes the weights, in JSON's types; the images count by their checksum."""
        values = {name: value for name, value in asdict(settings).items() if name not in NOT_IN_KEY}
        values["training_nonidealities"] = settings.training_nonidealities.identity()
        more = {"engine": engine_name(settings), "images": _checksum(settings.dataset_name, settings.data_root)}
        return {"format": FORMAT, **plain(values), **more}

    def key(self, settings: Settings) -> str:
        """The name of the folder of these settings."""
        return hashlib.sha256(_text(self.identity(settings)).encode()).hexdigest()[:32]

    def home(self, settings: Settings) -> Path:
        """The folder of these settings."""
        return self.folder / self.key(settings)

    def place(self, settings: Settings, epoch: int) -> Path:
        """The file of an epoch."""
        return self.home(settings) / f"epoch_{epoch:05d}.safetensors"

    def known(self, settings: Settings) -> dict[int, float]:
        """The mean training loss of each epoch on disk, by its number."""
        text, found = _text(self.identity(settings)), {}
        for path in sorted(self.home(settings).glob("epoch_*.safetensors")):
            content = _read(path, text)
            if content is not None:
                found[int(path.stem.removeprefix("epoch_"))] = content[1]
        return found

    def epochs(self, settings: Settings) -> list[int]:
        """The numbers of the epochs on disk."""
        return sorted(self.known(settings))

    def last(self, settings: Settings) -> int:
        """The last epoch before the first one that is missing; 0 if the first one is."""
        known, number = self.known(settings), 0
        while number + 1 in known:
            number += 1
        return number

    def load(self, settings: Settings, epoch: int) -> Weights:
        """The weights at the end of an epoch; errors as `state`."""
        return self.state(settings, epoch)[0]

    def state(self, settings: Settings, epoch: int) -> tuple[Weights, Weights]:
        """Weights, and the optimizer's velocity (empty without momentum), at the end of an epoch.

        Raises:
            InputError: that epoch is not on disk, or is damaged.
        """
        weights, velocity = self.arrays(settings, epoch)
        return as_tensors(weights), as_tensors(velocity)

    def arrays(self, settings: Settings, epoch: int) -> tuple[Arrays, Arrays]:
        """As `state`, without loading torch."""
        content = _read(self.place(settings, epoch), _text(self.identity(settings)))
        if content is None:
            raise InputError(f"cache {self.folder}: epoch {epoch} of these settings is not in it")
        found = content[0]
        weights = {name: value for name, value in found.items() if not name.startswith(_VELOCITY)}
        velocity = {name.removeprefix(_VELOCITY): value for name, value in found.items() if name.startswith(_VELOCITY)}
        return weights, velocity

    def store(
        self, settings: Settings, epoch: int, weights: Mapping[str, Any], velocity: Mapping[str, Any], loss: float
    ) -> None:
        """Keep an epoch, of arrays or tensors.

        Raises:
            OSError: the disk is full or the folder cannot be written; earlier epochs stay as they are.
        """
        tensors = as_arrays({**weights, **{_VELOCITY + name: value for name, value in velocity.items()}})
        identity = _text(self.identity(settings))
        metadata = {"identity": identity, "loss": repr(loss), "checksum": _digest(tensors)}
        path = self.place(settings, epoch)
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_writer(path, durable=True) as stream:
            stream.write(safe_content(tensors, metadata))


class LastEpoch(Cache):
    """A folder with only the last epoch of one training."""

    def home(self, settings: Settings) -> Path:
        """See Cache."""
        return self.folder

    def last(self, settings: Settings) -> int:
        """The number of the epoch; 0 if there is none."""
        return max(self.known(settings), default=0)

    def store(
        self, settings: Settings, epoch: int, weights: Mapping[str, Any], velocity: Mapping[str, Any], loss: float
    ) -> None:
        """Keep an epoch and delete the one before; errors as Cache's."""
        super().store(settings, epoch, weights, velocity, loss)
        for path in self.folder.glob("epoch_*.safetensors"):
            if path != self.place(settings, epoch):
                path.unlink()


def _text(identity: Mapping[str, Any]) -> str:
    return json.dumps(identity, sort_keys=True)


def _digest(tensors: Mapping[str, Any]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(f"{name} {tuple(tensors[name].shape)}\n".encode())
        digest.update(as_array(tensors[name]).tobytes())
    return digest.hexdigest()


def _read(path: Path, identity: str) -> tuple[Arrays, float] | None:
    """Arrays and loss of a file, or None where it is missing, damaged, of other settings, or not finite."""
    try:
        found, metadata = safe_arrays(read_bytes(path, "epoch"), f"epoch {path}")
        if metadata.get("identity") != identity or metadata.get("checksum") != _digest(found):
            return None
        if not all(np.isfinite(value).all() for value in found.values()):  # older versions kept such epochs
            return None
        return found, float(metadata["loss"])
    except (InputError, KeyError, ValueError):  # then the epoch is trained again
        return None


@functools.lru_cache(maxsize=8)
def _checksum(dataset_name: str, data_root: Path | None) -> int:
    """Checksum of the training images and labels: other files get another key."""
    images, labels = load_split(Settings(dataset_name=dataset_name, data_root=data_root), train=True)
    return zlib.crc32(labels.tobytes(), zlib.crc32(images.tobytes()))
