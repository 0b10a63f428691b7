"""Each pixel, with probability p, becomes a new uniform value in [0, 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from corruption_study.corruptions import Corruption
from corruption_study.corruptions.bits import LOW24, SHIFT, STEP, high, limit_of, low

if TYPE_CHECKING:
    from torch import Tensor

    from corruption_study.corruptions.draw import Draw


def images(clean: NDArray[np.float32], p: float, draw: Draw) -> NDArray[Any]:
    """The definition."""
    bits = draw.bits()
    return np.where(high(bits) < limit_of(p), low(bits).astype(np.float32) * STEP, clean)


def pixel(clean: Any, bits: Any, p: Any, limit: Any) -> Any:
    """For the kernel."""
    return np.float32(np.int32(bits & LOW24)) * STEP if (bits >> SHIFT) < limit else clean


def tensors(clean: Tensor, bits: Tensor, p: Tensor, limit: Tensor) -> Tensor:
    """For other devices."""
    return clean.where(high(bits) >= limit, low(bits).float() * float(STEP))


UNIFORM = Corruption(
    label="uniform noise",
    strength="each pixel, with probability p, becomes a new uniform value in [0, 1)",
    images=images,
    pixel=pixel,
    tensors=tensors,
)
