"""What corruption does to a training set, for R replicas at once, each with its own strength and random numbers.

The random number of a pixel is a function of (seed, epoch, image, pixel) alone (`common.replicas.counter`), so it is
the same in any batch, beside any other run, on any number of threads, and on any device. The upper 32 of its 64 bits
say whether the pixel changes, the lower 24 what it becomes.

With strength p: uniform, a pixel becomes uniform in [0, 1) with probability p; salt-pepper, 0 or 1; blank, 0; gaussian,
every pixel gets normal noise of standard deviation p and is cut to [0, 1]. shuffle-labels leaves images alone: with
probability p an image takes part in an exchange of labels, drawn once a run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from common.errors import InputError
from common.replicas.batches import Images
from common.replicas.counter import (
    GOLDEN,
    ONE,
    as_int64,
    child_keys,
    child_keys_torch,
    mix64,
    mix64_torch,
    stream_key,
)
from common.replicas.jit import kernel
from common.seeding import stream
from corruption_study.config import CORRUPTIONS

_CODES = {name: code for code, name in enumerate(CORRUPTIONS)}
UNIFORM, GAUSSIAN, SALT_PEPPER, BLANK, SHUFFLE_LABELS = range(5)
_S32, _LOW24, _BIT = np.uint64(32), np.uint64(0xFFFFFF), np.uint64(1)
_STEP = np.float32(2.0**-24)
_TURN = np.float32(2 * math.pi * 2.0**-24)


def check_strength(p: float) -> float:
    """Return p.

    Raises:
        InputError: it is outside [0, 1] (a ValueError too).
    """
    if not 0 <= p <= 1:
        raise StrengthError(f"p is {p}, allowed: from 0 to 1")
    return p


class StrengthError(InputError, ValueError):
    """A corruption strength outside [0, 1]."""


class CorruptedImages:
    """Training images as R replicas see them.

    Args:
        images: the clean ones.
        kind: one of `corruption_study.config.CORRUPTIONS`.
        strengths: p of each replica.
        seeds: seed of each replica.
        name: the random stream, so that test images draw others than training images.
        kernels: use the CPU kernel where the images are on the CPU.
    """

    def __init__(
        self,
        images: Images,
        kind: str,
        strengths: Sequence[float],
        seeds: Sequence[int],
        *,
        name: str = "corruption",
        kernels: bool = True,
    ) -> None:
        self._images, self._code = images, _CODES[kind]
        self._strengths = [check_strength(p) for p in strengths]
        self._limits = np.array([round(p * 2**32) for p in self._strengths], np.uint64)
        self._streams = np.array([stream_key(seed, name) for seed in seeds])
        self._keys = self._streams
        self._kernels = kernels and images.device.type == "cpu"
        self.labels_RxN = self._labels(seeds)
        if not self._kernels:
            self._on_device()

    def start_epoch(self, epoch: int) -> None:
        """From here on draw the numbers of this epoch."""
        self._keys = child_keys(self._streams, epoch)
        if not self._kernels:
            self._device_keys = as_int64(self._keys, self._images.device)

    def gather(self, index_RxB: Tensor, out_RxBxD: Tensor | None = None) -> Tensor:
        """Corrupted images, float32 in [0, 1], (R, B, D); one index row may serve all replicas."""
        index = index_RxB.expand(len(self._strengths), -1)
        if self._code == SHUFFLE_LABELS:
            return self._images.gather(index, out_RxBxD)
        if not self._kernels:
            return self._torch_gather(index, out_RxBxD)
        if out_RxBxD is None:
            out_RxBxD = torch.empty(*index.shape, self._images.pixels.shape[1])
        corrupt_rows(
            self._images.pixels.numpy(),
            np.ascontiguousarray(index.numpy()),
            np.float32(self._images.pixel_max),
            self._code,
            np.array(self._strengths, np.float32),
            self._limits,
            self._keys,
            out_RxBxD.numpy(),
        )
        return out_RxBxD

    def labels_of(self, index_RxB: Tensor) -> Tensor:
        """Labels to train on, (R, B)."""
        if self.labels_RxN is None:
            return self._images.labels_of(index_RxB)
        return self.labels_RxN.gather(1, index_RxB)

    def _labels(self, seeds: Sequence[int]) -> Tensor | None:
        if self._code != SHUFFLE_LABELS:
            return None
        clean = self._images.labels.cpu().numpy()
        rows = [exchanged(clean, p, stream(seed, "labels")) for p, seed in zip(self._strengths, seeds, strict=True)]
        return torch.from_numpy(np.stack(rows)).to(self._images.device)

    def _on_device(self) -> None:
        device = self._images.device
        self._device_keys = as_int64(self._keys, device)
        self._device_limits = as_int64(self._limits, device)[:, None, None]
        self._device_p = torch.tensor(self._strengths, device=device)[:, None, None]
        places = torch.arange(1, self._images.pixels.shape[1] + 1, device=device)
        self._device_places = places * as_int64(GOLDEN, device)

    def _torch_gather(self, index: Tensor, out: Tensor | None) -> Tensor:
        """The kernel's formulas in tensor operations; nothing waits for the device."""
        clean = self._images.gather(index)
        rows = child_keys_torch(self._device_keys[:, None], index)
        drawn = mix64_torch(rows[..., None] + self._device_places)
        high, low = (drawn >> 32) & 0xFFFFFFFF, drawn & 0xFFFFFF
        if self._code == GAUSSIAN:
            radius = torch.sqrt(-2 * torch.log(((high >> 8) + 1).float() * float(_STEP)))
            noisy = clean + self._device_p * radius * torch.cos(low.float() * float(_TURN))
            changed = noisy.clamp_(0, 1)
        else:
            fresh = {
                UNIFORM: lambda: low.float() * float(_STEP),
                SALT_PEPPER: lambda: (low & 1).float(),
                BLANK: lambda: torch.zeros_like(clean),
            }[self._code]()
            changed = torch.where(high < self._device_limits, fresh, clean)
        changed = torch.where(self._device_p == 0, clean, changed)
        return changed if out is None else out.copy_(changed)


