"""The score of each of a few samples over epochs, and the levels that it is compared with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from analog_nmos.figures.few_samples import SMALL, few_samples, level_names, sample_names
from analog_nmos.figures.run_files import LeftOut, RunFiles
from common.plotting import figure, line_plot, save, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def scores(run: RunFiles, out: Path, plot_format: str = "png") -> list[Path]:
    """scores: the score of each sample over epochs, after each of them, and the levels of the classes.

    Raises:
        LeftOut: another kind of task (see `few_samples`), or no two epochs.
    """
    samples, names = few_samples(run), level_names(run)
    if len(samples.epochs) < 2:
        raise LeftOut("no two epochs with outputs: nothing to plot over epochs")
    scores_V = np.stack([samples.scores_V(epoch)[:, 0] for epoch in samples.epochs], axis=1)
    called, inputs = sample_names(samples)
    series = {
        f"{name} → {names[label]}": values for name, label, values in zip(inputs, samples.y, scores_V, strict=True)
    }
    small = len(series) <= 4 and max(map(len, series)) <= SMALL
    fig, ax = figure(width="single" if small else "double")
    line_plot(ax, samples.epochs, series, xlabel="epoch", ylabel="score (V)")
    with style():
        for name, level_V in zip(names, run.readout.levels_V, strict=True):
            _level(ax, f"class {name}", level_V)
        place = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.3}
        ax.legend(**place, ncols=2 if small else 3, title=f"{called} → class")
    return [save(fig, out / "scores", plot_format)]


def _level(ax: Axes, name: str, level_V: float) -> None:
    ax.axhline(level_V, color="#606060", linestyle=(0, (4, 3)), linewidth=0.9, zorder=1)
    ax.annotate(name, (1.01, level_V), xycoords=ax.get_yaxis_transform(), va="center", size=7)
