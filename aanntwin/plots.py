"""Figures of the tools: accuracy against noise, against weight bits and full scale, and against multipliers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from common import plotting

Results = Mapping[str, Mapping[str, Sequence[tuple[float, float]]]]


def pareto_front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Indices of the Pareto-optimal points by rising cost: no other point costs at most as much and scores higher.

    Args:
        points: (cost, score) each; a lower cost and a higher score are better. Of equal points the first stays.
    """
    order = sorted(range(len(points)), key=lambda number: (points[number][0], -points[number][1], number))
    front: list[int] = []
    for number in order:
        if not front or points[number][1] > points[front[-1]][1]:
            front.append(number)
    return front


def plot_noise(results: Results, path: Path, *, axis: str) -> Path:
    """Accuracy against test noise, a line per training noise; the band is the range of the runs. Returns the path.

    Args:
        results: {training noise: {test noise: [(loss, accuracy), ..]}} with "none" or a number as text, and accuracies
            from 0 to 1.
        path: of the figure; its suffix is the format.
        axis: label of the test noise's level.
    """
    fig, ax = plotting.figure(width="double", height_in=4.0)
    names = list(results)
    levels = [level for level in next(iter(results.values())) if level != "none"]
    x = [float(level) for level in levels]
    lines, bands = {}, {}
    for name in names:
        runs = [100.0 * np.array([accuracy for _, accuracy in results[name][level]]) for level in levels]
        label = "no noise" if name == "none" else name
        lines[label] = [run.mean() for run in runs]
        bands[label] = ([run.min() for run in runs], [run.max() for run in runs])
    plotting.line_plot(
        ax, x, lines, intervals=bands, ordered=True,
        xlabel=f"{axis}, in the test", ylabel="test accuracy (%)",
    )  # fmt: skip
    with plotting.style():
        ax.legend(title="input noise\nin training", loc="center left", bbox_to_anchor=(1.0, 0.5))
        ax.margins(x=0.01)
    return plotting.save(fig, path, path.suffix.removeprefix(".") or "png")


def plot_bits(
    accuracies: Sequence[Sequence[float]], full_scales: Sequence[float], rows: Sequence[str], path: Path, *, title: str
) -> Path:
    """Accuracy as a heat map: weight bits upwards, full scale to the right. Returns the path.

    Args:
        accuracies: (rows, full scales), from 0 to 1.
        full_scales: in standard deviations of the weights.
        rows: labels of the rows: bits, and the clipped but unquantised weights.
        path: of the figure; its suffix is the format.
        title: of the figure.
    """
    fig, ax = plotting.figure(width="double", height_in=2.4)
    percent = 100.0 * np.asarray(accuracies, dtype=float)[::-1]
    names = [f"{scale:.1f}" if number % 2 else "" for number, scale in enumerate(full_scales)]
    plotting.heatmap(
        ax, percent, "test accuracy (%)", xlabels=names, ylabels=list(rows)[::-1],
        xlabel="full scale (standard deviations)", ylabel="weight bits", title=title,
    )  # fmt: skip
    return plotting.save(fig, path, path.suffix.removeprefix(".") or "png")


def plot_design_space(points: Sequence[tuple[float, float]], path: Path) -> Path:
    """Accuracy against the number of multipliers of every design, with its Pareto front. Returns the path.

    Args:
        points: (multipliers, accuracy from 0 to 1) each.
        path: of the figure; its suffix is the format.
    """
    fig, ax = plotting.figure(width="double", height_in=4.0)
    front = [points[number] for number in pareto_front(points)]
    with plotting.style():
        ax.plot(
            [cost for cost, _ in points], [100 * score for _, score in points],
            "o", markersize=2.5, markeredgewidth=0, color=plotting.COLORS[5], alpha=0.6, label=f"{len(points)} designs",
        )  # fmt: skip
        ax.plot(
            [cost for cost, _ in front], [100 * score for _, score in front],
            drawstyle="steps-post", marker="o", color=plotting.COLORS[1], label="Pareto front",
        )  # fmt: skip
        ax.set(xscale="log", xlabel="multipliers", ylabel="test accuracy (%)")
        ax.legend(loc="lower right")
    return plotting.save(fig, path, path.suffix.removeprefix(".") or "png")
