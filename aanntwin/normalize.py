"""Rescale layers so that each one's largest output is a reference value, without changing what the network computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from aanntwin.config import Nonidealities, Settings
from aanntwin.data import brightness
from aanntwin.weights import layer_names
from common.errors import InputError
from common.tensor_files import check_finite

if TYPE_CHECKING:
    from torch import Tensor, nn

Weights = dict[str, "Tensor"]
Range = tuple[float, float]
BATCH = 1000


@dataclass(frozen=True)
class LayerRange:
    """How a layer was rescaled.

    Attributes:
        layer: its name.
        before, after: smallest and largest output over the images.
        reference: target of the largest output.
        factor: by which its outputs were divided.
    """

    layer: str
    before: Range
    after: Range
    reference: float
    factor: float


def normalize(
    weights: Mapping[str, Tensor],
    settings: Settings,
    images: NDArray[np.uint8],
    reference: float | Sequence[float] = 1.0,
    nonidealities: Nonidealities | None = None,
) -> tuple[Weights, list[LayerRange]]:
    """New weights, and each layer's range before and after.

    For each layer (Conv2d, Linear) let m be its largest output over the images, and s = m / reference. Its weights are
    multiplied by s of the layer before and divided by its own s; its biases are divided by its own s. The logits are
    then divided by the last s, exactly so with relu_cutoff 0 and without clip and polynomial.

    Args:
        weights: by their names on file.
        settings: shape, normalization and compat.
        images: on which the ranges are recorded, bytes.
        reference: target of a layer's largest output: one number, or one for each layer.
        nonidealities: while recording, without their noise; None for an ideal circuit.

    Raises:
        InputError: a layer's largest output is not positive or not finite, or references are not positive, not one
            per layer, or so far from the outputs that weights would not be finite.
    """
    names = layer_names(weights)
    references = list(reference) if isinstance(reference, Sequence) else [float(reference)] * len(names)
    if len(references) != len(names):
        raise InputError(f"references are {len(references)}, allowed: one number for each of {', '.join(names)}")
    if not all(np.isfinite(value) and value > 0 for value in references):
        raise InputError(f"references are {references}, allowed: positive numbers")
    before = record_ranges(weights, settings, images, nonidealities)
    rescaled: Weights = {}
    factors, previous = [], 1.0
    for name, wanted in zip(names, references, strict=True):
        highest = before[name][1]
        if not 0 < highest < np.inf:
            raise InputError(
                f"layer {name}: its largest output is {highest:g}; only a positive, finite one can be normalized"
            )
        factor = highest / wanted
        rescaled[f"{name}_weight"] = weights[f"{name}_weight"] * (previous / factor)
        rescaled[f"{name}_bias"] = weights[f"{name}_bias"] / factor
        factors.append(factor)
        previous = factor
    check_finite(rescaled, f"weights normalized to {', '.join(f'{value:g}' for value in references)}")
    after = record_ranges(rescaled, settings, images, nonidealities)
    report = [
        LayerRange(name, before[name], after[name], wanted, factor)
        for name, wanted, factor in zip(names, references, factors, strict=True)
    ]
    return rescaled, report


def record_ranges(
    weights: Mapping[str, Tensor],
    settings: Settings,
    images: NDArray[np.uint8],
    nonidealities: Nonidealities | None = None,
) -> dict[str, Range]:
    """The smallest and the largest output of each Conv2d and Linear layer over images, by the layer's name."""
    import torch

    from aanntwin.model import build_model

    model = build_model(settings, (nonidealities or Nonidealities()).noiseless())
    model.load_weights(weights)
    ranges = dict.fromkeys(layer_names(weights), (np.inf, -np.inf))

    def watch(name: str) -> None:
        def hook(module: nn.Module, inputs: object, output: Tensor) -> None:
            low, high = ranges[name]
            ranges[name] = (min(low, float(output.min())), max(high, float(output.max())))

        getattr(model.layers, name).register_forward_hook(hook)

    for name in ranges:
        watch(name)
    with torch.inference_mode():
        for start in range(0, len(images), BATCH):
            model(brightness(images[start : start + BATCH]))
    return ranges
