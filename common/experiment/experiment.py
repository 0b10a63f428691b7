"""What an experiment is: a command with its options, and the trainer behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from common.experiment.options import Options
from common.plugins import load
from common.progress import Progress
from common.runs import Run, new_folder
from common.runs.folder import META
from common.runs.read import read_meta
from common.runs.result import Result


@dataclass(frozen=True)
class Start:
    """Where a run is to go, as far as that is known before it starts.

    Attributes:
        folder: its run folder; None for a new one at the experiment's default place.
        begun: whether a run has begun there, which now goes on.
    """

    folder: Path | None = None
    begun: bool = False

    @property
    def meta(self) -> dict[str, Any]:
        """run_meta.json of a run that has begun; else empty."""
        return read_meta(self.folder) if self.begun and self.folder and (self.folder / META).is_file() else {}


class Trainer(Protocol):
    """One or several runs that advance together, each of which fills a run folder of its own.

    It keeps its loop, its checkpoints and the names of its files; signals, the screen, the status of the runs and their
    results in run_meta.json are the driver's (`common.experiment.drive`).

    Attributes:
        configs: of the runs, as run_meta.json is to record them.
        units: all the work of all runs in units of the progress bar.
    """

    @property
    def configs(self) -> Sequence[Any]:
        """One for each run."""

    @property
    def units(self) -> int:
        """All the work of all runs in units of the progress bar, whatever is done of it already."""

    def facts(self, folders: Sequence[Path]) -> Sequence[Mapping[str, Any]]:
        """More for run_meta.json of each run; the folders are those of the runs."""

    def begin(self, runs: Sequence[Run], progress: Progress) -> None:
        """Restore checkpoints, or write what a new run starts with: from now on the folders are this process's."""

    def advance(self) -> bool:
        """Do the next unit of work, an epoch, and commit it to disk; False if there was none left.

        Raises:
            RunError: the training cannot go on. Where only one of several runs fails, that run is finished with the
                error instead (`Run.finish`), and the others go on.
            Interrupted: from `Run.beat`.
        """

    def finish(self) -> Sequence[Result | None]:
        """Write the last files of every run, and say what it ends with; None for those that have failed."""


@dataclass(frozen=True)
class Experiment:
    """A command that trains.

    Attributes:
        prog: the command, e.g. nmos-dense.
        package, job: stand in run_meta.json and in the default run folder.
        description: shown by --help; with an example, what it gives and how long it takes.
        config: the frozen dataclass of its options; see `common.cli.option`.
        open: "module:name" of a context manager (configs, starts) -> Trainer that loads and checks everything before a
            run folder is touched (InputError). What it does after its `yield` is done when all runs are done on disk.
        estimate: "module:name" of a function (configs, starts) -> Estimate for --dry-run; "" means that two epochs are
            measured, which is for trainings whose epochs are short.
        score: the column of a result that ranks runs, e.g. selected_val_acc.
        plots: "module:name" of a function (folder, config) that draws the plots of a run that is done; "" for none. See
            `common.experiment.plots`.
        plots_command: the command that draws them later, given the folder, e.g. nmos-figures.
        place: makes the folder of a new run from its configuration and the one asked for.
        replicas: None, or for trainers that can take several configurations: what `--replicas FILE` sets by default.
        jobs: further jobs of the package whose runs --resume takes.
        gone: options that folders of earlier versions record and that are none any more.
        own_options: how options become a configuration; None means those of `config`.
    """

    prog: str
    package: str
    job: str
    description: str
    config: type[Any]
    open: str
    score: str
    estimate: str = ""
    plots: str = ""
    plots_command: str = ""
    place: Callable[[Any, Path | None], Path] | None = None
    replicas: Mapping[str, Any] | None = None
    jobs: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    own_options: Options | None = None

    @cached_property
    def options(self) -> Options:
        """How options become a configuration."""
        return self.own_options or Options(self.config)

    def opened(self, configs: Sequence[Any], starts: Sequence[Start]) -> AbstractContextManager[Trainer]:
        """The trainer of these runs."""
        found: AbstractContextManager[Trainer] = load(self.open, "trainer")(configs, starts)
        return found

    def folder(self, config: Any, run_dir: Path | None) -> Path:
        """Make the folder of a new run."""
        if self.place is not None:
            return self.place(config, run_dir)
        return new_folder(self.package, self.job, getattr(config, "seed", None) or 0, run_dir)
