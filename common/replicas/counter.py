"""Random numbers that are a function of where they are used: stream key, epoch, sample, position.

Every number is SplitMix64's output function of key + (position + 1) * GOLDEN, and a key for an epoch or a sample is
made from its parent's in the same way. So a number depends on neither batches, threads, replicas beside it, nor the
device: kernels (`mix64`), NumPy and torch (`mix64_torch`) give the same bits.

Source: Steele, Lea and Flood, Fast splittable pseudorandom number generators, OOPSLA 2014.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from common.replicas.jit import inlined
from common.seeding import seed_sequence

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_M1, _M2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31 = np.uint64(30), np.uint64(27), np.uint64(31)
ONE = np.uint64(1)


def stream_key(seed: int, *names: str | int) -> np.uint64:
    """The key of a named stream; see `common.seeding`."""
    return np.uint64(seed_sequence(seed, *names).generate_state(1, np.uint64)[0])


@inlined
def mix64(z: Any) -> Any:
    """64 bits that look random, from 64 bits that need not."""
    z = (z ^ (z >> _S30)) * _M1
    z = (z ^ (z >> _S27)) * _M2
    return z ^ (z >> _S31)


def child_keys(keys: NDArray[np.uint64] | np.uint64, numbers: NDArray[np.int64] | int) -> NDArray[np.uint64]:
    """The key of each numbered child (an epoch of a stream, a sample of an epoch); broadcasts."""
    with np.errstate(over="ignore"):  # wrapping is the point
        z = np.asarray(keys, np.uint64) + (np.asarray(numbers, np.int64).astype(np.uint64) + ONE) * GOLDEN
        z = (z ^ (z >> _S30)) * _M1
        z = (z ^ (z >> _S27)) * _M2
        mixed: NDArray[np.uint64] = z ^ (z >> _S31)
    return mixed


def _signed(value: np.uint64) -> int:
    return int(value) - (1 << 64) if int(value) >> 63 else int(value)


def mix64_torch(z: Tensor) -> Tensor:
    """`mix64` of int64 tensors, whose bits are meant as unsigned, on any device."""
    z = (z ^ ((z >> 30) & ((1 << 34) - 1))) * _signed(_M1)
    z = (z ^ ((z >> 27) & ((1 << 37) - 1))) * _signed(_M2)
    return z ^ ((z >> 31) & ((1 << 33) - 1))


def child_keys_torch(keys: Tensor, numbers: Tensor) -> Tensor:
    """`child_keys` of int64 tensors; broadcasts."""
    return mix64_torch(keys + (numbers + 1) * _signed(GOLDEN))


def as_int64(keys: NDArray[np.uint64] | np.uint64, device: torch.device | str = "cpu") -> Tensor:
    """The same bits as an int64 tensor."""
    return torch.from_numpy(np.atleast_1d(np.asarray(keys, np.uint64)).view(np.int64).copy()).to(device)
