"""Corrupt a training set for R replicas at once, each with its own strength and random numbers.

The random numbers of an image are a function of (seed, epoch, image) alone (`common.replicas.counter`), so they are the
same in any batch, beside any other run, on any number of threads, and on any device.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from common.errors import InputError
from common.kernels.splitmix64 import GOLDEN
from common.replicas.batches import Images
from common.replicas.counter import as_int64, child_keys, child_keys_torch, mix64_torch, stream_key
from common.seeding import stream
from corruption_study.corruptions import CORRUPTIONS, Corruption
from corruption_study.corruptions.bits import limit_of
from corruption_study.corruptions.draw import Draw
from corruption_study.corruptions.kernels import rows_kernel
from corruption_study.corruptions.shuffle_labels import exchanged

__all__ = ["CORRUPTIONS", "CorruptedImages", "Corruption", "StrengthError", "check_strength", "exchanged"]


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
    """Training images, corrupted for each of R replicas.

    Args:
        images: the clean ones.
        kind: a name in `CORRUPTIONS`, or package.module:Name.
        strengths: p of each replica.
        seeds: seed of each replica.
        name: of the random stream; test images use another than training images.
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
        self._images, self._kind, self._word = images, CORRUPTIONS.get(kind), kind
        self._strengths = [check_strength(p) for p in strengths]
        self._limits = np.array([limit_of(p) for p in self._strengths], np.uint64)
        self._streams = np.array([stream_key(seed, name) for seed in seeds])
        self._keys = self._streams
        self._kernels = kernels and images.device.type == "cpu"
        self.labels_RxN = self._labels(seeds)
        if not self._kernels and self._kind.tensors:
            self._on_device()

    def start_epoch(self, epoch: int) -> None:
        """Use the random numbers of this epoch from now on."""
        self._keys = child_keys(self._streams, epoch)
        if not self._kernels and self._kind.tensors:
            self._device_keys = as_int64(self._keys, self._images.device)

    def gather(self, index_RxB: Tensor, out_RxBxD: Tensor | None = None) -> Tensor:
        """Corrupted images, float32 in [0, 1], (R, B, D); one index row may serve all replicas."""
        index = index_RxB.expand(len(self._strengths), -1)
        if self._kind.images is None:
            return self._images.gather(index, out_RxBxD)
        if out_RxBxD is None:
            pixels = self._images.pixels
            out_RxBxD = torch.empty(*index.shape, pixels.shape[1], device=pixels.device)
        if self._kernels and self._kind.pixel:
            return self._compiled(index, out_RxBxD)
        if not self._kernels and self._kind.tensors:
            return out_RxBxD.copy_(self._with_tensors(index))
        return out_RxBxD.copy_(self._with_numpy(index))

    def labels_of(self, index_RxB: Tensor) -> Tensor:
        """Labels to train on, (R, B)."""
        if self.labels_RxN is None:
            return self._images.labels_of(index_RxB)
        return self.labels_RxN.gather(1, index_RxB)

    def _labels(self, seeds: Sequence[int]) -> Tensor | None:
        change = self._kind.labels
        if change is None:
            return None
        clean = self._images.labels.cpu().numpy()
        rows = [
            change(clean.copy(), p, stream(seed, "labels")) if p else clean
            for p, seed in zip(self._strengths, seeds, strict=True)
        ]
        for row in rows:
            self._check("labels", row, clean.shape)
        return torch.from_numpy(np.stack(rows).astype(np.int64)).to(self._images.device)

    def _on_device(self) -> None:
        device = self._images.device
        self._device_keys = as_int64(self._keys, device)
        self._device_limits = as_int64(self._limits, device)[:, None, None]
        self._device_p = torch.tensor(self._strengths, device=device)[:, None, None]
        places = torch.arange(1, self._images.pixels.shape[1] + 1, device=device)
        self._device_places = places * as_int64(GOLDEN, device)

    def _compiled(self, index: Tensor, out: Tensor) -> Tensor:
        assert self._kind.pixel is not None
        rows_kernel(self._kind.pixel)(
            self._images.pixels.numpy(),
            np.ascontiguousarray(index.numpy()),
            np.float32(self._images.pixel_max),
            np.array(self._strengths, np.float32),
            self._limits,
            self._keys,
            out.numpy(),
        )
        return out

    def _with_tensors(self, index: Tensor) -> Tensor:
        """The kernel's formulas in tensor operations, without synchronizing with the device."""
        assert self._kind.tensors is not None
        clean = self._images.gather(index)
        rows = child_keys_torch(self._device_keys[:, None], index)
        bits = mix64_torch(rows[..., None] + self._device_places)
        changed = self._kind.tensors(clean, bits, self._device_p, self._device_limits)
        return torch.where(self._device_p == 0, clean, changed)

    def _with_numpy(self, index: Tensor) -> Tensor:
        """The definition, one replica after the other, on the CPU."""
        assert self._kind.images is not None
        clean_RxBxD = self._images.gather(index).cpu().numpy()
        side = math.isqrt(clean_RxBxD.shape[2])
        for clean_BxD, p, key, row in zip(clean_RxBxD, self._strengths, self._keys, index.cpu().numpy(), strict=True):
            if p:
                clean = clean_BxD.reshape(-1, side, side)
                changed = self._kind.images(clean.copy(), p, Draw(child_keys(key, row), (side, side)))
                self._check("images", changed, clean.shape)
                clean[:] = changed
        return torch.from_numpy(clean_RxBxD)

    def _check(self, what: str, found: NDArray[np.generic], shape: tuple[int, ...]) -> None:
        if np.shape(found) != shape:
            raise InputError(f"corruption {self._word}: its {what} have the shape {np.shape(found)}, allowed: {shape}")
