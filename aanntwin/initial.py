"""The weights with which a training begins, without torch: the numbers that `aanntwin.model` draws, bit for bit."""

from __future__ import annotations

import math

import numpy as np

from aanntwin.arrays import Arrays
from aanntwin.config import Settings
from aanntwin.shapes import weight_shapes
from aanntwin.signal_path import CONV


def initial_arrays(settings: Settings) -> Arrays:
    """Float32 arrays by their names on file.

    Torch's generator is a Mersenne twister, whose seed is the lower 32 bits; a float is `low + 24 bits * 2^-24 *
    (high - low)`, rounded once after the product is added.
    """
    generator = np.random.RandomState(settings.seed & 0xFFFFFFFF)
    shapes, found = weight_shapes(settings), {}
    for name, shape in shapes.items():
        inputs = math.prod(shapes[f"{name.rpartition('_')[0]}_weight"][1:])
        kaiming = name.endswith("_weight") and not name.startswith(f"{CONV}_")
        bound = math.sqrt(3) * (math.sqrt(2) / math.sqrt(inputs)) if kaiming else 1 / math.sqrt(inputs)
        low, width = np.float32(-bound), np.float32(np.float32(bound) - np.float32(-bound))
        words = generator.randint(0, 2**32, shape, np.uint32) & np.uint32(2**24 - 1)
        found[name] = (words / 2**24 * np.float64(width) + np.float64(low)).astype(np.float32)
    return found
