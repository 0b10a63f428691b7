"""All kinds of figures by name, and how to draw those of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from analog_nmos.figures.confusion import confusion_matrices
from analog_nmos.figures.curves import hinge_active, learning_curves, timing
from analog_nmos.figures.recovery import recovery
from analog_nmos.figures.regression_curve import regression_curve
from analog_nmos.figures.run_files import LeftOut, OtherKind, RunFiles
from analog_nmos.figures.scores import scores
from analog_nmos.figures.truth_table import truth_table
from analog_nmos.figures.vg_by_label import vg_by_label
from analog_nmos.figures.vg_graph import vg_graph
from analog_nmos.figures.vg_heatmap import vg_heatmap
from analog_nmos.figures.vg_histogram import vg_histogram, vg_histogram_first_last
from common.errors import InputError

RunFigure = Callable[[RunFiles, Path, str], list[Path]]
EpochFigure = Callable[[RunFiles, int, Path, str], list[Path]]


@dataclass(frozen=True)
class Figure:
    """A kind of figure.

    Attributes:
        shows: for --help.
        of_run: draws it once a run; arguments: the run, the folder to write to, and the format.
        of_epoch: draws it for an epoch, which follows the run in the arguments.
    """

    shows: str
    of_run: RunFigure | None = None
    of_epoch: EpochFigure | None = None


FIGURES = {
    "curves": Figure(
        "accuracy and loss over epochs",
        of_run=lambda run, out, plot_format: learning_curves(run.folder, plot_format, out),
    ),
    "timing": Figure(
        "seconds per epoch and phase",
        of_run=lambda run, out, plot_format: [timing(run.folder, plot_format, out)],
    ),
    "hinge-active": Figure(
        "share of samples that trained (objectives that skip samples, such as hinge)",
        of_run=lambda run, out, plot_format: hinge_active(run.folder, plot_format, out),
    ),
    "regression-curve": Figure("values that the network gives, and their targets (tasks of values)", regression_curve),
    "recovery": Figure("accuracy and loss over epochs, with the damage (runs with --damage-...)", recovery),
    "scores": Figure("the score of each sample over epochs, and the levels (tasks such as xor)", scores),
    "vg-by-label": Figure("mean gate voltage and spread of each output's edges over epochs", of_run=vg_by_label),
    "vg-first-last": Figure("histogram of the first and the last gate voltages", of_run=vg_histogram_first_last),
    "confusion": Figure(
        "confusion matrices per epoch: counts, errors, errors on a log scale", of_epoch=confusion_matrices
    ),
    "truth-table": Figure(
        "outputs, score, level and answer of each sample per epoch (tasks such as xor)", of_epoch=truth_table
    ),
    "vg-heatmap": Figure("gate voltages per epoch as images, one per output", of_epoch=vg_heatmap),
    "vg-histogram": Figure("histogram of gate voltages per epoch, with the start", of_epoch=vg_histogram),
    "vg-graph": Figure("the network as a graph per epoch, whole and per output", of_epoch=vg_graph),
}


@dataclass(frozen=True)
class Drawn:
    """One figure: its name, its epoch (None for one of the whole run), its files, or why it is left out.

    Attributes:
        other_kind: it is left out as it is for runs of another kind, which nobody misses who did not ask for it.
    """

    name: str
    epoch: int | None
    files: list[Path]
    left_out: str = ""
    other_kind: bool = False


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
            raise InputError(f"--epochs: no epoch {epoch} in the run; {_have(there, int(epoch))}")
    return sorted({int(epoch) for epoch in wanted})


def _have(there: Sequence[int], wanted: int) -> str:
    """What epochs there are for someone who wants another one."""
    if not there:
        return "it has none yet"
    if there == list(range(there[0], there[-1] + 1)):
        return f"it has {there[0]} to {there[-1]}"
    near = min(there, key=lambda epoch: abs(epoch - wanted))
    return f"it has {len(there)} snapshots from {there[0]} to {there[-1]}, the nearest of which is {near}"


def draw(
    run: RunFiles, names: Sequence[str], epochs: Sequence[int], out: Path, plot_format: str = "png"
) -> Iterator[Drawn]:
    """Draw the named figures one after the other; those that cannot be drawn are returned with the reason."""
    for name in names:
        one = FIGURES[name]
        for epoch in epochs if one.of_epoch else [None]:
            try:
                files: list[Path] = []
                if one.of_run:
                    files = one.of_run(run, out, plot_format)
                elif one.of_epoch and epoch is not None:
                    files = one.of_epoch(run, epoch, out, plot_format)
            except LeftOut as reason:
                yield Drawn(name, epoch, [], str(reason), isinstance(reason, OtherKind))
            else:
                yield Drawn(name, epoch, files)


def count(names: Sequence[str], epochs: Sequence[int]) -> int:
    """How many figures `draw` returns."""
    return sum(len(epochs) if FIGURES[name].of_epoch else 1 for name in names)
