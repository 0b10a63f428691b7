"""Multilayer perceptrons: one in ordinary PyTorch, and R side by side with gradients computed by hand."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from common.replicas.activations import Activation
from common.replicas.bank import Bank
from common.replicas.linear import linear, linear_gradients, linear_input_gradient
from common.replicas.loss import CrossEntropy
from corruption_study.activations import get_activation
from corruption_study.model_type import CLASSES, SIDE, ModelType


class MLP(nn.Module):
    """Flatten, then a linear layer and an activation for each hidden size, then a linear layer to 10 logits.

    Takes images of any shape with 28 x 28 pixels.
    """

    def __init__(self, activation: str = "relu", hidden_sizes: Sequence[int] = (256, 128)) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Flatten()]
        width = SIDE * SIDE
        for size in hidden_sizes:
            layers += [nn.Linear(width, size), get_activation(activation)]
            width = size
        self.net = nn.Sequential(*layers, nn.Linear(width, CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, 10) of images (B, ...)."""
        logits: Tensor = self.net(x)
        return logits


class StackedMLP:
    """R networks of `MLP`; memory is allocated once, and gradients with respect to the images are not computed.

    Args:
        bank: parameters, named as in its state_dict.
        activation: its name.
    """

    def __init__(self, bank: Bank, activation: str) -> None:
        self.bank, self._activation = bank, Activation(activation)
        self._names = [name.removesuffix(".weight") for name in bank.shapes if name.endswith(".weight")]
        self._memory: dict[tuple[str, int, int], Tensor] = {}

    def forward(self, x_RxBxD: Tensor) -> Tensor:
        """Logits, R x B x 10; the next call overwrites them."""
        return self._forward(x_RxBxD)[-1]

    def backward(self, x_RxBxD: Tensor, labels_RxB: Tensor, score: CrossEntropy) -> None:
        """Add a batch to the score, and write the gradients of each replica's mean loss into the bank."""
        *layers, logits = self._forward(x_RxBxD)
        grad = self._room("grad", len(self._names), logits.shape)
        score.add(logits, labels_RxB, grad)
        for place in reversed(range(len(self._names))):
            name = self._names[place]
            weight_grad, bias_grad = self.bank.grad_views[f"{name}.weight"], self.bank.grad_views[f"{name}.bias"]
            below = x_RxBxD if place == 0 else layers[2 * place - 1]
            linear_gradients(below, grad, weight_grad, bias_grad)
            if place:
                room = self._room("grad", place, below.shape)
                grad = linear_input_gradient(grad, self.bank.views[f"{name}.weight"], room)
                self._activation.backward(grad, layers[2 * place - 2], below)

    def _forward(self, x: Tensor) -> list[Tensor]:
        """The signals before and after each activation, then the logits."""
        found = []
        for place, name in enumerate(self._names):
            weight, bias = self.bank.views[f"{name}.weight"], self.bank.views[f"{name}.bias"]
            x = linear(x, weight, bias, self._room("layer", place, (*x.shape[:2], weight.shape[1])))
            found.append(x)
            if place < len(self._names) - 1:
                after = self._room("after", place, x.shape) if self._activation.keeps_input else None
                x = self._activation.forward(x, after)
                found.append(x)
        return found

    def _room(self, kind: str, place: int, shape: Sequence[int]) -> Tensor:
        key = (kind, place, shape[1])
        if key not in self._memory:
            self._memory[key] = torch.empty(*shape, device=self.bank.device)
        return self._memory[key]


MODEL_TYPE = ModelType(sizes=("hidden_sizes",), module=MLP, stacked=StackedMLP)
