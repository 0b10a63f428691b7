"""Activation functions of stacked layers, forward and backward, in place."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from common.errors import InputError

LEAKY_SLOPE = 0.1
_aten = torch.ops.aten


def _relu_back(grad: Tensor, before: Tensor, after: Tensor) -> None:
    _aten.threshold_backward.grad_input(grad, after, 0, grad_input=grad)


def _leaky_back(grad: Tensor, before: Tensor, after: Tensor) -> None:
    _aten.leaky_relu_backward.grad_input(grad, after, LEAKY_SLOPE, True, grad_input=grad)


def _tanh_back(grad: Tensor, before: Tensor, after: Tensor) -> None:
    _aten.tanh_backward.grad_input(grad, after, grad_input=grad)


def _sigmoid_back(grad: Tensor, before: Tensor, after: Tensor) -> None:
    _aten.sigmoid_backward.grad_input(grad, after, grad_input=grad)


def _gelu_back(grad: Tensor, before: Tensor, after: Tensor) -> None:
    _aten.gelu_backward.grad_input(grad, before, grad_input=grad)


def _gelu(before: Tensor, out: Tensor) -> Tensor:
    return _aten.gelu.out(before, out=out)  # type: ignore[no-any-return]


def _leaky(before: Tensor, out: Tensor) -> Tensor:
    return _aten.leaky_relu.out(before, LEAKY_SLOPE, out=out)  # type: ignore[no-any-return]


def _relu(before: Tensor, out: Tensor) -> Tensor:
    return torch.clamp_min(before, 0, out=out)


Forward = Callable[[Tensor, Tensor], Tensor]
Backward = Callable[[Tensor, Tensor, Tensor], None]
_PAIRS: dict[str, tuple[Forward, Backward]] = {
    "relu": (_relu, _relu_back),
    "tanh": (lambda before, out: torch.tanh(before, out=out), _tanh_back),
    "sigmoid": (lambda before, out: torch.sigmoid(before, out=out), _sigmoid_back),
    "leaky_relu": (_leaky, _leaky_back),
    "gelu": (_gelu, _gelu_back),
}
# Comparisons and single products are exact anywhere in a stack; of the others the last few elements of a block may take
# another path than the rest, so each replica is a call of its own, as it is alone.
_EXACT = ("relu", "leaky_relu")
NAMES = tuple(_PAIRS)


class Activation:
    """One activation function by its name; leaky_relu has slope 0.1.

    Raises:
        InputError: there is no such name.
    """

    def __init__(self, name: str) -> None:
        if name not in _PAIRS:
            raise InputError(f"activation is {name!r}, allowed: {', '.join(NAMES)}")
        self.name = name
        self.keeps_input = name == "gelu"
        self._forward, self._backward = _PAIRS[name]
        self._whole = name in _EXACT

    def forward(self, before_RxBxN: Tensor, out_RxBxN: Tensor | None = None) -> Tensor:
        """Apply it, in place unless `out` is given (which it must be where `keeps_input`, for the way back)."""
        out = before_RxBxN if out_RxBxN is None else out_RxBxN
        if self._one_call(before_RxBxN):
            return self._forward(before_RxBxN, out)
        for r in range(out.shape[0]):
            self._forward(before_RxBxN[r], out[r])
        return out

    def backward(self, grad_RxBxN: Tensor, before_RxBxN: Tensor, after_RxBxN: Tensor) -> Tensor:
        """Multiply the gradient at the output by the derivative, in place. `before` counts where `keeps_input`."""
        if self._one_call(grad_RxBxN):
            self._backward(grad_RxBxN, before_RxBxN, after_RxBxN)
        else:
            for r in range(grad_RxBxN.shape[0]):
                self._backward(grad_RxBxN[r], before_RxBxN[r], after_RxBxN[r])
        return grad_RxBxN

    def _one_call(self, x: Tensor) -> bool:
        return self._whole or x.shape[0] == 1 or x.device.type != "cpu"
