"""--dry-run: how many operating points a training needs, and how long it takes here."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence

import numpy as np

from analog_nmos.cards.model_card import ModelCard
from analog_nmos.objectives.base import Objective
from analog_nmos.training.compiled import train_replicas
from analog_nmos.training.config import TrainerConfig
from analog_nmos.training.copies import Copies
from analog_nmos.training.epoch import validate
from analog_nmos.training.replica import Replica
from analog_nmos.training.snapshots import trained_snapshots
from analog_nmos.training.trainer import open_trainer
from common.experiment import Estimate, Start

PROBES = 10
HISTORY_NUMBERS = 75  # an epoch in metrics.csv, checkpoint.npz and the files of the histories, as so many doubles


def describe(configs: Sequence[TrainerConfig], starts: Sequence[Start]) -> Estimate:
    """Train and validate on a few samples of the first configuration and estimate the time of all remaining epochs.

    In a first epoch nearly all samples need a clamped phase, so the time is an upper bound.
    """
    with open_trainer(configs, starts) as trainer:
        replica = trainer.replicas[0]
        train_s, val_s = _seconds_per_sample(replica, trainer.objective.replica(0), trainer.card)
        epochs = sum(one.config.epochs - one.epoch for one in trainer.replicas)
        files_MiB = sum(map(_files_MiB, trainer.replicas))
        begun = sum(start.begun for start in starts)
    config, n_train, n_val = replica.config, len(replica.data.train.y), len(replica.data.val.y)
    validations = (len(configs) - begun + epochs) * n_val
    least = validations + epochs * n_train
    lines = (
        f"{len(configs)} run(s) of {config.epochs} epochs, {replica.topology.n_edges} edges, {n_train} training and "
        f"{n_val} validation samples, backend {config.backend} {trainer.version}",
        f"{least} to {least + epochs * n_train} operating points, {1e3 * val_s:.3g} ms each",
    )
    return Estimate(lines, validations * val_s + epochs * n_train * train_s, note="at most", files_MiB=files_MiB)


def _seconds_per_sample(replica: Replica, objective: Objective, card: ModelCard) -> tuple[float, float]:
    """Seconds to train on one sample and to validate one."""
    few = replica.data.train.first(PROBES)
    probe = dataclasses.replace(replica, data=dataclasses.replace(replica.data, train=few, val=few, test=few))
    copies = Copies.of([probe], card)
    for _ in range(2):  # the first time includes loading and compiling
        start = time.perf_counter()
        train_replicas([probe], np.ones(1, bool), copies, objective, lambda samples: None)
        train_s = time.perf_counter() - start
        backend = copies.test(0, probe.gate_V)
        val_s = validate(backend, 0, few, _nothing, probe.periphery).seconds
    copies.close()
    return train_s / len(few.y), val_s / len(few.y)


def _files_MiB(replica: Replica) -> float:
    """Of what a replica will still write: the files of its snapshots, and all its epochs in the growing ones."""
    epochs = replica.config.epochs
    snapshots = int((trained_snapshots(replica.config) > replica.epoch).sum())
    numbers = snapshots * (replica.topology.n_edges + replica.data.n_outputs * len(replica.data.val.y) + 500)
    return 8 * (numbers + (epochs - replica.epoch) * HISTORY_NUMBERS) / 2**20


def _nothing() -> None:
    pass
