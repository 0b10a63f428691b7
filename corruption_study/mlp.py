"""R multilayer perceptrons side by side, forward and backward written out, memory allocated once."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor

from common.replicas.activations import Activation
from common.replicas.bank import Bank
from common.replicas.linear import linear, linear_gradients, linear_input_gradient
from common.replicas.loss import CrossEntropy

CLASSES = 10


def mlp_shapes(pixels: int, hidden_sizes: Sequence[int]) -> dict[str, tuple[int, ...]]:
    """Parameters of `nnet_models.MLP` by their names in its state_dict."""
    shapes: dict[str, tuple[int, ...]] = {}
    for place, (fan_in, fan_out) in enumerate(itertools.pairwise((pixels, *hidden_sizes, CLASSES))):
        shapes |= {f"net.{2 * place + 1}.weight": (fan_out, fan_in), f"net.{2 * place + 1}.bias": (fan_out,)}
    return shapes


class StackedMLP:
    """See `nnet_models.MLP`; the first layer's input gradient is never made.

    Args:
        bank: parameters, named as by `mlp_shapes`.
        activation: a name.
    """

    def __init__(self, bank: Bank, activation: str) -> None:
        self.bank, self._activation = bank, Activation(activation)
        self._names = [name.removesuffix(".weight") for name in bank.shapes if name.endswith(".weight")]
        self._memory: dict[tuple[str, int, int], Tensor] = {}

    def forward(self, x_RxBxD: Tensor) -> Tensor:
        """Logits, R x B x 10, in memory that the next call uses again."""
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
        """Before and after each activation, then the logits."""
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
