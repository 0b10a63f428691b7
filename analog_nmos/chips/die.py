"""Where the transistors of a chip lie on its die."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Die:
    """A grid of cells, as near to a square as E edges can be, filled row by row in the order of edges.

    Edge e lies in row e // columns (0 is on top) and column e % columns. Both of its transistors, the one of the free
    circuit and the one of the clamped circuit, lie in that cell, as matched pairs do.
    """

    n_edges: int

    @property
    def columns(self) -> int:
        """The square root of the number of edges, rounded up."""
        return math.isqrt(self.n_edges - 1) + 1

    @property
    def rows(self) -> int:
        """As many as are needed: at most as many as columns. Cells of the last row may be empty."""
        return -(-self.n_edges // self.columns)

    def along(self, angle_deg: float) -> FloatArray:
        """How far (E,) each edge lies from the die's middle in a direction, in widths of the die.

        0 degrees points to the right (growing columns), 90 degrees up (to row 0). Along either, the outermost columns
        of cells lie at -1/2 and 1/2; rows are as far apart as columns.
        """
        row, column = np.divmod(np.arange(self.n_edges), self.columns)
        right, up = column - (self.columns - 1) / 2, (self.rows - 1) / 2 - row
        angle = math.radians(angle_deg)
        far: FloatArray = right * math.cos(angle) + up * math.sin(angle)
        return far / max(1, self.columns - 1)

    def image(self, values: FloatArray) -> FloatArray:
        """Values (E,) in their cells, shape (rows, columns), NaN in those that are empty."""
        cells = np.full(self.rows * self.columns, np.nan)
        cells[: self.n_edges] = values
        return cells.reshape(self.rows, self.columns)
