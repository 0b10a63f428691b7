"""The figure of a specification: what each imperfection costs over its level, and where its limit is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from analog_nmos.specification.limits import Found
from analog_nmos.specification.search import FloatArray, Goal
from common.plotting import COLORS, figure, line_plot, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 3
TOP = 8.0  # times the target: what costs more is out of the panel


def spec_figure(rows: Sequence[Found], goal: Goal) -> Figure:
    """A panel for each imperfection: mean cost with its interval, the target, and the limit with its interval."""
    columns = min(COLUMNS, len(rows))
    lines = math.ceil(len(rows) / columns)
    wide = columns > 1
    fig, axes = figure(
        nrows=lines, ncols=columns, width="double" if wide else "single", height_in=2.1 * lines + 0.2, squeeze=False
    )
    for ax, row in zip(axes.ravel(), rows, strict=False):
        _panel(ax, row, goal)
    for ax in axes.ravel()[len(rows) :]:
        ax.set_visible(False)
    with style():
        label = "points of accuracy lost" if goal.is_accuracy else "error (% larger)"
        for ax in axes[:, 0]:
            ax.set_ylabel(label)
    return fig


def _panel(ax: Axes, row: Found, goal: Goal) -> None:
    limit, quantity = row.limit, row.quantity
    mean, low, high = 100 * limit.curve.T
    bands = None if np.isnan(low).any() else {"cost": (low, high)}
    title = quantity.title.partition(" (")[0]
    line_plot(ax, limit.levels, {"cost": mean}, intervals=bands, xlabel=quantity.unit, ylabel="", title=title)
    with style():
        if quantity.rises:
            _decades(ax, limit.levels)
        else:
            ax.invert_xaxis()
        target = 100 * goal.most
        ax.axhline(target, color="0.4", linestyle=":", linewidth=1.0)
        ax.set_ylim(min(-0.5 * target, 1.1 * float(np.clip(mean, -target, 0.0).min())), TOP * target)
        if limit.found and limit.value is not None:
            ax.axvline(limit.value, color=COLORS[1], linewidth=1.0)
            ends = np.clip([limit.low, limit.high], limit.levels.min(), limit.levels.max())
            if not np.isnan(ends).any() and quantity.rises:
                ax.axvspan(*ends.tolist(), color=COLORS[1], alpha=0.15, linewidth=0)


def _decades(ax: Axes, levels: FloatArray) -> None:
    """A logarithmic axis of whole decades, of which only these have numbers."""
    from matplotlib.ticker import NullFormatter

    first, last = math.floor(math.log10(levels.min())), math.ceil(math.log10(levels.max()))
    ax.set_xscale("log")
    ax.set_xlim(10.0**first, 10.0 ** max(last, first + 1))
    ax.xaxis.set_minor_formatter(NullFormatter())
