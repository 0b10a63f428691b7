"""Dropout whose keys lie on the device, so that no step waits for the host; bits as in `common.replicas.dropout`."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from common.kernels.splitmix64 import GOLDEN
from common.replicas.counter import child_keys_torch, mix64_torch

_GOLDEN = int(GOLDEN.view(np.int64))


def dropout_torch_(x_RxBxN: Tensor, rate: float, keys_R: Tensor) -> Tensor:
    """Set elements to 0 with probability `rate` and scale the others, in place.

    Args:
        x_RxBxN: activations.
        rate: above 0 and below 1.
        keys_R: int64, on the device of x: one key a replica.
    """
    flat = x_RxBxN.view(x_RxBxN.shape[0], -1)
    places = torch.arange(1, flat.shape[1] + 1, device=x_RxBxN.device)
    drawn = (mix64_torch(keys_R[:, None] + places * _GOLDEN) >> 32) & 0xFFFFFFFF
    flat.mul_(float(np.float32(1 / (1 - rate)))).masked_fill_(drawn < round(rate * 2**32), 0)
    return x_RxBxN


def step_keys(loop_keys_R: Tensor, first: int, count: int, linears: int) -> Tensor:
    """The keys of `count` training steps from number `first` on, for every linear layer: (count, linears, R).

    Args:
        loop_keys_R: int64, keys of the meta-loop.
        first, count: numbers of steps, from 0.
        linears: number of linear layers.
    """
    device = loop_keys_R.device
    steps = torch.arange(first, first + count, device=device)[:, None]
    places = torch.arange(linears, device=device)[:, None]
    return child_keys_torch(child_keys_torch(loop_keys_R, steps)[:, None], places)
