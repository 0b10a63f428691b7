"""The 64 random bits of a pixel: the upper 32 decide whether it changes, the lower 24 its new value.

`high` and `low` serve arrays of NumPy and tensors alike; the constants are for functions that numba compiles.
"""

from __future__ import annotations

from typing import Any

import numpy as np

SHIFT, LOW24, BIT = np.uint64(32), np.uint64(0xFFFFFF), np.uint64(1)
STEP = np.float32(2.0**-24)


def high(bits: Any) -> Any:
    """The upper 32 bits."""
    return (bits >> 32) & 0xFFFFFFFF


def low(bits: Any) -> Any:
    """The lower 24 bits."""
    return bits & 0xFFFFFF


def limit_of(p: float) -> int:
    """The number below which the upper 32 bits lie with probability p."""
    return round(p * 2**32)
