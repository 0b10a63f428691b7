"""What a sweep is: a published grid of one experiment as one object."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common.runs.spec import RunSpec
from common.sweeps.axes import Axis
from common.sweeps.listener import Listener

Short = Callable[[Mapping[str, Any], int], tuple[dict[str, Any], float]]


def fewer_epochs(config: Mapping[str, Any], epochs: int) -> tuple[dict[str, Any], float]:
    """The same run with so many epochs, and how many of its epochs are worth one of the whole run's."""
    return {**config, "epochs": epochs}, 1.0


def by_group(spec: RunSpec) -> str:
    """Runs of one group take equally long."""
    return spec.group


@dataclass(frozen=True)
class Definition:
    """A published grid of one experiment.

    Attributes:
        prog: the command.
        package, name: the default folder is results/<package>/sweeps/<name>.
        description: shown by --help.
        config: the dataclass of the experiment's options.
        axes: the grid; the last one runs fastest. Options with a single value stand here too.
        specs: makes the runs, given the axes with their chosen values; see `common.sweeps.grid.make_specs`.
        function, lists: see `common.sweeps.worker.Task`.
        workers: how many at most, where the user does not say.
        replicas: runs that go side by side because that is faster; see `common.sweeps.groups.Waiting`.
        score: the number that ranks runs where their results do not say so themselves.
        short: a short version of a run, for the estimate of --dry-run.
        kind: runs with the same word here take about equally long; the estimate measures one of each kind.
        estimate: makes the lines of --dry-run itself, given the runs to do and the number of workers; None means the
            engine's estimate.
        listener: makes the callbacks of a start, given the sweep's folder.
        grids: folder with the files that --grid takes by their names.
    """

    prog: str
    package: str
    name: str
    description: str
    config: type[Any]
    axes: tuple[Axis, ...]
    specs: Callable[[Sequence[Axis]], list[RunSpec]]
    function: str
    lists: bool = False
    workers: int = 10
    replicas: int = 1
    score: str = "selected_val_acc"
    short: Short = field(default=fewer_epochs)
    kind: Callable[[RunSpec], str] = field(default=by_group)
    estimate: Callable[[Sequence[RunSpec], int], str] | None = None
    listener: Callable[[Path], Listener] | None = None
    grids: Path | None = None

    def shipped_grids(self) -> dict[str, Path]:
        """The files in `grids`, by the names that --grid takes."""
        files = self.grids.glob("*.toml") if self.grids else ()
        return {path.stem: path for path in sorted(files)}
