"""Fine-tuning: a network is trained further on the chip itself, from the gates that it was deployed with."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.backends import BACKENDS
from analog_nmos.chips import Chip
from analog_nmos.deployment.trained import Gates, Trained
from analog_nmos.training.circuits import Circuits
from analog_nmos.training.compiled import prepare, train_replicas
from analog_nmos.training.epoch import Progress, Training
from analog_nmos.training.replica import Replica, new_replica
from common.cli import check
from common.errors import RunError

FloatArray = NDArray[np.float64]
SIDE_BY_SIDE = 32  # chips at once: more gain nothing, and each takes memory


def repair(
    trained: Trained,
    chips: Sequence[Chip],
    epochs: int,
    settings: Mapping[str, Any] | None = None,
    beat: Progress = lambda samples: None,
) -> list[list[Gates]]:
    """Train on chips side by side, each with the numbers that it has alone.

    As `nmos-train --chip` would with these gates as the initial ones: its objective, samples, order and noise are
    those of epoch 1, 2 ... of a run with the run's seeds, and the circuits are new ones. What the objective measured
    for the deployed gates is known from the start. Two circuits of each chip, or one where the run has --one-circuit.
    Nothing is pruned.

    Args:
        trained: the run.
        chips: on which it trains.
        epochs: how many.
        settings: options of the trainer in place of the run's, such as gamma=0.1.
        beat: called with numbers of samples that have been trained on.

    Returns:
        For each chip the gates before the first epoch and after each.

    Raises:
        InputError: a chip does not fit, or an option cannot be.
        RunError: more operating points of an epoch failed than --max-failures of the run allows.
    """
    most = BACKENDS.get(trained.config.backend).most_replicas or SIDE_BY_SIDE
    found: list[list[Gates]] = []
    for first in range(0, len(chips), most):
        found += _side_by_side(trained, chips[first : first + most], epochs, settings or {}, beat)
    return found


def _side_by_side(
    trained: Trained, chips: Sequence[Chip], epochs: int, settings: Mapping[str, Any], beat: Progress
) -> list[list[Gates]]:
    replicas = [_replica(trained, chip, epochs, settings) for chip in chips]
    objective, everyone = trained.objective(len(chips), settings), np.ones(len(chips), bool)
    found = [[_gates(replica, trained.gates.arrays)] for replica in replicas]
    with contextlib.closing(Circuits(replicas, trained.card)) as circuits:
        prepare(replicas, circuits.copies, objective)
        for epoch in range(1, epochs + 1):
            for row, replica in enumerate(replicas):
                replica.epoch = epoch
                objective.begin_epoch(
                    epoch, row, replica.data.train, functools.partial(_scores, circuits, replica, row)
                )
            sums = train_replicas(
                replicas, everyone, circuits.copies, objective, lambda samples: beat(samples * len(replicas))
            )
            _check_failures(replicas, sums)
            for row, replica in enumerate(replicas):
                replica.leak()
                found[row].append(_gates(replica, objective.epoch_arrays(row)))
    return found


def _replica(trained: Trained, chip: Chip, epochs: int, settings: Mapping[str, Any]) -> Replica:
    chip.check_fits(trained.replica.start)
    two = not trained.config.one_circuit
    alone = {"chip": None, "chip_scale": 1.0, "two_circuits": two, "epochs": epochs, "snapshot_every": None}
    config = replace(trained.config, **{**alone, **settings})
    check(config)
    replica = new_replica(config, trained.replica.data, trained.replica.start, chip, trained.replica.sign)
    replica.take(trained.gates.gate_V, trained.gates.edge_uid)
    if settings.get("gate_range"):
        replica.gate_V = replica.gate_V.clip(*replica.gate_range_V)
    return replica


def _gates(replica: Replica, arrays: Mapping[str, FloatArray]) -> Gates:
    return Gates(replica.gate_V.copy(), replica.edge_uid, arrays)


def _scores(
    circuits: Circuits, replica: Replica, row: int, input_V: FloatArray
) -> tuple[FloatArray, NDArray[np.int64]]:
    """See `objectives.base.Measure`."""
    out_V, status = circuits.measure(row, input_V)
    return replica.data.readout.scores_V(out_V), status


def _check_failures(replicas: Sequence[Replica], sums: Training) -> None:
    for replica, failed, solves in zip(replicas, sums.failures(), sums.solves, strict=True):
        if failed > replica.config.max_failures * solves:
            raise RunError(
                f"repair, epoch {replica.epoch}: {failed} of {solves} operating points failed "
                f"(the run's --max-failures allows {replica.config.max_failures:g} of them)"
            )
