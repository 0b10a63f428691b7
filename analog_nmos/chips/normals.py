"""Standard normal numbers of a generator, drawn ahead so that compiled code can take them from an array."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BLOCK = 1024  # numbers, at least, that are drawn at once
WORD = (1 << 64) - 1
STATE_WORDS = 5  # of `Normals.state`


class Normals:
    """The numbers that `Generator.standard_normal` gives, one after the other, however many are taken at once.

    Attributes:
        values: drawn ahead; compiled code reads them.
        at: shape (1,), how many of `values` have been taken; compiled code moves it on.

    Args:
        generator: a PCG64's, from which nothing else may draw.
    """

    def __init__(self, generator: np.random.Generator) -> None:
        self._generator = generator
        self._first: Any = generator.bit_generator.state
        self._start = self._first  # before values[0]
        self.values: FloatArray = np.empty(0)
        self.at = np.zeros(1, np.int64)

    @property
    def has_begun(self) -> bool:
        """Whether any number has been taken."""
        return bool(self.at[0]) or self._start != self._first

    def reserve(self, count: int) -> None:
        """See to it that so many numbers lie ahead in `values`, which may become another array."""
        if self.values.size - self.at[0] >= count:
            return
        if self.values.size != self.at[0]:
            # Those that were taken are drawn once more: the generator then stands where the next one is.
            self._generator.bit_generator.state = self._start
            self._generator.standard_normal(int(self.at[0]))
        self._start, self.at[0] = self._generator.bit_generator.state, 0
        self.values = self._generator.standard_normal(max(count, BLOCK))

    def take(self, count: int) -> FloatArray:
        """The next numbers, shape (count,); not to be changed."""
        self.reserve(count)
        begin = int(self.at[0])
        self.at[0] = begin + count
        return self.values[begin : begin + count]

    def state(self) -> NDArray[np.uint64]:
        """What the next numbers depend on: 64-bit words of the generator, and how many numbers it is behind."""
        inner = self._start["state"]
        halves = [half for word in (inner["state"], inner["inc"]) for half in (word >> 64, word & WORD)]
        return np.array([*halves, self.at[0]], np.uint64)

    def restore(self, state: NDArray[np.uint64]) -> None:
        """Take over what `state` returned."""
        words = [int(word) for word in state]
        inner = {"state": words[0] << 64 | words[1], "inc": words[2] << 64 | words[3]}
        self._start = self._generator.bit_generator.state = {**self._start, "state": inner}
        self.values = np.empty(0)
        self.at[0] = words[4]
