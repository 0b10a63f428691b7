"""Random numbers that are a function of where they are used: stream key, epoch, sample, position.

Every number is SplitMix64's output function of key + (position + 1) * GOLDEN, and a key for an epoch or a sample is
made from its parent's in the same way. So a number depends on neither batches, threads, replicas beside it, nor the
device: kernels (`common.kernels.splitmix64`), NumPy and torch (`mix64_torch`) give the same bits.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from common.kernels.splitmix64 import GOLDEN, M1, M2, ONE, S27, S30, S31
from common.seeding import seed_sequence


def stream_key(seed: int, *names: str | int) -> np.uint64:
    """The key of a named stream; see `common.seeding`."""
    return np.uint64(seed_sequence(seed, *names).generate_state(1, np.uint64)[0])


def child_keys(keys: NDArray[np.uint64] | np.uint64, numbers: NDArray[np.int64] | int) -> NDArray[np.uint64]:
    """The key of each numbered child (an epoch of a stream, a sample of an epoch); broadcasts."""
    with np.errstate(over="ignore"):  # wrapping is the point
        z = np.asarray(keys, np.uint64) + (np.asarray(numbers, np.int64).astype(np.uint64) + ONE) * GOLDEN
        z = (z ^ (z >> S30)) * M1
        z = (z ^ (z >> S27)) * M2
        mixed: NDArray[np.uint64] = z ^ (z >> S31)
    return mixed


def _signed(value: np.uint64) -> int:
    return int(value) - (1 << 64) if int(value) >> 63 else int(value)


def mix64_torch(z: Tensor) -> Tensor:
    """`common.kernels.splitmix64.mix64` of int64 tensors, whose bits are meant as unsigned, on any device."""
    z = (z ^ ((z >> 30) & ((1 << 34) - 1))) * _signed(M1)
    z = (z ^ ((z >> 27) & ((1 << 37) - 1))) * _signed(M2)
    return z ^ ((z >> 31) & ((1 << 33) - 1))


def child_keys_torch(keys: Tensor, numbers: Tensor) -> Tensor:
    """`child_keys` of int64 tensors; broadcasts."""
    return mix64_torch(keys + (numbers + 1) * _signed(GOLDEN))


def as_int64(keys: NDArray[np.uint64] | np.uint64, device: torch.device | str = "cpu") -> Tensor:
    """The same bits as an int64 tensor."""
    return torch.from_numpy(np.atleast_1d(np.asarray(keys, np.uint64)).view(np.int64).copy()).to(device)
