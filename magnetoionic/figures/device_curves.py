"""All device curves over gate pulses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from common.plotting import COLORS, figure, style
from magnetoionic.curves import DOUBLE, LAST_PULSE, SINGLE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LINES = ("-", "--", ":")


def draw() -> Figure:
    """Two panels: pairs' devices, and both branches of single devices."""
    fig, (left, right) = figure(ncols=2, width="double")
    x = np.linspace(0.0, LAST_PULSE, 200)
    with style():
        for color, line, (name, curve) in zip(COLORS, LINES, DOUBLE.items(), strict=False):
            left.plot(x, curve.value(x), line, color=color, label=name)
        for color, line, (name, field) in zip(COLORS, LINES, SINGLE.items(), strict=False):
            right.plot(x, field.plus.value(x), line, color=color, label=name)
            right.plot(x, field.minus.value(x), line, color=color)
        left.set(xlabel="gate pulses", ylabel="Hall resistance", title="devices of pairs", ylim=(0, None))
        right.set(xlabel="gate pulses", ylabel="weight / scale", title="single devices: plus (rising) and minus")
        left.legend()
        right.set_ylim(-1.75, None)
        right.legend(loc="lower center", ncols=2)
    return fig
