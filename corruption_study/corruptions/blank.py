"""Each pixel, with probability p, becomes 0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from corruption_study.corruptions import Corruption
from corruption_study.corruptions.bits import SHIFT, high, limit_of

if TYPE_CHECKING:
    from torch import Tensor

    from corruption_study.corruptions.draw import Draw


def images(clean: NDArray[np.float32], p: float, draw: Draw) -> NDArray[Any]:
    """The definition."""
    return np.where(high(draw.bits()) < limit_of(p), np.float32(0), clean)


def pixel(clean: Any, bits: Any, p: Any, limit: Any) -> Any:
    """For the kernel."""
    return np.float32(0) if (bits >> SHIFT) < limit else clean


def tensors(clean: Tensor, bits: Tensor, p: Tensor, limit: Tensor) -> Tensor:
    """For other devices."""
    return clean.masked_fill(high(bits) < limit, 0)


BLANK = Corruption(
    label="blank pixels",
    strength="each pixel, with probability p, becomes 0",
    images=images,
    pixel=pixel,
    tensors=tensors,
)
