"""The figure of a run's energy: its inferences, and where in the network the power goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from common.plotting import COLORS, figure, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FloatArray = NDArray[np.float64]


def energy_figure(settling_s: FloatArray, energy_J: FloatArray, edges_W: FloatArray, gate_V: FloatArray) -> Figure:
    """Energy over settling time of inferences (N,), and mean power over gate voltage of transistors (E,)."""
    fig, (left, right) = figure(ncols=2, width="double", height_in=2.8)
    with style():
        left.plot(1e9 * settling_s, 1e12 * energy_J, "o", markersize=3, alpha=0.6, color=COLORS[0])
        left.set_xlabel("settling time (ns)")
        left.set_ylabel("energy of an inference (pJ)")
        right.plot(gate_V, 1e6 * edges_W, "o", markersize=3, alpha=0.6, color=COLORS[1])
        right.set_xlabel("gate voltage (V)")
        right.set_ylabel("mean power of a transistor (µW)")
        right.set_ylim(bottom=0.0)
    return fig
