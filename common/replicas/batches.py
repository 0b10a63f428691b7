"""Epoch orders from named streams, and images that are held once as bytes and gathered into batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from common.datasets import as_tensor
from common.replicas.kernels import gather_rows
from common.seeding import stream


def epoch_orders(seeds: Sequence[int], epoch: int, samples: int, name: str = "shuffle") -> NDArray[np.int64]:
    """The order in which each replica sees the samples in an epoch: (R, samples), each row a permutation.

    Row r comes from the stream (seeds[r], name, epoch) and from nothing else, so an epoch can be repeated or resumed.
    """
    return np.stack([stream(seed, name, epoch).permutation(samples) for seed in seeds])


def batches(orders_RxN: Tensor, batch_size: int) -> Iterator[Tensor]:
    """Cut orders into batches, (R, batch_size) each; the last one may be smaller."""
    for start in range(0, orders_RxN.shape[1], batch_size):
        yield orders_RxN[:, start : start + batch_size]


class Images:
    """An image set on a device, kept as bytes; all replicas of a process share it.

    Args:
        images: uint8, (N, ...); used without a copy on the CPU.
        labels: int64, (N,).
        pixel_max: the byte that means 1.
        device: where batches are wanted.
        kernels: use the CPU kernel where the device is the CPU.
    """

    def __init__(
        self,
        images: NDArray[np.uint8],
        labels: NDArray[np.int64],
        pixel_max: int = 255,
        device: torch.device | str = "cpu",
        *,
        kernels: bool = True,
    ) -> None:
        self.pixels = as_tensor(images.reshape(len(images), -1)).to(device)
        self.labels = as_tensor(labels).to(device)
        self.pixel_max = pixel_max
        self._kernels = kernels and self.pixels.device.type == "cpu"

    def __len__(self) -> int:
        return self.pixels.shape[0]

    @property
    def device(self) -> torch.device:
        """Where the images lie."""
        return self.pixels.device

    def place(self, orders: NDArray[np.int64]) -> Tensor:
        """An epoch's orders on the images' device: one transfer an epoch."""
        return torch.from_numpy(orders).to(self.device)

    def gather(self, index_RxB: Tensor, out_RxBxD: Tensor | None = None) -> Tensor:
        """Images as float32 from 0 to 1, (R, B, D)."""
        if out_RxBxD is None:
            out_RxBxD = torch.empty(*index_RxB.shape, self.pixels.shape[1], device=self.device)
        if self._kernels:
            top = np.float32(self.pixel_max)
            gather_rows(self.pixels.numpy(), index_RxB.numpy(), top, out_RxBxD.numpy())
            return out_RxBxD
        return out_RxBxD.copy_(self.pixels[index_RxB]).div_(self.pixel_max)

    def labels_of(self, index_RxB: Tensor) -> Tensor:
        """Labels, (R, B)."""
        return self.labels[index_RxB]
