"""All kinds of figures by name, and how to draw those of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from analog_nmos.figures.confusion import confusion_matrices
from analog_nmos.figures.curves import hinge_active, learning_curves, timing
from analog_nmos.figures.run_files import LeftOut, RunFiles
from analog_nmos.figures.vg_by_label import vg_by_label
from analog_nmos.figures.vg_graph import vg_graph
from analog_nmos.figures.vg_heatmap import vg_heatmap
from analog_nmos.figures.vg_histogram import vg_histogram, vg_histogram_first_last
from common.errors import InputError

RunFigure = Callable[[RunFiles, Path, str], list[Path]]
EpochFigure = Callable[[RunFiles, int, Path, str], list[Path]]

# Arguments: the run, the epoch where there is one for each, the folder to write to, and the format.
OF_RUN: dict[str, RunFigure] = {
    "curves": lambda run, out, plot_format: learning_curves(run.folder, plot_format, out),
    "timing": lambda run, out, plot_format: [timing(run.folder, plot_format, out)],
    "hinge-active": lambda run, out, plot_format: hinge_active(run.folder, plot_format, out),
    "vg-by-label": vg_by_label,
    "vg-first-last": vg_histogram_first_last,
}
OF_EPOCH: dict[str, EpochFigure] = {
    "confusion": confusion_matrices,
    "vg-heatmap": vg_heatmap,
    "vg-histogram": vg_histogram,
    "vg-graph": vg_graph,
}
NAMES = (*OF_RUN, *OF_EPOCH)


@dataclass(frozen=True)
class Drawn:
    """One figure: its name, its epoch (None for one of the whole run), its files, or why it is left out."""

    name: str
    epoch: int | None
    files: list[Path]
    left_out: str = ""


def choose_epochs(run: RunFiles, wanted: str | Sequence[int]) -> list[int]:
    """Epochs to draw: "all", "last" (the last one that was completed), or these.

    Raises:
        InputError: an epoch that the run does not have.
    """
    there = run.epochs
    if wanted == "all":
        return there
    if wanted == "last":
        return (run.vg_epochs or there)[-1:]
    for epoch in wanted:
        if epoch not in there:
            have = f"it has {there[0]} to {there[-1]}" if there else "it has none yet"
            raise InputError(f"--epochs: no epoch {epoch} in the run; {have}")
    return sorted({int(epoch) for epoch in wanted})


def draw(
    run: RunFiles, names: Sequence[str], epochs: Sequence[int], out: Path, plot_format: str = "png"
) -> Iterator[Drawn]:
    """Draw the named figures one after the other; those that the folder cannot give come back with the reason."""
    for name in names:
        for epoch in epochs if name in OF_EPOCH else [None]:
            try:
                if epoch is None:
                    files = OF_RUN[name](run, out, plot_format)
                else:
                    files = OF_EPOCH[name](run, epoch, out, plot_format)
            except LeftOut as reason:
                yield Drawn(name, epoch, [], str(reason))
            else:
                yield Drawn(name, epoch, files)


def count(names: Sequence[str], epochs: Sequence[int]) -> int:
    """How many figures `draw` goes through."""
    return sum(len(epochs) if name in OF_EPOCH else 1 for name in names)
