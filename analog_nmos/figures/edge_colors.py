"""Colours of the edges of a drawn network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

COLOR_MAP = "coolwarm"  # grey in the middle: edges of a common gate voltage recede, and the others stand out
LABEL = "gate voltage (V)"


@dataclass(frozen=True)
class EdgeColors:
    """Gate voltages (edges,) in volts, the ends of the colour scale, and the voltage that is grey."""

    gate_V: NDArray[np.float64]
    limits_V: tuple[float, float]
    center_V: float

    def norm(self) -> Any:
        """Equal distances from the centre get equally strong colours."""
        from matplotlib.colors import Normalize

        low, high = self.limits_V
        reach = max(high - self.center_V, self.center_V - low) or 1.0
        return Normalize(self.center_V - reach, self.center_V + reach)
