"""A finished run, read to be deployed: its options, its samples, its network, and the gates of one of its epochs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.cards.model_card import ModelCard
from analog_nmos.chips import Chip
from analog_nmos.figures.run_files import LeftOut, RunFiles, read_array
from analog_nmos.objectives.base import Objective
from analog_nmos.objectives.settings import hyperparameters, objective_class
from analog_nmos.tasks import TASKS
from analog_nmos.training.checkpoint import load_checkpoint
from analog_nmos.training.config import TrainerConfig
from analog_nmos.training.copies import State
from analog_nmos.training.metric import ACCURACY, metric_of
from analog_nmos.training.opening import check_data, load_card, load_replica
from analog_nmos.training.pruning import COUNTER, LAST
from analog_nmos.training.replica import STUCK, Replica
from common.cli import build
from common.errors import InputError
from common.plugins import add_search_path, load, recorded_folders
from common.runs import load_run
from common.runs.read import RunRecord
from common.values import integer, shown

FloatArray = NDArray[np.float64]
# The options of trainers that are no tasks, by their names in run_meta.json.
OF_DIGITS = {
    "dense_trainer": "analog_nmos.dense_trainer:HingeConfig",
    "dense_trainer_avgappr": "analog_nmos.dense_trainer_avgappr:PrototypeConfig",
    "dense_trainer_cross_entropy": "analog_nmos.dense_trainer_cross_entropy:CrossEntropyConfig",
    "auto_prune_trainer": "analog_nmos.auto_prune_trainer:AutoPruneConfig",
}
SHOWN = 5  # epochs that a message names, besides the last one
NAMED = ("selected", "last")  # epochs


@dataclass(frozen=True, eq=False)
class Gates:
    """What a network has learned.

    Attributes:
        gate_V: (edges,) in volts.
        edge_uid: (edges,) their numbers in the network that the run began with.
        arrays: what the objective measured with them, which its predictions need (`Objective.epoch_arrays`).
    """

    gate_V: FloatArray
    edge_uid: NDArray[np.int64]
    arrays: Mapping[str, FloatArray]


@dataclass(frozen=True, eq=False)
class Trained:
    """A finished run.

    Attributes:
        folder: of the run.
        config: its options.
        card: of its transistors.
        replica: as its last epoch left it.
        state: of its circuits then; see `Copies.state`.
        epoch: whose gates are deployed.
        gates: of this epoch.
    """

    folder: Path
    config: TrainerConfig
    card: ModelCard
    replica: Replica
    state: State
    epoch: int
    gates: Gates

    @property
    def name(self) -> str:
        """What tables call it: the name of its folder."""
        return self.folder.resolve().name

    @property
    def chip(self) -> Chip | None:
        """The chip that it was trained on, with --chip-scale; None where all transistors were the card's."""
        return self.replica.chip and self.replica.chip.scaled(self.config.chip_scale)

    @property
    def metric(self) -> str:
        """Of the test: accuracy, or the name of the loss where answers are values."""
        name = metric_of(self.replica.data, objective_class(self.config.trains).loss_name)
        return "accuracy" if name == ACCURACY else name.removeprefix("val_")

    def objective(self, n_replicas: int = 1, settings: Mapping[str, Any] | None = None) -> Objective:
        """Its objective, for so many replicas, each with what it measured for these gates.

        `settings` are options in place of the run's.
        """
        kind, readout = objective_class(self.config.trains), self.replica.data.readout
        found = kind.of([hyperparameters(kind, replace(self.config, **(settings or {})))] * n_replicas, readout)
        for row in range(n_replicas):
            found.recall(row, self.gates.arrays)
        return found


