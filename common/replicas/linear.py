"""Stacked linear layers, forward and backward written out: faster than autograd where layers are small."""

from __future__ import annotations

import torch
from torch import Tensor

from common.replicas.kernels import sum_rows
from common.replicas.product import product


def linear(x_RxBxI: Tensor, weight_RxOxI: Tensor, bias_RxO: Tensor | None, out_RxBxO: Tensor | None = None) -> Tensor:
    """x @ weight^T + bias for every replica; R x B x O.

    A batch that all replicas share may come as ``x[None].expand(R, -1, -1)``. `out`: memory to use again.
    """
    if out_RxBxO is None:
        out_RxBxO = x_RxBxI.new_empty(x_RxBxI.shape[0], x_RxBxI.shape[1], weight_RxOxI.shape[1])
    product(x_RxBxI, weight_RxOxI.transpose(1, 2), out_RxBxO)
    return out_RxBxO if bias_RxO is None else out_RxBxO.add_(bias_RxO[:, None])


def linear_gradients(
    x_RxBxI: Tensor, grad_RxBxO: Tensor, weight_grad_RxOxI: Tensor, bias_grad_RxO: Tensor | None
) -> None:
    """Write the gradients of weight and bias (sums over the batch) from the gradient at the layer's output."""
    product(grad_RxBxO.transpose(1, 2), x_RxBxI, weight_grad_RxOxI)
    if bias_grad_RxO is not None:
        sum_over_batch(grad_RxBxO, bias_grad_RxO)


def linear_input_gradient(grad_RxBxO: Tensor, weight_RxOxI: Tensor, out_RxBxI: Tensor | None = None) -> Tensor:
    """The gradient at the layer's input, R x B x I. A first layer does not need it."""
    if out_RxBxI is None:
        out_RxBxI = grad_RxBxO.new_empty(grad_RxBxO.shape[0], grad_RxBxO.shape[1], weight_RxOxI.shape[2])
    return product(grad_RxBxO, weight_RxOxI, out_RxBxI)


def sum_over_batch(grad_RxBxO: Tensor, out_RxO: Tensor) -> Tensor:
    """Sum over B in a fixed order, whatever R is."""
    if grad_RxBxO.device.type == "cpu":
        sum_rows(grad_RxBxO.numpy(), out_RxO.numpy())
        return out_RxO
    return torch.sum(grad_RxBxO, 1, out=out_RxO)
