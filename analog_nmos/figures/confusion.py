"""Confusion matrices of an epoch: counts, and the errors alone on a linear and a logarithmic scale."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from analog_nmos.figures.run_files import RunFiles
from common.plotting import WIDTH_IN, confusion, figure, save

KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "confusion": ("", {}),
    "confusion_errors": ("errors, ", {"errors_only": True}),
    "confusion_errors_log": ("errors, log scale, ", {"errors_only": True, "log": True}),
}
HEIGHT_IN = 2.95
LONGEST = 12  # letters of the name of a class
BOX_IN = (0.42, 0.45, 2.2)  # left, bottom and side of the matrix


def confusion_matrices(run: RunFiles, epoch: int, out: Path, plot_format: str = "png") -> list[Path]:
    """confusion_epoch<n>, confusion_errors_epoch<n> and confusion_errors_log_epoch<n>, with the counts written in."""
    counts = run.confusion(epoch)
    accuracy = np.trace(counts) / max(int(counts.sum()), 1)
    left, bottom, side = BOX_IN
    width = WIDTH_IN["single"]
    names = [shorten(name, LONGEST) for name in run.class_names(len(counts))]
    # Names turned upright lie along their row, as those below lie along their column.
    long = max(map(len, names)) > 2
    written = []
    for name, (what, options) in KINDS.items():
        fig, ax = figure(height_in=HEIGHT_IN)
        # Fixed axes: automatic layout would take a second for the three.
        fig.set_layout_engine("none")
        ax.set_position((left / width, bottom / HEIGHT_IN, side / width, side / HEIGHT_IN))
        title = f"{what}epoch {epoch}" + ("" if options else f": {100 * accuracy:.1f} % of {counts.sum()} correct")
        image: Any = confusion(ax, counts, labels=names, title=title, **options)
        if long:
            ax.set_yticklabels(names, rotation=90, va="center")
        image.colorbar.set_label(run.validated_on)
        if "log" not in options:
            _count_in_whole_samples(image.colorbar)
        written.append(save(fig, out / f"{name}_epoch{epoch}", plot_format))
    return written


def shorten(name: str, letters: int) -> str:
    """A name of at most so many letters."""
    return name if len(name) <= letters else f"{name[: letters - 1]}…"


def _count_in_whole_samples(bar: Any) -> None:
    from matplotlib.ticker import MaxNLocator

    bar.set_ticks(MaxNLocator(6, integer=True))
