"""The signal's path through a network: its layers by name, and the sites of nonidealities that belong to each."""

from __future__ import annotations

from dataclasses import dataclass

CONV = "conv2d"
LAST = "linear"


@dataclass(frozen=True)
class Stage:
    """A part of the network.

    Attributes:
        name: of the layer in the PyTorch model, and of the noise that is drawn there.
        entry: sites before its computation.
        exit: sites after it.
        hidden: whether it is a ReLU of an additional layer, which --compat published keeps ideal.
    """

    name: str
    entry: tuple[str, ...]
    exit: tuple[str, ...]
    hidden: bool = False


def linear_names(additional: int) -> list[str]:
    """The linear layers' names in order, for a number of additional ones."""
    return [*(f"additional_linear_{index}" for index in range(additional)), LAST]


def path(additional: int) -> dict[str, Stage]:
    """All stages in order, by name: the input, the convolution and its ReLU, and the linear layers with theirs.

    The last layer has no ReLU.
    """
    stages = [
        Stage("input", (), ("input",)),
        Stage(CONV, ("conv2d_input",), ("conv2d_out",)),
        Stage(f"{CONV}_relu", (), ("relu", "relu_out")),
    ]
    for name in linear_names(additional):
        stages.append(Stage(name, ("linear_input",), ("linear_out",)))
        stages.append(Stage(f"{name}_relu", (), ("relu", "relu_out"), hidden=True))
    return {stage.name: stage for stage in stages[:-1]}
