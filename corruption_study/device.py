"""The device of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.devices import resolve_device
from common.errors import InputError

if TYPE_CHECKING:
    import torch


def get_device(use_cuda: bool = False) -> torch.device:
    """The CPU, or the first CUDA device.

    Raises:
        InputError: use_cuda is set and there is no CUDA device.
    """
    if not use_cuda:
        return resolve_device("cpu")
    try:
        return resolve_device("cuda")
    except InputError:
        raise InputError("use-cuda: torch finds no CUDA device here, allowed: leave it out to train on CPUs") from None
