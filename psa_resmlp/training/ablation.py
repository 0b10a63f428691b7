"""Ablation: which neuron is damaged, and what becomes 0. `psa_resmlp.study.modes` has the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from psa_resmlp.study.architectures import Architecture
from psa_resmlp.study.modes import Mode


@dataclass(frozen=True)
class Ablation:
    """One damaged neuron.

    Attributes:
        layer: position of its linear layer in the order of the signal, from 0.
        neuron: its number in that layer, from 0.
        clears_column: whether its column in the next linear layer becomes 0 too.
    """

    layer: int
    neuron: int
    clears_column: bool


def draw(mode: Mode, architecture: Architecture, family: str, rng: np.random.Generator) -> Ablation | None:
    """Draw a neuron as the mode says: first a layer and then one of its neurons, or one among all; None: no damage."""
    if not mode.ablates:
        return None
    widths = damageable(mode, architecture, family)
    if mode.by_layer:
        layer = list(widths)[int(rng.integers(len(widths)))]
        return Ablation(layer, int(rng.integers(widths[layer])), mode.clears_column)
    place = int(rng.integers(sum(widths.values())))
    for layer, width in widths.items():
        if place < width:
            return Ablation(layer, place, mode.clears_column)
        place -= width
    raise AssertionError("a place beyond the last neuron")


def damageable(mode: Mode, architecture: Architecture, family: str) -> dict[int, int]:
    """Linear layers whose neurons the mode may damage: position -> number of neurons."""
    widths = [outputs for _, outputs in architecture.linears(family)]
    return {layer: widths[layer] for layer in mode.targets(family, len(widths), architecture.has_entry(family))}


def apply(ablation: Ablation, parameters: Mapping[str, Tensor]) -> None:
    """Set the neuron's row and bias to 0, and where the mode says so its column in the next linear, in place.

    Args:
        ablation: which neuron.
        parameters: linears.<k>.weight and linears.<k>.bias of one network.
    """
    parameters[f"linears.{ablation.layer}.weight"][ablation.neuron].zero_()
    parameters[f"linears.{ablation.layer}.bias"][ablation.neuron].zero_()
    if ablation.clears_column:
        parameters[f"linears.{ablation.layer + 1}.weight"][:, ablation.neuron].zero_()
