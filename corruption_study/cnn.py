"""R small convolutional networks side by side, by autograd: its overhead is small beside the convolutions.

On a CPU each replica takes a separate pass, as when it trains alone, and four side by side take a quarter more time,
as the memory of all is in use at once: campaigns do not stack them there by default. On other devices grouped
convolutions take all replicas in one pass.
Channels come last in memory, which makes pooling ten times faster. A monotonic activation is applied after the
pooling, to a quarter of the numbers and with the same results.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from common.replicas.bank import Bank
from common.replicas.conv import grouped_conv2d
from common.replicas.loss import CrossEntropy
from corruption_study.activations import get_activation
from corruption_study.config import ACTIVATIONS
from corruption_study.model_type import CLASSES, SIDE, ModelType


class SimpleCNN(nn.Module):
    """A 3x3 convolution (same size), an activation and 2x2 max pooling per channel count; then two linear layers."""

    def __init__(self, activation: str = "relu", channels: Sequence[int] = (32, 64), hidden: int = 128) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before, side = 1, SIDE
        for count in channels:
            layers += [nn.Conv2d(before, count, 3, padding=1), get_activation(activation), nn.MaxPool2d(2)]
            before, side = count, side // 2
        self.features = nn.Sequential(*layers)
        flat = nn.Linear(before * side * side, hidden)
        self.classifier = nn.Sequential(nn.Flatten(), flat, get_activation(activation), nn.Linear(hidden, CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, 10) of images (B, 1, 28, 28), or (B, 784)."""
        logits: Tensor = self.classifier(self.features(x.reshape(len(x), 1, SIDE, SIDE)))
        return logits


class StackedCNN:
    """R networks of `SimpleCNN`.

    Args:
        bank: parameters, named as in its state_dict.
        activation: its name.
        grouped: one pass for all replicas; None: where the bank is not on the CPU.
    """

    def __init__(self, bank: Bank, activation: str, *, grouped: bool | None = None) -> None:
        self.bank, self._act = bank, get_activation(activation)
        self._pool_first = ACTIVATIONS[activation].monotonic
        self._grouped = bank.device.type != "cpu" if grouped is None else grouped
        self._convolutions = [name for name in bank.shapes if name.startswith("features") and name.endswith("weight")]

    def forward(self, x_RxBxD: Tensor) -> Tensor:
        """Logits, R x B x 10."""
        if self._grouped:
            return self._all(x_RxBxD, self.bank.views)
        return torch.stack([self._alone(x, self._of(self.bank.views, r)) for r, x in enumerate(x_RxBxD)])

    def backward(self, x_RxBxD: Tensor, labels_RxB: Tensor, score: CrossEntropy) -> None:
        """Add a batch to the score, and write the gradients of each replica's mean loss into the bank."""
        if self._grouped:
            parameters = {name: view.detach().requires_grad_() for name, view in self.bank.views.items()}
            logits = self._all(x_RxBxD, parameters)
            grad = torch.empty_like(logits)
            score.add(logits.detach(), labels_RxB, grad)
            _differentiate(logits, parameters, grad, self.bank.grad_views)
            return
        wanted_R = [
            {n: v.requires_grad_() for n, v in self._of(self.bank.views, r).items()} for r in range(len(x_RxBxD))
        ]
        logits_R = [self._alone(x, wanted) for x, wanted in zip(x_RxBxD, wanted_R, strict=True)]
        grad = torch.empty(len(x_RxBxD), *logits_R[0].shape)
        score.add(torch.stack([logits.detach() for logits in logits_R]), labels_RxB, grad)
        for r, wanted in enumerate(wanted_R):
            _differentiate(logits_R[r], wanted, grad[r], self._of(self.bank.grad_views, r))

    @staticmethod
    def _of(views: Mapping[str, Tensor], replica: int) -> dict[str, Tensor]:
        return {name: view[replica].detach() for name, view in views.items()}

    def _alone(self, x_BxD: Tensor, parameters: Mapping[str, Tensor]) -> Tensor:
        side = math.isqrt(x_BxD.shape[1])
        # With one channel, torch cannot tell whether the layout is "channels last"; these strides decide it.
        x = x_BxD.as_strided((len(x_BxD), 1, side, side), (x_BxD.stride(0), 1, side, 1))
        for name in self._convolutions:
            x = self._pooled(functional.conv2d(x, parameters[name], parameters[_bias(name)], padding=1))
        for name in ("classifier.1.weight", "classifier.3.weight"):
            x = functional.linear(x.flatten(1), parameters[name], parameters[_bias(name)])
            x = self._act(x) if name == "classifier.1.weight" else x
        return x

    def _all(self, x_RxBxD: Tensor, parameters: Mapping[str, Tensor]) -> Tensor:
        replicas, batch, pixels = x_RxBxD.shape
        side = math.isqrt(pixels)
        x = x_RxBxD.view(replicas, batch, 1, side, side)
        for name in self._convolutions:
            done = grouped_conv2d(x, parameters[name], parameters[_bias(name)], padding=1)
            pooled = self._pooled(done.flatten(0, 1))
            x = pooled.view(replicas, batch, *pooled.shape[1:])
        for name in ("classifier.1.weight", "classifier.3.weight"):
            x = torch.baddbmm(parameters[_bias(name)][:, None], x.flatten(2), parameters[name].transpose(1, 2))
            x = self._act(x) if name == "classifier.1.weight" else x
        return x

    def _pooled(self, x: Tensor) -> Tensor:
        x = self._act(functional.max_pool2d(x, 2)) if self._pool_first else functional.max_pool2d(self._act(x), 2)
        return x


def _differentiate(logits: Tensor, wanted: Mapping[str, Tensor], grad: Tensor, into: Mapping[str, Tensor]) -> None:
    for name, value in zip(wanted, torch.autograd.grad(logits, list(wanted.values()), grad), strict=True):
        into[name].copy_(value)


def _bias(weight: str) -> str:
    return weight.removesuffix("weight") + "bias"


MODEL_TYPE = ModelType(sizes=("channels", "hidden"), module=SimpleCNN, stacked=StackedCNN, one_pass_on_cpu=False)
