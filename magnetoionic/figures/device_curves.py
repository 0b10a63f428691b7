"""Device curves over gate pulses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from common.errors import InputError
from common.plotting import figure, style
from magnetoionic.devices.curves import LAST_PULSE, AnyCurve, SingleCurve
from magnetoionic.devices.fields import OURS, find_field
from magnetoionic.figures.styles import styles

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINES = ("-", "--", ":", "-.")


def draw(own: Iterable[str] = ()) -> Figure:
    """Two panels: pairs' devices, and both branches of single devices.

    Args:
        own: users' own fields to draw, too, as package.module:Name; those that cannot be loaded are left out.
    """
    fig, (left, right) = figure(ncols=2, width="double")
    curves = {word: curve for word in dict.fromkeys([*OURS, *own]) if (curve := _curve(word)) is not None}
    with style():
        drawn = {left: 0, right: 0}
        for word, shown in styles(curves).items():
            curve = curves[word]
            ax: Axes = right if isinstance(curve, SingleCurve) else left
            line = LINES[drawn[ax] % len(LINES)]
            drawn[ax] += 1
            if isinstance(curve, SingleCurve):
                x = np.linspace(0.0, LAST_PULSE, 200)
                ax.plot(x, curve.plus.value(x), line, color=shown.color, label=shown.label)
                ax.plot(x, curve.minus.value(x), line, color=shown.color)
            else:
                x = np.linspace(0.0, curve.last, 200)
                ax.plot(x, curve.value(x), line, color=shown.color, label=shown.label)
        left.set(xlabel="gate pulses", ylabel="Hall resistance", title="devices of pairs", ylim=(0, None))
        right.set(xlabel="gate pulses", ylabel="weight / scale", title="single devices: plus (rising) and minus")
        left.legend()
        right.set_ylim(-1.75, None)
        right.legend(loc="lower center", ncols=2)
    return fig


def _curve(word: str) -> AnyCurve | None:
    try:
        return find_field(word).curve
    except InputError:  # figures are drawn from files and do not need the module; `styles` warns
        return None
