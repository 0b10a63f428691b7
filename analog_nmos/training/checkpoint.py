"""checkpoint.npz: everything that the next epoch depends on, replaced as a whole when epochs are complete.

Everything read back is checked before any of it is used: names, types and shapes of the arrays, and that they belong
to the network of the run. The ZIP file's own checksums find damaged bytes.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.chips.normals import STATE_WORDS
from analog_nmos.chips.periphery import Periphery
from analog_nmos.rules.parts import optimizer_of
from analog_nmos.training.metric import ACCURACY
from analog_nmos.training.pruning import COUNTER, LAST
from analog_nmos.training.replica import DAMAGE, RULE, STUCK, Replica
from common.errors import InputError
from common.inputs import parse_json, read_arrays
from common.runs.files import write_bytes

NAME = "checkpoint.npz"
NAMES = "names"  # of all other arrays, written first: a truncated table of contents of a ZIP file is not noticed
RNG_WORDS = 624  # of the Mersenne Twister; its position is at most that


@dataclass(frozen=True)
class State:
    """A replica after a complete epoch, as its checkpoint holds it; what it refers to never changes.

    Attributes:
        epoch: epochs done, for which there are numbers in the histories.
        gate_V: shape (edges,), in volts.
        edge_uid: shape (edges,), as in `Replica`.
        rng: of the random numbers, as `RandomState.get_state` gives it.
        circuit: see `Copies.state`.
        memory: as in `Replica`.
        streams: see `Periphery.state`.
    """

    epoch: int
    gate_V: NDArray[np.float64]
    edge_uid: NDArray[np.int64]
    rng: tuple[Any, ...]
    circuit: Mapping[str, NDArray[Any]]
    memory: Mapping[str, NDArray[Any]]
    streams: Mapping[str, NDArray[Any]]

    @classmethod
    def of(cls, replica: Replica, circuit: Mapping[str, NDArray[Any]]) -> State:
        """That of a replica now; its arrays are replaced by an epoch, never changed in place."""
        rng: Any = replica.rng.get_state(legacy=True)
        streams = replica.periphery.state()
        return cls(replica.epoch, replica.gate_V, replica.edge_uid, rng, circuit, dict(replica.memory), streams)


class Histories:
    """The histories of a replica as JSON. Only what is new is converted: a run may have millions of numbers.

    Args:
        histories: lists that grow, as in `Replica`; all of them hold a number for each epoch, those of validation one
            more for epoch 0.
    """

    def __init__(self, histories: Mapping[str, list[float]]) -> None:
        self._histories = histories
        self._texts: dict[str, bytearray] = {}
        self._done: dict[str, int] = {}

    def until(self, epoch: int) -> dict[str, list[float]]:
        """Those with numbers up to an epoch, without any of later ones."""
        lengths = {name: epoch + name.startswith("val_") for name in self._histories}
        return {name: values[: lengths[name]] for name, values in self._histories.items() if lengths[name] > 0}

    def text(self, epoch: int) -> bytes:
        """What json.dumps gives for `until(epoch)`; no later call may ask for an earlier epoch."""
        parts = []
        for name, values in self._histories.items():
            done, end = self._done.get(name, 0), epoch + name.startswith("val_")
            if end <= 0:
                continue
            text = self._texts.setdefault(name, bytearray())
            if end > done:
                text += b", " * (done > 0) + json.dumps(values[done:end])[1:-1].encode()
                self._done[name] = end
            parts.append(json.dumps(name).encode() + b": [" + text + b"]")
        return b"{" + b", ".join(parts) + b"}"


def save_checkpoint(folder: Path, state: State, histories: Histories) -> None:
    """Write a state; a kill at any moment leaves the old checkpoint or the new one."""
    _, keys, position, has_gauss, gauss = state.rng
    arrays: dict[str, Any] = {
        "epoch": np.int64(state.epoch),
        "gate_V": state.gate_V,
        "edge_uid": state.edge_uid,
        "rng_keys": keys,
        "rng_rest": np.array([position, has_gauss, gauss], np.float64),
        "histories": np.frombuffer(histories.text(state.epoch), np.uint8),
        **{f"backend_{name}": array for name, array in state.circuit.items()},
        **{f"memory_{name}": array for name, array in state.memory.items()},
        **{f"noise_{name}": array for name, array in state.streams.items()},
    }
    stream = io.BytesIO()
    np.savez(stream, **{NAMES: np.array(sorted(arrays)), **arrays})
    write_bytes(folder / NAME, stream.getbuffer(), durable=True)


def load_checkpoint(folder: Path, replica: Replica) -> dict[str, NDArray[Any]] | None:
    """Bring a replica to the state of the checkpoint; returns the circuit's state (None: no checkpoint).

    Raises:
        InputError: the checkpoint is damaged or belongs to another network; the replica is then unchanged.
    """
    if not (folder / NAME).exists():
        return None
    saved = _Saved(folder)
    epoch, edge_uid, gate_V = saved.network(replica.start.n_edges)
    histories = saved.histories(epoch, replica.data.readout.answer.classes)
    optimizer = optimizer_of(replica.config.optimizer, replica.config.optimizer_options)
    memory = saved.memory(edge_uid.size, optimizer.memories)
    rng_state, streams = saved.rng_state(), saved.streams(replica.periphery)
    replica.rng.set_state(rng_state)
    replica.epoch = epoch
    replica.take(gate_V, edge_uid)
    replica.periphery.restore(streams)
    replica.histories, replica.memory = histories, memory
    return saved.with_prefix("backend_")


def check_state(folder: Path, state: Mapping[str, NDArray[Any]], expected: Mapping[str, NDArray[Any]]) -> None:
    """Check that a circuit's state from the checkpoint in `folder` has the arrays that this version's circuit has.

    Raises:
        InputError: an array is missing, is one too many, or has another shape.
    """
    where = f"checkpoint {folder / NAME}"
    for name in sorted(expected.keys() | state.keys()):
        if name not in expected:
            raise InputError(f"{where}: this version's circuit has no {name}; start a new run")
        if name not in state:
            raise InputError(f"{where}: array backend_{name} is missing")
        _check(f"{where}: array backend_{name}", state[name], expected[name].dtype, expected[name].shape)


def read_gates(folder: Path) -> tuple[int, NDArray[np.int64], NDArray[np.float64]]:
    """Epoch, edge numbers in topology.npz (edges,) and gate voltages (edges,) in volts of the last complete epoch.

    Raises:
        InputError: there is no checkpoint, or it is damaged.
    """
    if not (folder / NAME).exists():
        raise InputError(f"checkpoint {folder / NAME}: no such file; the run has not finished epoch 0")
    return _Saved(folder).network()


class _Saved:
    """The arrays of a checkpoint, each checked when it is read."""

    def __init__(self, folder: Path) -> None:
        self._where = f"checkpoint {folder / NAME}"
        self._arrays = read_arrays(folder / NAME, "checkpoint")
        names = self._arrays.pop(NAMES, None)  # version 0.1 wrote none
        lost = set() if names is None else {str(name) for name in names.flat} - self._arrays.keys()
        if lost:
            raise InputError(f"{self._where}: array {min(lost)} is missing")

    def network(self, start_edges: int | None = None) -> tuple[int, NDArray[np.int64], NDArray[np.float64]]:
        """Epoch, edge numbers (edges,) below `start_edges`, and gate voltages (edges,) in volts."""
        epoch = int(self._array("epoch", np.int64, ()))
        edge_uid = self._array("edge_uid", np.int64, (None,))
        gate_V = self._array("gate_V", np.float64, edge_uid.shape)
        if epoch < 0 or not edge_uid.size or edge_uid[0] < 0 or (np.diff(edge_uid) <= 0).any():
            raise InputError(f"{self._where}: is damaged (impossible epoch or edge numbers)")
        if start_edges is not None and edge_uid[-1] >= start_edges:
            raise InputError(f"{self._where}: holds edge {edge_uid[-1]}; the topology has {start_edges}")
        if not np.isfinite(gate_V).all():
            raise InputError(f"{self._where}: holds gate voltages that are not finite")
        return epoch, edge_uid, gate_V

    def rng_state(self) -> tuple[str, NDArray[np.uint32], int, int, float]:
        """For `RandomState.set_state`, which does not check the position."""
        keys = self._array("rng_keys", np.uint32, (RNG_WORDS,))
        position, has_gauss, gauss = self._array("rng_rest", np.float64, (3,)).tolist()
        if position not in range(RNG_WORDS + 1) or has_gauss not in (0, 1):
            raise InputError(f"{self._where}: is damaged (impossible state of the random numbers)")
        return "MT19937", keys, int(position), int(has_gauss), gauss

    def histories(self, epoch: int, accuracy: bool) -> dict[str, list[float]]:
        """Lists of `epoch` numbers by name; validation has one more, for epoch 0. `accuracy`: whether it has one."""
        histories = parse_json(self._text("histories"), f"{self._where}: array histories")
        for name, values in histories.items():
            numbers = isinstance(values, list) and all(isinstance(value, (int, float)) for value in values)
            if not numbers or len(values) != epoch + name.startswith("val_"):
                raise InputError(f"{self._where}: history {name} does not hold a number for each of {epoch} epochs")
        missing = not any(name.startswith("val_") for name in histories)
        if missing or (accuracy and ACCURACY not in histories):
            raise InputError(f"{self._where}: history {ACCURACY if accuracy else 'of the validation'} is missing")
        return histories

    def _text(self, name: str) -> str:
        """UTF-8 bytes; earlier versions wrote an array of letters, four times as large."""
        array = self._arrays.get(name)
        if array is not None and array.shape == () and array.dtype.kind == "U":
            return str(array)
        if array is None or array.ndim != 1 or array.dtype != np.uint8:
            raise InputError(f"{self._where}: array {name} is missing or not text")
        return array.tobytes().decode(errors="replace")

    def memory(self, edges: int, memories: int) -> dict[str, NDArray[Any]]:
        """What trainers carry from epoch to epoch; the optimizer has so many numbers of each edge."""
        known: tuple[tuple[str, Any, tuple[int | None, ...]], ...] = (
            *((COUNTER, np.int64, (edges,)), (LAST, np.int64, (2,)), (STUCK, np.bool_, (edges,))),
            *((DAMAGE, np.uint8, (None,)), (RULE, np.float64, (memories, edges))),
        )
        for name, dtype, shape in known:
            if f"memory_{name}" in self._arrays:
                self._array(f"memory_{name}", dtype, shape)
        return self.with_prefix("memory_")

    def streams(self, periphery: Periphery) -> dict[str, NDArray[np.uint64]]:
        """Of the noise of a periphery."""
        found = self.with_prefix("noise_")
        for name in found:
            if name not in periphery.streams:
                raise InputError(f"{self._where}: this version has no stream of noise {name}; start a new run")
            self._array(f"noise_{name}", np.uint64, (STATE_WORDS,))
        return found

    def with_prefix(self, prefix: str) -> dict[str, NDArray[Any]]:
        """The arrays whose names begin with `prefix`, by the rest of their names."""
        return {name.removeprefix(prefix): array for name, array in self._arrays.items() if name.startswith(prefix)}

    def _array(self, name: str, dtype: Any, shape: tuple[int | None, ...]) -> NDArray[Any]:
        if name not in self._arrays:
            raise InputError(f"{self._where}: array {name} is missing")
        _check(f"{self._where}: array {name}", self._arrays[name], np.dtype(dtype), shape)
        return self._arrays[name]


def _check(where: str, array: NDArray[Any], dtype: np.dtype[Any], shape: tuple[int | None, ...]) -> None:
    """Raise InputError unless the array has this type and shape; None stands for any length."""
    fits = len(array.shape) == len(shape) and all(b in (None, a) for a, b in zip(array.shape, shape, strict=True))
    if array.dtype != dtype or not fits:
        wanted = " x ".join("any" if length is None else str(length) for length in shape) or "a scalar"
        found = " x ".join(map(str, array.shape)) or "a scalar"
        raise InputError(f"{where}: has shape {found} and type {array.dtype}; expected {wanted} and {dtype}")
