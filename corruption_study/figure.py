"""The figure of a campaign: a row for each model type, a column for each activation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from common.errors import InputError
from common.plotting import COLORS, style
from common.plugins import label
from corruption_study.corruptions import CORRUPTIONS
from corruption_study.curves import Curve, Half

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PANEL_IN, HEIGHT_IN = 2.3, 2.1


def draw(curves: Sequence[Curve], halves: Sequence[Half], corruption: str = "") -> Figure:
    """Mean accuracy with standard-error bars against p, and the half-accuracy point with its interval.

    Args:
        curves: one panel each.
        halves: of each curve.
        corruption: the kind, as the campaign's option names it; "" if it is not known.
    """
    with style():
        from matplotlib.figure import Figure

        rows = list(dict.fromkeys(curve.model_type for curve in curves))
        columns = list(dict.fromkeys(curve.activation for curve in curves))
        size = (max(PANEL_IN * len(columns), 3.4), HEIGHT_IN * len(rows) + 0.35)
        fig = Figure(figsize=size, layout="constrained")
        axes = fig.subplots(len(rows), len(columns), sharex=True, sharey=True, squeeze=False)
        empty = {(row, column) for row in range(len(rows)) for column in range(len(columns))}
        for curve, half in zip(curves, halves, strict=True):
            place = rows.index(curve.model_type), columns.index(curve.activation)
            empty.discard(place)
            _panel(axes[place], curve, half, COLORS[place[1] % len(COLORS)])
            axes[place].set_title(f"{label(curve.model_type).upper()}, {curve.activation.replace('_', ' ')}")
        for place in empty:
            axes[place].set_visible(False)
        kind = f" ({label_of(corruption)})" if corruption else ""
        fig.supxlabel(f"corruption strength p in training{kind}", fontsize=8)
        fig.supylabel("accuracy on clean test images", fontsize=8)
        return fig


def label_of(corruption: str) -> str:
    """The label of a kind of corruption in figures; its name if its module cannot be imported."""
    try:
        return CORRUPTIONS.get(corruption).label
    except InputError:
        return label(corruption)


def _panel(ax: Any, curve: Curve, half: Half, color: str) -> None:
    ax.errorbar(
        curve.p, curve.mean, curve.stderr, color=color, marker="o", markersize=2.5, capsize=3, elinewidth=1.0, zorder=3
    )
    span = max(float(curve.p[-1] - curve.p[0]), 0.05)
    ax.set_xlim(curve.p[0] - 0.04 * span, curve.p[-1] + 0.04 * span)
    ax.set_ylim(0, 1.03)
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1])
    if math.isinf(half.p):
        ax.text(0.04, 0.05, f"stays above {half.level:.2f}", transform=ax.transAxes, fontsize=7)
        return
    ax.axhline(half.level, color="#7F7F7F", linewidth=0.8, linestyle=":", zorder=1)
    ends = [min(max(end, float(curve.p[0])), float(curve.p[-1])) for end in (half.low, half.high)]
    ax.plot(ends, [half.level] * 2, color="black", linewidth=3.0, solid_capstyle="butt", zorder=4)
    ax.plot([half.p], [half.level], marker="D", color="black", markersize=4, zorder=5)
    ax.text(0.04, 0.05, f"half at p = {half.p:.2f}\n[{_number(half.low)}, {_number(half.high)}]",
            transform=ax.transAxes, fontsize=7)  # fmt: skip


def _number(value: float) -> str:
    return "beyond" if math.isinf(value) else f"{value:.2f}"
