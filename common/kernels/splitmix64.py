"""SplitMix64 as a counter: 64 random bits for each place of a stream, in any order; whole numbers alone, so exact.

The bits at place n of the stream with this key are the (n + 1)-th output of the generator SplitMix64 that starts at
the key. `common.replicas.counter` has the same for arrays and tensors.

Source: Steele, Lea and Flood, Fast splittable pseudorandom number generators, OOPSLA 2014.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from common.kernels.jit import STRICT, inlined

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
ONE = np.uint64(1)
M1, M2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
S30, S27, S31 = np.uint64(30), np.uint64(27), np.uint64(31)


@inlined(floats=STRICT)
def mix64(z: Any) -> Any:
    """64 bits that look random, from 64 bits that need not."""
    z = (z ^ (z >> S30)) * M1
    z = (z ^ (z >> S27)) * M2
    return z ^ (z >> S31)


@inlined(floats=STRICT)
def bits_at(key: Any, place: Any) -> Any:
    """The 64 bits, uint64, at a place (an integer from 0) of the stream with this key (uint64)."""
    return mix64(key + (np.uint64(place) + ONE) * GOLDEN)