def exchanged(labels: NDArray[np.int64], p: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Labels after those of a random share p of the samples were shuffled among themselves."""
    chosen = np.flatnonzero(rng.random(len(labels)) < p)
    changed = labels.copy()
    changed[chosen] = labels[rng.permutation(chosen)]
    return changed


@kernel
def corrupt_rows(
    images_NxD: NDArray[np.uint8],
    index_RxB: NDArray[np.int64],
    top: Any,
    code: int,
    strength_R: NDArray[np.float32],
    limit_R: NDArray[np.uint64],
    key_R: NDArray[np.uint64],
    out_RxBxD: NDArray[np.float32],
) -> None:
    """Gather rows of bytes, scale to [0, 1] and corrupt, in one pass."""
    for r in range(index_RxB.shape[0]):
        limit, p = limit_R[r], strength_R[r]
        for b in range(index_RxB.shape[1]):
            row = index_RxB[r, b]
            key = mix64(key_R[r] + (np.uint64(row) + ONE) * GOLDEN)
            if p == 0:
                for k in range(images_NxD.shape[1]):
                    out_RxBxD[r, b, k] = np.float32(images_NxD[row, k]) / top
            elif code == UNIFORM:
                for k in range(images_NxD.shape[1]):
                    z = mix64(key + (np.uint64(k) + ONE) * GOLDEN)
                    clean = np.float32(images_NxD[row, k]) / top
                    out_RxBxD[r, b, k] = np.float32(np.int32(z & _LOW24)) * _STEP if (z >> _S32) < limit else clean
            elif code == GAUSSIAN:
                for k in range(images_NxD.shape[1]):
                    z = mix64(key + (np.uint64(k) + ONE) * GOLDEN)
                    u = np.float32(np.int32((z >> np.uint64(40)) + ONE)) * _STEP
                    radius = np.float32(math.sqrt(np.float32(-2) * np.float32(math.log(u))))
                    turn = np.float32(math.cos(np.float32(np.int32(z & _LOW24)) * _TURN))
                    noisy = np.float32(images_NxD[row, k]) / top + p * radius * turn
                    out_RxBxD[r, b, k] = min(max(noisy, np.float32(0)), np.float32(1))
            else:
                for k in range(images_NxD.shape[1]):
                    z = mix64(key + (np.uint64(k) + ONE) * GOLDEN)
                    fresh = np.float32(np.int32(z & _BIT)) if code == SALT_PEPPER else np.float32(0)
                    clean = np.float32(images_NxD[row, k]) / top
                    out_RxBxD[r, b, k] = fresh if (z >> _S32) < limit else clean
