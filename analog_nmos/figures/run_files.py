"""What the figures read of a run folder; missing or damaged files raise LeftOut with the reason."""

from __future__ import annotations

import contextlib
import re
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.figures.recorded_readout import RecordedReadout
from analog_nmos.topology import Topology, load_topology
from common import inputs
from common.errors import InputError
from common.runs import load_run

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class LeftOut(Exception):
    """A figure cannot be drawn from this folder; the message says which file is missing or damaged."""


class OtherKind(LeftOut):
    """A figure is for runs of another kind than this one."""


class RunFiles:
    """A run folder for figures. Files are read when a figure needs them; the folder is never changed.

    Args:
        folder: of a run of this suite, finished or not.

    Raises:
        InputError: there is no run of analog_nmos in it.
    """

    def __init__(self, folder: str | Path) -> None:
        record = load_run(folder)
        package = record.meta.get("package", "analog_nmos")
        if package != "analog_nmos":
            raise InputError(f"run folder {folder}: a run of {package}; these figures are for analog_nmos")
        self.folder = record.folder
        self._classes: list[str] = record.meta.get("classes") or []
        part = str(record.meta.get("validated_on", "test set")).split()[0]
        self.validated_on = f"{part} samples"
        self.readout = RecordedReadout.of(record.meta)

    def class_names(self, count: int) -> list[str]:
        """Names of the classes, as far as the run has recorded them; else their numbers."""
        return self._classes if len(self._classes) == count else [str(k) for k in range(count)]

    @cached_property
    def topology(self) -> Topology:
        """The network that the run began with."""
        try:
            return load_topology(self.folder / "topology.npz")
        except InputError as problem:
            raise LeftOut(str(problem)) from None

    @property
    def vg_epochs(self) -> list[int]:
        """Epochs with gate voltages: those that were completed, and 0 if the initial ones are on disk."""
        start = [0] if (self.folder / "0.graphml").is_file() else []
        return start + self._numbers("vg_unique")

    @cached_property
    def output_labels(self) -> list[str]:
        """Short names of the outputs: their numbers, or those of pairs."""
        return self.readout.output_labels(self.topology.n_outputs)

    @cached_property
    def validated_part(self) -> str:
        """By what name the files hold the samples that are validated, test or val, and their outputs."""
        return "test" if self._numbers("vout_test") else "val"

    @property
    def vout_epochs(self) -> list[int]:
        """Epochs with output voltages."""
        return self._numbers(f"vout_{self.validated_part}")

    @property
    def epochs(self) -> list[int]:
        """All epochs that left anything to draw."""
        return sorted({*self.vg_epochs, *self._numbers("val_confusion")})

    def confusion(self, epoch: int) -> IntArray:
        """Counts (K, K) of the validation: true class down, predicted class across."""
        if self.readout.is_values:
            raise OtherKind("its answers are values, which no confusion matrix counts")
        counts = self.array(f"0_val_confusion_epoch{epoch}.npy")
        if counts.ndim != 2 or counts.shape[0] != counts.shape[1]:
            raise LeftOut(f"0_val_confusion_epoch{epoch}.npy has shape {counts.shape}, not that of a square")
        return counts.astype(np.int64)

    def gate_V(self, epoch: int) -> FloatArray:
        """Gate voltages after an epoch in volts, shape (edges of the start network,); NaN for pruned edges."""
        topology = self.topology
        if epoch == 0:
            return self._start_V
        values = self.array(f"0_vg_unique_epoch{epoch}.npy")
        name = f"0_edge_uid_epoch{epoch}.npy"
        if (self.folder / name).is_file():
            uid = self.array(name)
        elif values.size == topology.n_edges:
            uid = np.arange(topology.n_edges)
        else:
            raise LeftOut(f"{name} is missing: {values.size} gate voltages for {topology.n_edges} edges")
        if uid.shape != values.shape or uid.min(initial=0) < 0 or uid.max(initial=0) >= topology.n_edges:
            raise LeftOut(f"{name} does not fit the gate voltages and topology.npz")
        gate_V = np.full(topology.n_edges, np.nan)
        gate_V[uid] = values
        return gate_V

    @cached_property
    def readable(self) -> dict[int, FloatArray]:
        """`gate_V` of all epochs that have them, the earliest first."""
        found = {}
        for epoch in self.vg_epochs:
            with contextlib.suppress(LeftOut):
                found[epoch] = self.gate_V(epoch)
        return found

    @cached_property
    def limits_V(self) -> tuple[float, float]:
        """Smallest and largest gate voltage of the whole run, so that figures of different epochs compare."""
        values = np.concatenate(list(self.readable.values()))
        return float(np.nanmin(values)), float(np.nanmax(values))

    def array(self, name: str) -> NDArray[Any]:
        """An array file of the folder; LeftOut where it is missing or damaged."""
        return read_array(self.folder, name)

    @cached_property
    def _start_V(self) -> FloatArray:
        import networkx as nx

        gate_V = np.full(self.topology.n_edges, np.nan)
        try:
            edges = nx.read_graphml(self.folder / "0.graphml").edges(data=True)
            for _, _, facts in edges:
                gate_V[int(facts["uid"])] = float(facts["gate_V"])
        except FileNotFoundError:
            raise LeftOut("0.graphml, which holds the initial gate voltages, is missing") from None
        except (KeyError, IndexError, ValueError, SyntaxError, nx.NetworkXError) as problem:
            raise LeftOut(f"0.graphml does not hold the initial gate voltages ({problem})") from None
        return gate_V

    def _numbers(self, kind: str) -> list[int]:
        """Epochs of the files 0_<kind>_epoch<n>.npy, in order."""
        names = (re.fullmatch(rf"0_{kind}_epoch(\d+)\.npy", path.name) for path in self.folder.iterdir())
        return sorted(int(name[1]) for name in names if name)


def read_array(folder: Path, name: str) -> NDArray[Any]:
    """An array file of a run folder.

    Raises:
        LeftOut: it is missing or damaged.
    """
    if not (folder / name).exists():
        raise LeftOut(f"{name} is missing")
    try:
        return inputs.read_array(folder / name, "array")
    except InputError as problem:
        raise LeftOut(str(problem)) from None
