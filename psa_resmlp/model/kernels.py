"""What happens to a stack of activations between two products: one pass forward, one pass backward, on the CPU.

Each kernel has a twin in torch operations, which other devices use; elements get the same bits from both.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from common.kernels.jit import STRICT, kernel

Floats = NDArray[np.float32]


@kernel(floats=STRICT)
def add_bias(z_RxBxN: Floats, bias_RxN: Floats) -> None:
    """z + bias, in place."""
    for r in range(z_RxBxN.shape[0]):
        bias_N = bias_RxN[r].copy()
        for b in range(z_RxBxN.shape[1]):
            for n in range(z_RxBxN.shape[2]):
                z_RxBxN[r, b, n] += bias_N[n]


@kernel(floats=STRICT)
def add_bias_relu(z_RxBxN: Floats, bias_RxN: Floats) -> None:
    """relu(z + bias), in place; what is not a number stays so."""
    for r in range(z_RxBxN.shape[0]):
        bias_N = bias_RxN[r].copy()
        for b in range(z_RxBxN.shape[1]):
            for n in range(z_RxBxN.shape[2]):
                value = z_RxBxN[r, b, n] + bias_N[n]
                z_RxBxN[r, b, n] = np.float32(0) if value <= 0 else value


@kernel(floats=STRICT)
def add_bias_skip_relu(z_RxBxN: Floats, bias_RxN: Floats, skip_RxBxN: Floats) -> None:
    """relu((z + bias) + skip), in place: the end of a residual block."""
    for r in range(z_RxBxN.shape[0]):
        bias_N = bias_RxN[r].copy()
        for b in range(z_RxBxN.shape[1]):
            for n in range(z_RxBxN.shape[2]):
                value = (z_RxBxN[r, b, n] + bias_N[n]) + skip_RxBxN[r, b, n]
                z_RxBxN[r, b, n] = np.float32(0) if value <= 0 else value


@kernel(floats=STRICT)
def relu_back(grad_RxBxN: Floats, after_RxBxN: Floats, scale_R: Floats, bias_grad_RxN: Floats) -> None:
    """Gradient before ReLU and dropout from the one behind them, in place, and its sum over the batch.

    `after` is 0 where either of them gave 0, so it needs no mask; `scale` is dropout's 1/(1 - rate).
    """
    for r in range(grad_RxBxN.shape[0]):
        total_N = np.zeros(grad_RxBxN.shape[2], np.float32)
        scale = scale_R[r]
        for b in range(grad_RxBxN.shape[1]):
            for n in range(grad_RxBxN.shape[2]):
                grad = np.float32(0) if after_RxBxN[r, b, n] <= 0 else grad_RxBxN[r, b, n] * scale
                grad_RxBxN[r, b, n] = grad
                total_N[n] += grad
        bias_grad_RxN[r] = total_N


@kernel(floats=STRICT)
def relu_back_skip(
    grad_RxBxN: Floats, skip_RxBxN: Floats, after_RxBxN: Floats, scale_R: Floats, bias_grad_RxN: Floats
) -> None:
    """The same for the sum of two gradients: the one through a block and the one past it."""
    for r in range(grad_RxBxN.shape[0]):
        total_N = np.zeros(grad_RxBxN.shape[2], np.float32)
        scale = scale_R[r]
        for b in range(grad_RxBxN.shape[1]):
            for n in range(grad_RxBxN.shape[2]):
                both = grad_RxBxN[r, b, n] + skip_RxBxN[r, b, n]
                grad = np.float32(0) if after_RxBxN[r, b, n] <= 0 else both * scale
                grad_RxBxN[r, b, n] = grad
                total_N[n] += grad
        bias_grad_RxN[r] = total_N


def add_bias_torch(z: Tensor, bias: Tensor) -> None:
    """See `add_bias`."""
    z.add_(bias[:, None])


def add_bias_relu_torch(z: Tensor, bias: Tensor) -> None:
    """See `add_bias_relu`."""
    z.add_(bias[:, None]).clamp_min_(0)


def add_bias_skip_relu_torch(z: Tensor, bias: Tensor, skip: Tensor) -> None:
    """See `add_bias_skip_relu`."""
    z.add_(bias[:, None]).add_(skip).clamp_min_(0)


def relu_back_torch(grad: Tensor, after: Tensor, scale: Tensor, bias_grad: Tensor) -> None:
    """See `relu_back`; the sum's order is the device's."""
    grad.mul_(scale[:, None, None]).masked_fill_(after <= 0, 0)
    bias_grad.copy_(grad.sum(1))


def relu_back_skip_torch(grad: Tensor, skip: Tensor, after: Tensor, scale: Tensor, bias_grad: Tensor) -> None:
    """See `relu_back_skip`; the sum's order is the device's."""
    relu_back_torch(grad.add_(skip), after, scale, bias_grad)


def as_argument(tensor: Tensor, kernels: bool) -> Any:
    """What a kernel, or its twin, takes for this tensor: both share the memory."""
    return tensor.numpy() if kernels else tensor
