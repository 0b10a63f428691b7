"""Dropout from counter-based random numbers: the backward pass makes the mask again instead of keeping it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from common.errors import InputError
from common.kernels.jit import STRICT, kernel
from common.kernels.splitmix64 import GOLDEN, bits_at
from common.replicas.counter import as_int64, child_keys, mix64_torch


def dropout_(x_RxBxN: Tensor, rate: float, keys_R: NDArray[np.uint64], *, kernels: bool = True) -> Tensor:
    """Set elements to 0 with probability `rate` and scale the others by 1/(1 - rate), in place.

    Called with the same keys on the gradient at the output, it gives the gradient at the input.

    Args:
        x_RxBxN: activations or their gradients.
        rate: from 0 to below 1; 0 changes nothing.
        keys_R: one key a replica for this layer and step: ``child_keys(stream_key(seed, "dropout", layer), step)``.
        kernels: use the CPU kernel where x is on the CPU.

    Raises:
        InputError: the rate is outside its range.
    """
    if not 0 <= rate < 1:
        raise InputError(f"dropout is {rate:g}, allowed: from 0 to below 1")
    if rate == 0:
        return x_RxBxN
    limit, scale = limit_and_scale(rate)
    flat = x_RxBxN.view(x_RxBxN.shape[0], -1)
    if kernels and x_RxBxN.device.type == "cpu":
        drop(flat.numpy(), keys_R, np.uint64(limit), scale)
        return x_RxBxN
    keys = as_int64(keys_R, x_RxBxN.device)[:, None]
    places = torch.arange(1, flat.shape[1] + 1, device=x_RxBxN.device)
    drawn = (mix64_torch(keys + places * as_int64(GOLDEN, x_RxBxN.device)) >> 32) & 0xFFFFFFFF
    flat.mul_(float(scale)).masked_fill_(drawn < limit, 0)
    return x_RxBxN


def limit_and_scale(rate: float) -> tuple[int, np.float32]:
    """Below which of 2^32 equally likely numbers an element becomes 0, and the factor of the others."""
    return round(rate * 2**32), np.float32(1 / (1 - rate))


def dropout_keys(streams_R: NDArray[np.uint64], step: int) -> NDArray[np.uint64]:
    """The keys of one step, from a stream key a replica and layer."""
    return child_keys(streams_R, step)


@kernel(floats=STRICT)
def drop(x_RxN: NDArray[np.float32], keys_R: NDArray[np.uint64], limit: Any, scale: Any) -> None:
    """`dropout_` on the CPU; limit: uint64, scale: float32."""
    for r in range(x_RxN.shape[0]):
        for k in range(x_RxN.shape[1]):
            drawn = bits_at(keys_R[r], k) >> np.uint64(32)
            x_RxN[r, k] = np.float32(0) if drawn < limit else x_RxN[r, k] * scale
