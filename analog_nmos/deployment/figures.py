"""Figures of a deployment: curves over mismatch and noise, repair, and runs by chips."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from analog_nmos.deployment.fleet import IDEAL, OWN
from analog_nmos.deployment.spread import Spread
from analog_nmos.deployment.study import Row, Study
from analog_nmos.deployment.summary import Studies, curve, matrix, of_one, repair_curves, trained_on
from common.plotting import COLORS, figure, heatmap, line_plot, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_NUMBERS = 12  # columns of a matrix that has its numbers written in
LONGEST = 28  # letters of a name
LETTERS = 60  # that have room side by side under a matrix
LABEL_GAP = 0.06  # share of an axis that the name of a point takes


def curve_figure(studies: Studies, kind: str) -> Figure:
    """A line for each run and kind of transistors, with the band of its interval: "scales" or "read_noises"."""
    fig, ax = figure(width="double" if len(studies) > 1 else "single", height_in=3.0)
    x: list[float] = []
    series: dict[str, Any] = {}
    bands: dict[str, Any] = {}
    for name, (study, rows) in studies.items():
        for transistors, points in curve(study, rows, kind).items():
            label = transistors if len(studies) == 1 else f"{_cut(name)}: {transistors}"
            x, factor = [*points], _factor(study)
            series[label], bands[label] = _arrays(list(points.values()), factor)
    first = next(iter(studies.values()))[0]
    if kind == "scales":
        line_plot(ax, x, series, intervals=bands, xlabel="times the mismatch of each chip", ylabel=_label(first))
        _scaled_axis(ax, x)
        if len(studies) == 1:
            _ideal(ax, *next(iter(studies.values())))
    else:
        label = "standard deviation of read noise (mV)"
        line_plot(ax, [1e3 * one for one in x], series, intervals=bands, xlabel=label, ylabel=_label(first))
    return fig


def repair_figure(studies: Studies) -> Figure:
    """Over epochs of training on the chips: a thin line for each chip, and the mean of all with its band."""
    fig, ax = figure(width="double" if len(studies) > 1 else "single", height_in=3.0)
    series: dict[str, Any] = {}
    bands: dict[str, Any] = {}
    for color, (name, (study, rows)) in zip(_colors(), studies.items(), strict=False):
        each, mean = repair_curves(study, rows)
        with style():
            for own in each.values():
                ax.plot(np.multiply(own, _factor(study)), color=color, linewidth=0.6, alpha=0.5)
        label = f"mean of {len(each)} chips" if len(studies) == 1 else _cut(name)
        series[label], bands[label] = _arrays(mean, _factor(study))
    first, rows = next(iter(studies.values()))
    epochs = np.arange(first.options.repair_epochs + 1)
    line_plot(ax, epochs, series, intervals=bands, xlabel="epochs of training on the chip", ylabel=_label(first))
    if len(studies) == 1:
        _ideal(ax, first, rows)
    return fig


def matrix_figure(studies: Studies) -> Figure:
    """Runs (rows) by chips (columns); frames are around the chip that a run was trained on."""
    from matplotlib.patches import Rectangle

    columns, cells, own = matrix(studies)
    first = next(iter(studies.values()))[0]
    factor = _factor(first)
    wide = len(columns) > MOST_NUMBERS
    fig, ax = figure(width="double", height_in=min(9.0, 1.9 + 5.2 * len(cells) / max(len(columns), 8)))
    names = [f"{_cut(name)} ({_cut(trained_on(study))})" for name, (study, _) in studies.items()]
    titles = [{IDEAL: "ideal", OWN: "own chip"}.get(name, _cut(name)) for name in columns]
    numbers = None if wide else ".1f" if first.is_accuracy else ".2g"
    heatmap(
        ax, factor * np.array(cells), _label(first), annotate=numbers, xlabels=titles, ylabels=names,
        xlabel="deployed on", ylabel="run (trained on)",
    )  # fmt: skip
    with style():
        ax.tick_params(axis="x", labelrotation=0 if sum(map(len, titles)) < LETTERS else 90)
        for row, column in np.argwhere(own).tolist():
            ax.add_patch(
                Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor="black", linewidth=1.2, clip_on=False)
            )
    return fig


def _ideal(ax: Axes, study: Study, rows: Sequence[Row]) -> None:
    value = _factor(study) * of_one(study, rows, IDEAL).mean
    with style():
        ax.axhline(value, color="0.4", linestyle=":", linewidth=1.0, label="ideal transistors", zorder=0)
        ax.legend(loc="best")


def _scaled_axis(ax: Axes, x: Sequence[float]) -> None:
    """Logarithmic, linear below the smallest scale that is not 0; without minor labels."""
    positive = [one for one in x if one > 0.0]
    if not positive or max(positive) < 10 * min(positive):
        return
    if min(x) > 0.0:
        ax.set_xscale("log")
    else:
        ax.set_xscale("symlog", linthresh=min(positive))
    span, named = np.log10(max(positive) / min(positive)), [max(positive)]
    for one in sorted(positive, reverse=True):  # as many as do not run into each other
        if np.log10(named[-1] / one) > LABEL_GAP * span:
            named.append(one)
    named += [0.0] * (min(x) == 0.0)
    ax.set_xticks(named, labels=[f"{one:g}" for one in named])
    ax.minorticks_off()


def _arrays(points: Sequence[Spread], factor: float) -> tuple[Any, tuple[Any, Any]]:
    mean, low, high = (factor * np.array([getattr(one, end) for one in points]) for end in ("mean", "low", "high"))
    return mean, (low, high)


def _factor(study: Study) -> float:
    return 100.0 if study.is_accuracy else 1.0


def _label(study: Study) -> str:
    return "test accuracy (%)" if study.is_accuracy else f"test {study.trained.objective().loss_label}"


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST else name[: LONGEST - 3] + "..."


def _colors() -> Sequence[str]:
    return [*COLORS] * 10
