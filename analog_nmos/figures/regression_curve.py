"""What a network gives and what it should give: over its only input, or the one over the other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.figures.confusion import shorten
from analog_nmos.figures.run_files import OtherKind, RunFiles
from analog_nmos.figures.validated import Validated, validated
from analog_nmos.figures.vg_heatmap import epoch_name
from common.figure_style import SEQUENTIAL
from common.plotting import figure, save, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EPOCHS = 5  # that are shown at most
NEAR = 0.01  # share of a run: the first epoch that is shown beside the start
COLUMNS = 3
LONGEST = 24  # letters of the name of a value
LIGHTEST = 0.88  # the light end of the colours is hard to see on white
FEW = 40  # samples whose targets are drawn as large points
FloatArray = NDArray[np.float64]


def regression_curve(run: RunFiles, out: Path, plot_format: str = "png") -> list[Path]:
    """regression_curve: a panel per value; epochs from the first (light) to the last (dark).

    With one input the outputs are lines over it, and the targets points; with several, outputs are points over their
    targets, and a line shows where both are equal. All in volts, of the samples that were validated.

    Raises:
        OtherKind: its answers are classes.
    """
    if not run.readout.is_values:
        raise OtherKind("its answers are classes, not values")
    samples = validated(run)
    over_input = samples.x_V.shape[1] == 1
    epochs = some_epochs(samples.epochs, EPOCHS if over_input else 2)
    scores_V = [samples.scores_V(epoch) for epoch in epochs]
    names = run.readout.values
    rows, columns = -(-len(names) // COLUMNS), min(COLUMNS, len(names))
    fig, grid = figure(nrows=rows, ncols=columns, squeeze=False, width="single" if columns == 1 else "double")
    with style():
        for ax, name, k in zip(grid.flat, names, range(len(names)), strict=False):
            shown = {epoch_name(epoch): values[:, k] for epoch, values in zip(epochs, scores_V, strict=True)}
            (_over_input if over_input else _over_target)(ax, samples, k, shown)
            ax.set_title(shorten(name, LONGEST))
        for ax in grid.flat[len(names) :]:
            ax.remove()
        handles, labels = grid[0, 0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside upper center", ncols=2 if columns == 1 else 6)
    return [save(fig, out / "regression_curve", plot_format)]


def some_epochs(epochs: list[int], most: int) -> list[int]:
    """The first, the last and some between, each about as many times later as the one before it.

    What is near the first one would be hard to tell from it.
    """
    if len(epochs) <= most:
        return epochs
    first, last = epochs[0], epochs[-1]
    wanted = np.geomspace(max(NEAR * last, epochs[1]), last, most - 1)[:-1]
    return sorted({first, last, *(min(epochs, key=lambda epoch: abs(epoch - value)) for value in wanted)})


def _colors(count: int) -> Any:
    from matplotlib import colormaps

    return colormaps[SEQUENTIAL](np.linspace(LIGHTEST, 0.0, count) if count > 1 else [0.0])


def _over_input(ax: Axes, samples: Validated, k: int, shown: dict[str, FloatArray]) -> None:
    x_V = samples.x_V[:, 0]
    order = np.argsort(x_V, kind="stable")
    for (label, values_V), color in zip(shown.items(), _colors(len(shown)), strict=True):
        last = label == list(shown)[-1]
        ax.plot(x_V[order], values_V[order], color=color, label=label, linewidth=1.8 if last else 1.1)
    size = 20 if len(x_V) <= FEW else 4
    ax.scatter(x_V, samples.y[:, k], s=size, color="black", linewidths=0, label="target", zorder=3)
    ax.set(xlabel=f"input of {samples.run.validated_on} (V)", ylabel="output (V)")


def _over_target(ax: Axes, samples: Validated, k: int, shown: dict[str, FloatArray]) -> None:
    target_V = samples.y[:, k]
    ends = [target_V.min(), target_V.max()]
    ax.plot(ends, ends, color="#606060", linestyle=":", label="output = target", zorder=1)
    size = 14 if len(target_V) <= FEW else 6
    markers = ("s", "o")[-len(shown) :]
    for (label, values_V), color, marker in zip(shown.items(), _colors(len(shown)), markers, strict=True):
        ax.scatter(target_V, values_V, s=size, color=color, marker=marker, linewidths=0, label=label, zorder=2)
    ax.set(xlabel=f"target of {samples.run.validated_on} (V)", ylabel="output (V)")
