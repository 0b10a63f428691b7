"""The figure of an audit: cosines over epochs, and where the transistors stood."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from analog_nmos.audit.components import ADJOINT, RULE
from analog_nmos.audit.report import TENTH, known
from analog_nmos.audit.table import ALL, REGIONS, Line
from common.plotting import figure, line_plot, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GREYS = ("0.85", "0.55", "0.25")
MOST_BANDS = 5  # of more lines the bands hide each other


def audit_figure(lines: Sequence[Line]) -> Figure:
    """Mean cosines over samples, with bands from the 10th to the 90th percentile, above shares of regions.

    With one rule a line for each of its components; else a panel more, with a line for each rule as it would train.

    Args:
        lines: of all epochs, at least one.
    """
    rules = list(dict.fromkeys(line.rule for line in lines))
    several = len(rules) > 1
    rows = 2 + several
    fig, axes = figure(nrows=rows, width="double", height_in=2.4 * rows, sharex=True)
    _cosines(axes[0], lines, "component", lambda line: line.rule == rules[0] and line.component != ADJOINT)
    axes[0].set_title(f"rule: {rules[0]}" if several else "")
    if several:
        _cosines(axes[1], lines, "rule", lambda line: line.component == RULE)
    _regions(axes[-1], [line for line in lines if line.rule == rules[0] and line.component == RULE])
    return fig


def _cosines(ax: Axes, lines: Sequence[Line], by: str, takes: Callable[[Line], bool]) -> None:
    chosen = [line for line in lines if line.sample != ALL and takes(line)]
    epochs = list(dict.fromkeys(line.epoch for line in lines))
    series: dict[str, Any] = {}
    bands: dict[str, Any] = {}
    for name in dict.fromkeys(getattr(line, by) for line in chosen):
        own = [
            known([line.cosine for line in chosen if getattr(line, by) == name and line.epoch == epoch])
            for epoch in epochs
        ]
        series[name] = np.array([values.mean() for values in own])
        bands[name] = tuple(np.array([np.percentile(one, end) for one in own]) for end in (TENTH, 100 - TENTH))
    shown = bands if len(series) <= MOST_BANDS else None
    line_plot(ax, epochs, series, intervals=shown, xlabel="", ylabel="cosine with the gradient")
    with style():
        ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))


def _regions(ax: Axes, lines: Sequence[Line]) -> None:
    """Stacked shares, mean over samples."""
    sums = [line for line in lines if line.sample == ALL]
    epochs = [line.epoch for line in sums]
    shares = np.array([[getattr(line, f"share_{kind}") for line in sums] for kind in REGIONS])
    with style():
        if len(epochs) > 1:
            ax.stackplot(epochs, 100.0 * shares, labels=REGIONS, colors=GREYS)
        else:
            low = 0.0
            for kind, share, grey in zip(REGIONS, 100.0 * shares[:, 0], GREYS, strict=True):
                ax.bar(epochs, [share], 0.2, bottom=low, label=kind, color=grey)
                low += share
        ax.set_ylim(0.0, 100.0)
        ax.set_xlabel("epoch")
        ax.set_ylabel("transistors (%)")
        ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
