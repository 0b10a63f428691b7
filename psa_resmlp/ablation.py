"""Ablation: which neuron is damaged, and what becomes 0. `psa_resmlp.modes` has the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from psa_resmlp.architectures import Architecture
from psa_resmlp.modes import Mode


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
    widths = [outputs for _, outputs in architecture.linears(family)]
    layers = mode.targets(family, len(widths))
    if mode.by_layer:
        layer = int(layers[int(rng.integers(len(layers)))])
        return Ablation(layer, int(rng.integers(widths[layer])), mode.clears_column)
    place = int(rng.integers(sum(widths[layer] for layer in layers)))
    for layer in layers:
        if place < widths[layer]:
            return Ablation(layer, place, mode.clears_column)
        place -= widths[layer]
    raise AssertionError("a place beyond the last neuron")


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
