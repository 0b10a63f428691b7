"""The interface of a model family, in ordinary PyTorch and as replicas; `config.MODEL_TYPES` lists them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from common.replicas.bank import Bank
from common.replicas.loss import CrossEntropy

SIDE, CLASSES = 28, 10


class Network(Protocol):
    """R networks of one family side by side."""

    def forward(self, x_RxBxD: Tensor) -> Tensor:
        """Logits, R x B x 10; the next call may overwrite them."""

    def backward(self, x_RxBxD: Tensor, labels_RxB: Tensor, score: CrossEntropy) -> None:
        """Add a batch to the score, and write the gradients of each replica's mean loss into the bank."""


@dataclass(frozen=True)
class ModelType:
    """A model family.

    Attributes:
        sizes: the settings that decide its size, by their names in `TrainConfig`; `module` takes them as keywords.
        module: makes a network in ordinary PyTorch from the name of an activation and the sizes.
        stacked: makes all R networks from their parameters, named as in the module's state_dict, and an activation.
        one_pass_on_cpu: whether a CPU takes all replicas in one pass; otherwise they gain nothing from each other
            there, and a campaign does not stack them unless told to.
    """

    sizes: tuple[str, ...]
    module: Callable[..., nn.Module]
    stacked: Callable[[Bank, str], Network]
    one_pass_on_cpu: bool = True

    def sizes_of(self, config: Any) -> dict[str, Any]:
        """The values of `sizes` in a run's settings."""
        return {name: getattr(config, name) for name in self.sizes}

    def shapes(self, activation: str, sizes: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
        """The shape of each parameter, in the order of the module's state_dict; allocates nothing."""
        with torch.device("meta"):
            module = self.module(activation, **sizes)
        return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
