"""Random numbers for a batch of images: those of an image do not depend on the batch or on other runs."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from common.replicas.counter import child_keys
from corruption_study.corruptions.bits import STEP, high, low


class Draw:
    """Random numbers for B images. Every call gives new ones.

    Args:
        keys_B: the key of each image in this epoch.
        shape: of an image.
    """

    def __init__(self, keys_B: NDArray[np.uint64], shape: tuple[int, ...]) -> None:
        self._keys, self._shape, self._used = keys_B, shape, 0

    def bits(self, *shape: int) -> NDArray[np.uint64]:
        """64 random bits for each element of (B, *shape); without a shape that of the images."""
        shape = shape or self._shape
        places = np.arange(self._used, self._used + math.prod(shape))
        self._used += len(places)
        return child_keys(self._keys[:, None], places).reshape(-1, *shape)

    def uniform(self, *shape: int) -> NDArray[np.float32]:
        """Numbers in [0, 1), in steps of 2^-24; shapes as for `bits`."""
        numbers: NDArray[np.float32] = low(self.bits(*shape)).astype(np.float32) * STEP
        return numbers

    def normal(self, *shape: int) -> NDArray[np.float32]:
        """Standard normal numbers by Box and Muller's formula, at most 5.8; shapes as for `bits`."""
        bits = self.bits(*shape)
        radius = np.sqrt(-2 * np.log(((high(bits) >> 8) + 1) * 2.0**-24))
        numbers: NDArray[np.float32] = (radius * np.cos(2 * math.pi * 2.0**-24 * low(bits))).astype(np.float32)
        return numbers
