"""Every pixel gets normal noise of standard deviation p and is cut to [0, 1]; Box and Muller's formula."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from common.kernels.box_muller import polar_from_bits
from corruption_study.corruptions import Corruption
from corruption_study.corruptions.bits import STEP, high, low

if TYPE_CHECKING:
    from torch import Tensor

    from corruption_study.corruptions.draw import Draw

_TURN = np.float32(2 * math.pi * 2.0**-24)


def images(clean: NDArray[np.float32], p: float, draw: Draw) -> NDArray[Any]:
    """The definition. The other two agree with it to rounding: float32's logarithms and cosines differ."""
    return np.clip(clean + np.float32(p) * draw.normal(), 0, 1)


def pixel(clean: Any, bits: Any, p: Any, limit: Any) -> Any:
    """For the kernel."""
    radius, turn = polar_from_bits(bits)
    return min(max(clean + p * radius * turn, np.float32(0)), np.float32(1))


def tensors(clean: Tensor, bits: Tensor, p: Tensor, limit: Tensor) -> Tensor:
    """For other devices."""
    radius = (-2 * (((high(bits) >> 8) + 1).float() * float(STEP)).log()).sqrt()
    noisy: Tensor = clean + p * radius * (low(bits).float() * float(_TURN)).cos()
    return noisy.clamp_(0, 1)


GAUSSIAN = Corruption(
    label="Gaussian noise",
    strength="every pixel gets normal noise of standard deviation p and is cut to [0, 1]",
    images=images,
    pixel=pixel,
    tensors=tensors,
)
