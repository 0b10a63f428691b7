"""Pruning while training: an edge whose gate voltage stays below the cutoff is removed for good."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.cards.model_card import ModelCard
from analog_nmos.training.replica import Replica
from common.errors import InputError

COUNTER, LAST = "epochs_below_cutoff", "last_pruning"


def check_threshold(card: ModelCard) -> None:
    """Raise InputError if the card gives no threshold voltage to compare gate voltages with."""
    try:
        _ = card.vto_V
    except InputError as problem:
        raise InputError(f"pruning needs a threshold voltage, for --vg-cutoff-ratio: {problem}") from None


def cutoff(config: Any, card: ModelCard) -> dict[str, Any]:
    """The gate voltage in volts below which an edge is removed, and after how many epochs, by published names."""
    return {"vg_cutoff": config.vg_cutoff_ratio * card.vto_V, "vg_cutoff_epochs": config.vg_cutoff_epochs}


def edges_that_stay(replica: Replica, card: ModelCard) -> NDArray[np.bool_]:
    """Which edges stay, as a mask (edges,): those not below vg_cutoff_ratio * vto for vg_cutoff_epochs epochs in a row.

    A PMOS is off above it.

    Counts the epochs in the replica's memory, for the edges that stay, and notes there how many edges the last pruning
    removed and left.
    """
    limit = cutoff(replica.config, card)
    before = replica.memory.get(COUNTER, np.zeros(replica.gate_V.size, np.int64))
    off = replica.sign * replica.gate_V < replica.sign * limit["vg_cutoff"]
    count = np.where(off, before + 1, 0)
    keep: NDArray[np.bool_] = count < limit["vg_cutoff_epochs"]
    replica.memory[COUNTER] = count[keep]
    if not keep.all():
        replica.memory[LAST] = np.array([(~keep).sum(), keep.sum()])
    return keep


def forget_edges(replica: Replica, keep: NDArray[np.bool_]) -> None:
    """Forget what the memory counts of edges outside the mask (edges,), which are removed for another reason."""
    if not replica.config.prunes:
        return
    if COUNTER in replica.memory:
        replica.memory[COUNTER] = replica.memory[COUNTER][keep]
    if replica.memory.get(LAST, np.zeros(2, np.int64))[0] == 0:  # no pruning has removed any yet
        replica.memory[LAST] = np.array([0, keep.sum()])


def last_pruning(replica: Replica, card: ModelCard) -> dict[str, Any]:
    """For the meta of a pruned topology: the cutoff (V, epochs), and how many edges the last pruning removed and left.

    A checkpoint of version 0.1 does not say how many it removed (None).
    """
    unknown = None if replica.topology.n_edges < replica.start.n_edges else 0
    removed, remaining = replica.memory.get(LAST, np.array([unknown, replica.topology.n_edges], object)).tolist()
    return {**cutoff(replica.config, card), "removed": removed, "remaining": remaining}
