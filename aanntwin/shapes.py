"""The shapes of a model's weights by their names on file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aanntwin.config import Settings
from aanntwin.signal_path import CONV, linear_names
from aanntwin.sizes import derive
from common.errors import InputError


def weight_shapes(settings: Settings) -> dict[str, tuple[int, ...]]:
    """Shapes of a model's weights by their names on file."""
    params, sizes = settings.model_params, derive(settings.model_params, settings.image_shape)
    side, channels = params.kernel_size, params.conv_out_channels
    shapes: dict[str, tuple[int, ...]] = {f"{CONV}_weight": (channels, sizes.in_channels, side, side)}
    shapes[f"{CONV}_bias"] = (channels,)
    names = linear_names(len(params.additional_layers))
    for name, inputs, outputs in zip(names, sizes.widths[:-1], sizes.widths[1:], strict=True):
        shapes |= {f"{name}_weight": (outputs, inputs), f"{name}_bias": (outputs,)}
    return shapes


def check_weights(weights: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise InputError where weights do not have the names and shapes of a model."""
    if wrong := sorted(set(weights) ^ set(shapes)):
        where = "are missing" if wrong[0] in shapes else "have no place in this model"
        raise InputError(f"weights {wrong[0]} {where}; the model has {', '.join(shapes)}")
    for name, shape in shapes.items():
        if tuple(weights[name].shape) != shape:
            raise InputError(f"weights {name} are {tuple(weights[name].shape)}, the model's are {shape}")
