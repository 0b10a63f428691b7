"""Pruning while training: an edge whose gate voltage stays below the cutoff is removed for good."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analog_nmos.lane import Lane
from analog_nmos.model_card import ModelCard
from common.errors import InputError

COUNTER = "epochs_below_cutoff"


def check_threshold(card: ModelCard) -> None:
    """Raise InputError if the card gives no threshold voltage to measure gate voltages by."""
    try:
        _ = card.vto_V
    except InputError as problem:
        raise InputError(f"pruning needs a threshold voltage, for --vg-cutoff-ratio: {problem}") from None


def below_cutoff(lane: Lane, card: ModelCard) -> NDArray[np.bool_]:
    """Which edges stay, as a mask (edges,): those not below vg_cutoff_ratio * vto for vg_cutoff_epochs epochs in a row.

    Counts the epochs in the lane's memory, for the edges that stay.
    """
    config = lane.config
    cutoff_V = config.vg_cutoff_ratio * card.vto_V  # type: ignore[attr-defined]
    before = lane.memory.get(COUNTER, np.zeros(lane.gate_V.size, np.int64))
    count = np.where(lane.gate_V < cutoff_V, before + 1, 0)
    keep: NDArray[np.bool_] = count < config.vg_cutoff_epochs  # type: ignore[attr-defined]
    lane.memory[COUNTER] = count[keep]
    return keep
