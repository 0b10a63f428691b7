"""Normal random numbers in bulk: xoshiro128++ in 64 lanes, and Box and Muller's transformation in single precision.

The numbers reach 6.7 standard deviations; a true normal variable goes beyond once in 5e10 draws.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.kernels.box_muller import pair_from_words
from common.kernels.jit import CONTRACT, kernel
from common.kernels.xoshiro128 import next_word
from common.seeding import seed_sequence

LANES = 64
PAIR = 2 * LANES  # numbers a step of all lanes gives


class NormalStream:
    """Independent N(0, 1) numbers of one named stream; see `common.seeding`."""

    def __init__(self, seed: int, *names: str | int) -> None:
        words = seed_sequence(seed, *names).generate_state(4 * LANES, np.uint32)
        self._state = words.reshape(4, LANES)
        self._spare = np.zeros(PAIR, np.float32)

    def add(self, values: NDArray[np.float32], deviation: float) -> None:
        """Add N(0, deviation) to every element of a C-contiguous array, in place."""
        add_normal(values.reshape(-1), np.float32(deviation), self._state, self._spare)


@kernel(floats=CONTRACT)
def add_normal(values: Any, deviation: Any, state: Any, spare: Any) -> None:
    """Add deviation * N(0, 1) to every element.

    Args:
        values: (n,) float32.
        deviation: standard deviation, float32.
        state: (4, LANES) uint32, moved on.
        spare: (PAIR,) float32, room for the last few.
    """
    a, b, c, d = state[0], state[1], state[2], state[3]
    for start in range(0, values.size, PAIR):
        for k in range(LANES):
            # The state is stored after each word: kept in registers, the loop takes a quarter longer.
            first, a[k], b[k], c[k], d[k] = next_word(a[k], b[k], c[k], d[k])
            second, a[k], b[k], c[k], d[k] = next_word(a[k], b[k], c[k], d[k])
            spare[k], spare[LANES + k] = pair_from_words(first, second, deviation)
        count = min(PAIR, values.size - start)
        for k in range(count):
            values[start + k] += spare[k]
