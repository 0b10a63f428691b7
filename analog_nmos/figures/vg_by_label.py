"""Gate voltages by label: how the transistors of each output move over the epochs."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from analog_nmos.figures.run_files import LeftOut, RunFiles
from analog_nmos.figures.sheet import COLUMNS
from common.plotting import COLORS, figure, save, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FloatArray = NDArray[np.float64]


def mean_and_spread(run: RunFiles) -> tuple[list[int], FloatArray, FloatArray]:
    """Epochs, and mean and standard deviation of the gate voltages of each output's edges that are left.

    Returns:
        epochs: those whose gate voltages can be read.
        mean_V, std_V: (epochs, outputs) in volts; NaN for an output without edges.
    """
    topology = run.topology
    touching = [(topology.edges_D == node) | (topology.edges_S == node) for node in topology.out_nodes]
    means, stds = [], []
    for gate_V in run.readable.values():
        per_output = [gate_V[edges] for edges in touching]  # an edge between two outputs is one of both
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # an output whose edges are all gone has no mean
            means.append([np.nanmean(values) for values in per_output])
            stds.append([np.nanstd(values) for values in per_output])
    return list(run.readable), np.array(means), np.array(stds)


def vg_by_label(run: RunFiles, out: Path, plot_format: str = "png") -> list[Path]:
    """vg_by_label: a panel per output with mean and band of one standard deviation; the mean of all outputs in grey."""
    epochs, mean_V, std_V = mean_and_spread(run)
    if len(epochs) < 2:
        raise LeftOut("no two epochs with gate voltages: nothing to plot over epochs")
    count = mean_V.shape[1]
    rows, columns = -(-count // COLUMNS), min(COLUMNS, count)
    size = {"width": "double", "height_in": 0.4 + 1.5 * rows}
    fig, grid = figure(nrows=rows, ncols=columns, squeeze=False, sharex=True, sharey=True, **size)
    with style():
        for k, ax in enumerate(grid.flat):
            if k >= count:
                ax.remove()
                continue
            _panel(ax, k, epochs, mean_V, std_V)
            ax.set_title(f"output {run.output_labels[k]}", fontsize=8)
            if k >= count - columns:
                ax.set_xlabel("epoch")
                ax.tick_params(labelbottom=True)
            if k % columns == 0:
                ax.set_ylabel("gate voltage (V)")
        handles, labels = grid[0, 0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside upper center", ncols=3)
    return [save(fig, out / "vg_by_label", plot_format)]


def _panel(ax: Axes, k: int, epochs: list[int], mean_V: FloatArray, std_V: FloatArray) -> None:
    from matplotlib.ticker import MaxNLocator

    low, high = mean_V[:, k] - std_V[:, k], mean_V[:, k] + std_V[:, k]
    ax.fill_between(epochs, low, high, color=COLORS[0], alpha=0.18, linewidth=0, label="± standard deviation")
    ax.plot(epochs, mean_V[:, k], color=COLORS[0], label="mean of the output's edges")
    ax.plot(epochs, np.nanmean(mean_V, axis=1), color="#606060", linestyle=":", label="mean of all outputs")
    ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
