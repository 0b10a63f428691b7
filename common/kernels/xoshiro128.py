"""xoshiro128++: 32 random bits a step, from a state of four words; whole numbers alone, so exact.

A kernel that holds the states of many generators side by side steps all of them at once.

Source: Blackman and Vigna, Scrambled linear pseudorandom number generators, ACM TOMS 47(4), 2021.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from common.kernels.jit import STRICT, inlined


@inlined(floats=STRICT)
def _rotated(word: Any, by: Any) -> Any:
    return np.uint32(word << np.uint32(by)) | np.uint32(word >> np.uint32(32 - by))


@inlined(floats=STRICT)
def next_word(a: Any, b: Any, c: Any, d: Any) -> Any:
    """The next 32 bits of the generator in the state a, b, c, d (not all zero), and its new state: five uint32."""
    word = np.uint32(_rotated(np.uint32(a + d), 7) + a)
    shifted = np.uint32(b << np.uint32(9))
    c = c ^ a
    d = d ^ b
    b = b ^ c
    a = a ^ d
    return word, a, b, c ^ shifted, _rotated(d, 11)
