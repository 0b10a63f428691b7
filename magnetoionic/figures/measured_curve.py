"""A measured device and the curves fitted to it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from common.plotting import COLORS, figure, save, style
from magnetoionic.devices.measured import Fit
from magnetoionic.devices.points import Measured


def draw(measured: Measured, fits: Sequence[Fit], used: str, stem: Path) -> Path:
    """Write STEM.png: points, every fit with its error, and below the residuals, in the unit of the file."""
    fig, (top, below) = figure(nrows=2, height_in=4.4, sharex=True, height_ratios=(2.4, 1))
    x = np.linspace(0.0, measured.pulses[-1], 400)
    with style():
        top.plot(measured.pulses, measured.values, "o", color="black", markersize=3, label="measured", zorder=1)
        for color, each, line in zip(COLORS, fits, ("-", "--", ":"), strict=False):
            mark = " (used)" if each.name == used else ""
            label = f"{each.name}{mark}: rms {each.rms:.1e}"
            top.plot(x, each.curve.value(x), line, color=color, label=label, zorder=2)
            left = measured.values - each.curve.value(measured.pulses)
            below.plot(measured.pulses, left, line, color=color, marker=".", zorder=2)
        below.axhline(0.0, color="black", linewidth=0.7)
        top.set(ylabel="value (unit of the file)")
        below.set(xlabel="gate pulses", ylabel="measured - fit")
        top.legend()
    return save(fig, stem)
