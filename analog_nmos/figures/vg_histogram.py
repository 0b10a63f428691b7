"""Histograms of gate voltages: each epoch with the start, and the start with the end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.figures.run_files import LeftOut, RunFiles
from analog_nmos.figures.vg_heatmap import epoch_name
from common.plotting import COLORS, figure, save, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BINS = 40


def vg_histogram(run: RunFiles, epoch: int, out: Path, plot_format: str = "png") -> list[Path]:
    """vg_histogram_epoch<n>: edges per gate voltage after an epoch, with the run's first ones as an outline."""
    run.gate_V(epoch)  # LeftOut if it cannot be read
    first = min(run.readable)
    epochs = [epoch] if epoch == first else [first, epoch]
    return [_draw(run, epochs, out / f"vg_histogram_epoch{epoch}", plot_format)]


def vg_histogram_first_last(run: RunFiles, out: Path, plot_format: str = "png") -> list[Path]:
    """vg_histogram_first_last: the first and the last gate voltages of the run."""
    if len(run.readable) < 2:
        raise LeftOut("no two epochs with gate voltages: no first and last to compare")
    return [_draw(run, [min(run.readable), max(run.readable)], out / "vg_histogram_first_last", plot_format)]


def bin_edges(limits_V: tuple[float, float]) -> Sequence[float]:
    """Edges of the BINS bins between the run's limits, BINS + 1 of them in volts; over half a volt if all are equal."""
    low, high = limits_V
    if high <= low:
        low, high = low - 0.25, low + 0.25
    return [float(edge) for edge in np.linspace(low, high, BINS + 1)]


def _draw(run: RunFiles, epochs: list[int], path: Path, plot_format: str) -> Path:
    *earlier, epoch = epochs
    fig, ax = figure()
    with style():
        from matplotlib.ticker import MaxNLocator

        for before in earlier:
            _outline(ax, run, before)
        left = _left(run, epoch)
        ax.hist(left, bin_edges(run.limits_V), label=_label(epoch, left), color=COLORS[0], alpha=0.75)
        ax.set(xlabel="gate voltage (V)", ylabel="edges", xlim=bin_edges(run.limits_V)[::BINS])
        ax.yaxis.set_major_locator(MaxNLocator("auto", integer=True))  # edges are counted
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.3)
    return save(fig, path, plot_format)


def _outline(ax: Axes, run: RunFiles, epoch: int) -> None:
    left = _left(run, epoch)
    options: Any = {"color": COLORS[1], "linewidth": 1.3, "label": _label(epoch, left), "zorder": 3}
    if np.ptp(left) > 0:
        ax.hist(left, bin_edges(run.limits_V), histtype="step", **options)
    else:  # a fixed start is one tall bar that would flatten all others
        ax.axvline(left[0], linestyle="--", **options)


def _left(run: RunFiles, epoch: int) -> NDArray[np.float64]:
    gate_V = run.gate_V(epoch)
    return gate_V[np.isfinite(gate_V)]


def _label(epoch: int, left: NDArray[np.float64]) -> str:
    what = f"mean {left.mean():.2f} V" if np.ptp(left) > 0 else f"all at {left[0]:.2f} V"
    return f"{epoch_name(epoch)}: {what}, {left.size} edges"
