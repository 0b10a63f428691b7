"""Stacked two-dimensional convolutions, for use with autograd."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def conv2d(x_RxBxCxHxW: Tensor, weight_RxOxCxKxK: Tensor, bias_RxO: Tensor, *, padding: int | str = "same") -> Tensor:
    """Convolve each replica's images with its own weights, stride 1; R x B x O x H' x W'.

    On the CPU one replica after the other, as alone, which is as fast there; elsewhere as one convolution in R groups.
    """
    replicas = x_RxBxCxHxW.shape[0]
    if replicas == 1 or x_RxBxCxHxW.device.type == "cpu":
        outputs = [
            functional.conv2d(x, weight, bias, padding=padding)
            for x, weight, bias in zip(x_RxBxCxHxW, weight_RxOxCxKxK, bias_RxO, strict=True)
        ]
        return torch.stack(outputs) if replicas > 1 else outputs[0][None]
    return grouped_conv2d(x_RxBxCxHxW, weight_RxOxCxKxK, bias_RxO, padding=padding)


def grouped_conv2d(
    x_RxBxCxHxW: Tensor, weight_RxOxCxKxK: Tensor, bias_RxO: Tensor, *, padding: int | str = "same"
) -> Tensor:
    """`conv2d` as one convolution in R groups: one call for a GPU, equal to rounding."""
    replicas, batch = x_RxBxCxHxW.shape[:2]
    x = x_RxBxCxHxW.transpose(0, 1).flatten(1, 2)
    y = functional.conv2d(x, weight_RxOxCxKxK.flatten(0, 1), bias_RxO.flatten(), padding=padding, groups=replicas)
    return y.view(batch, replicas, -1, *y.shape[2:]).transpose(0, 1)
