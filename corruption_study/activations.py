"""Activation layers by the names of `config.ACTIVATIONS`."""

from __future__ import annotations

from torch import nn

from common.errors import InputError
from corruption_study.config import ACTIVATIONS


class ChoiceError(InputError, ValueError):
    """A name that is not among the allowed ones."""


def get_activation(name: str) -> nn.Module:
    """A new activation layer: relu, tanh, sigmoid, leaky_relu (slope 0.1) or gelu, in any case.

    Raises:
        ValueError: the name is unknown.
    """
    if name.lower() not in ACTIVATIONS:
        raise ChoiceError(f"activation is {name!r}, allowed: {', '.join(ACTIVATIONS)}")
    layer = ACTIVATIONS[name.lower()]
    made: nn.Module = getattr(nn, layer.name)(*layer.arguments)
    return made