def load_trained(
    folder: str | Path, epoch: str = "selected", backend: str | None = None, *, unfinished: bool = False
) -> Trained:
    """Read a run.

    Args:
        folder: of a finished run of any trainer of this suite.
        epoch: "selected", "last", or its number.
        backend: solver in place of the run's own.
        unfinished: whether the run may have been stopped, or be running; then no epoch is selected, the last one is
            that of its checkpoint, and others are there as far as they have left files.

    Raises:
        InputError: no finished run, a file is missing or damaged, its samples have changed, or there are no gates of
            this epoch.
    """
    record = load_run(folder)
    where = f"run folder {folder}"
    if record.meta.get("package") != "analog_nmos" or not (record.result or unfinished):
        raise InputError(f"{where}: not a finished run of analog_nmos (status {record.status})")
    config = _config(record)
    card = load_card(config, record.folder)
    replica = load_replica(config, record.folder, card.sign)
    check_data(replica.data, record.meta, record.folder)
    state = load_checkpoint(record.folder, replica)
    if state is None:
        raise InputError(f"{where}: has no checkpoint, which holds the gates of its last epoch")
    number = _epoch(record, replica, epoch)
    gates = _of_checkpoint(replica) if epoch == "last" else _of_epoch(record.folder, replica, number)
    if backend is not None and backend != config.backend:
        config = replace(config, backend=backend)
        state = {name: array for name, array in state.items() if name.endswith("sink_V")}
    return Trained(record.folder, config, card, replica, state, number, gates)


def at_epoch(trained: Trained, epoch: int) -> Trained:
    """The same run with the gates that another epoch has left in files.

    Raises:
        InputError: there are none.
    """
    return replace(trained, epoch=epoch, gates=_of_epoch(trained.folder, trained.replica, epoch))


def _config(record: RunRecord) -> TrainerConfig:
    """The options of a run; one that its version did not have gets its default, which is what that version did."""
    kind = _kind(record)
    unknown = sorted(set(record.config) - {field.name for field in fields(kind)})
    if unknown:
        raise InputError(f"run folder {record.folder}: was not made by this version (it has an option {unknown[0]})")
    return build(kind, record.config)


def _kind(record: RunRecord) -> type[TrainerConfig]:
    """The trainer's dataclass of options; a user's own task is sought where it lay when the run began, too."""
    add_search_path(recorded_folders(record.meta.get("plugins") or {}))
    if isinstance(record.meta.get("task"), str):
        return TASKS.get(record.meta["task"])
    job = record.meta.get("job")
    if job not in OF_DIGITS:
        raise InputError(f"run folder {record.folder}: was made by {shown(job)}, which is no trainer of this version")
    kind: type[TrainerConfig] = load(OF_DIGITS[job])
    return kind


def _epoch(record: RunRecord, replica: Replica, epoch: str) -> int:
    if epoch == "selected" and not record.result:
        raise InputError(
            f"run folder {record.folder}: has no selected epoch, as it is {record.status}; name last, or a number"
        )
    if epoch in NAMED:
        return replica.epoch if epoch == "last" else int(record.result["selected_epoch"])
    try:
        return integer(epoch)
    except InputError:
        raise InputError(f"argument --epoch: {shown(epoch)} is not selected, last, or a number") from None


def _of_checkpoint(replica: Replica) -> Gates:
    return Gates(replica.gate_V, replica.edge_uid, replica.memory)


def _of_epoch(folder: Path, replica: Replica, epoch: int) -> Gates:
    """The gates of an epoch that left files."""
    files = RunFiles(folder)
    if epoch not in (known := files.vg_epochs):
        first = [str(one) for one in known[:SHOWN]] + ["..."] * (len(known) > SHOWN)
        listed = ", ".join([*first, *map(str, known[SHOWN:][-1:])])
        raise InputError(f"run folder {folder}: has no gate voltages of epoch {epoch}; it has those of {listed}")
    try:
        values = files.gate_V(epoch)
        names = [name for name in replica.memory if name not in (COUNTER, LAST, STUCK)]
        paths = {name: f"0_{name}_epoch{epoch}.npy" for name in names}
        there = {name: path for name, path in paths.items() if (folder / path).exists()}
        arrays: dict[str, Any] = {name: read_array(folder, path) for name, path in there.items()}
    except LeftOut as reason:
        raise InputError(f"run folder {folder}: {reason}") from None
    edge_uid = np.flatnonzero(np.isfinite(values))
    return Gates(values[edge_uid], edge_uid, arrays)
