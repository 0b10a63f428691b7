"""Images as lists of currents: padded, scaled, in file order, by image and by pixel; shared by all models."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.datasets import Images, Labels

PADDING = 2
SIDE = 28 + 2 * PADDING
PIXELS = SIDE * SIDE


@dataclass(frozen=True, eq=False)
class Batch:
    """Consecutive images.

    Attributes:
        labels: (B,) int64.
        image_starts, pixels, currents: entries by image: (B + 1,) int64, (entries,) uint16 and float32, the pixel
            in [0, 1] times input scale. Image b has the entries image_starts[b] to image_starts[b + 1].
        pixel_starts, images, pixel_currents: the same entries by pixel; (PIXELS + 1,), numbers within the batch.
    """

    labels: Labels
    image_starts: NDArray[np.int64]
    pixels: NDArray[np.uint16]
    currents: NDArray[np.float32]
    pixel_starts: NDArray[np.int64]
    images: NDArray[np.uint16]
    pixel_currents: NDArray[np.float32]


def padded(images: Images) -> NDArray[np.uint8]:
    """(B, 28, 28) to (B, 1024): a border of two empty pixels."""
    wide = np.zeros((len(images), SIDE, SIDE), np.uint8)
    wide[:, PADDING:-PADDING, PADDING:-PADDING] = images
    return wide.reshape(len(images), PIXELS)


def batches(images: Images, labels: Labels, size: int, input_scale: float) -> list[Batch]:
    """Cut (N, 28, 28) bytes into batches in file order, the last of which may be smaller."""
    table = np.arange(256, dtype=np.float32) / np.float32(255) * np.float32(input_scale)
    wide = padded(images)
    return [_batch(wide[at : at + size], labels[at : at + size], table) for at in range(0, len(wide), size)]


def _batch(wide: NDArray[np.uint8], labels: Labels, table: NDArray[np.float32]) -> Batch:
    image, pixel = np.nonzero(wide)
    down, across = np.nonzero(wide.T)
    return Batch(
        labels=np.ascontiguousarray(labels),
        image_starts=_starts(np.bincount(image, minlength=len(wide))),
        pixels=pixel.astype(np.uint16),
        currents=table[wide[image, pixel]],
        pixel_starts=_starts(np.bincount(down, minlength=PIXELS)),
        images=across.astype(np.uint16),
        pixel_currents=table[wide[across, down]],
    )


def _starts(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
