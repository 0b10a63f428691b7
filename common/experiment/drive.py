"""From configurations to finished run folders: open the trainer, claim the folders, advance to the end."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.cli import check
from common.errors import RunError
from common.experiment.experiment import Experiment, Start, Trainer
from common.experiment.plots import draw_plots
from common.plugins import digests, loaded
from common.progress import Progress
from common.runs import Run, StopSignals
from common.runs.result import Result


@dataclass(frozen=True)
class Ended:
    """How a run ended.

    Attributes:
        folder: its run folder.
        result: what it ended with.
        failure: why it failed, where it did.
    """

    folder: Path
    result: Result | None = None
    failure: BaseException | None = None


Claim = Callable[[Sequence[Any], Sequence[Start]], Sequence[Path]]


def drive(
    experiment: Experiment,
    configs: Sequence[Any],
    starts: Sequence[Start],
    claim: Claim | None = None,
    *,
    plots: bool = True,
) -> list[Ended]:
    """Train the runs of some configurations together, from their checkpoints where they have begun.

    Args:
        experiment: what to train.
        configs: checked ones.
        starts: where each run goes.
        claim: makes the folders of runs that have not begun; None means the experiment's own way.
        plots: draw the plots of runs that are done, once all are; see `common.experiment.plots`.

    Raises:
        InputError: something cannot be; nothing has been written then.
        RunError: the training cannot go on.
        Interrupted: a signal; the last complete epoch is on disk.
    """
    with experiment.opened(configs, starts) as trainer:
        folders = (claim or _claimed(experiment))(trainer.configs, starts)
        quiet = bool(getattr(configs[0], "quiet", False))
        with running(experiment, trainer, folders, quiet=quiet) as (runs, progress):
            results = _to_the_end(trainer, runs, progress)
        ended = [Ended(run.folder, result, run.failure) for run, result in zip(runs, results, strict=True)]
    if plots:
        done = [pair for pair, one in zip(zip(configs, folders, strict=True), ended, strict=True) if not one.failure]
        draw_plots(experiment, done, None if quiet else progress.echo)
    return ended


@contextlib.contextmanager
def running(
    experiment: Experiment, trainer: Trainer, folders: Sequence[Path], *, quiet: bool
) -> Iterator[tuple[list[Run], Progress]]:
    """The runs of a trainer while it is at work in their folders, and the bar on the screen."""
    with contextlib.ExitStack() as stack:
        signals = stack.enter_context(StopSignals())
        progress = stack.enter_context(Progress(trainer.units, quiet=quiet))
        runs = []
        for config, folder, facts in zip(trainer.configs, folders, trainer.facts(folders), strict=True):
            about = {"package": experiment.package, "job": experiment.job, **facts}
            about |= {"plugins": own, "plugin_digests": digests()} if (own := loaded()) else {}
            recorded = experiment.options.recorded(config)
            run = Run(folder, recorded, signals, echo=progress.echo, quiet=quiet, facts=about)
            runs.append(stack.enter_context(run))
        yield runs, progress


def run_of(experiment: Experiment) -> Callable[..., Path]:
    """The function that trains one configuration and returns its run folder."""

    def run(config: Any, run_dir: str | Path | None = None, *, resume: bool = False) -> Path:
        """Train and return the run folder.

        Args:
            config: the settings.
            run_dir: the folder; None means $RUN_DIR, or a new one at the default place.
            resume: go on with the run in `run_dir`.

        Raises:
            InputError: the settings cannot be; nothing has been written then.
            RunError: the training cannot go on.
            Interrupted: a signal; the last complete epoch is on disk.
        """
        check(config)
        [ended] = drive(experiment, [config], [start_at(run_dir, begun=resume)])
        raise_failures([ended])
        return ended.folder

    return run


def start_at(run_dir: str | Path | None, *, begun: bool = False) -> Start:
    """A start in a folder that is named, in $RUN_DIR, or at the default place."""
    chosen = run_dir or os.environ.get("RUN_DIR")
    return Start(Path(chosen) if chosen else None, begun)


def raise_failures(ended: Sequence[Ended]) -> None:
    """Raise RunError if runs have failed; of several it names the folders."""
    failed = [one for one in ended if one.failure is not None]
    if failed and len(ended) == 1:
        raise RunError(str(failed[0].failure)) from failed[0].failure
    if failed:
        raise RunError("; ".join(f"{one.folder}: {one.failure}" for one in failed))


def _claimed(experiment: Experiment) -> Claim:
    def claim(configs: Sequence[Any], starts: Sequence[Start]) -> list[Path]:
        pairs = zip(configs, starts, strict=True)
        return [
            start.folder if start.begun and start.folder else experiment.folder(config, start.folder)
            for config, start in pairs
        ]

    return claim


def _to_the_end(trainer: Trainer, runs: Sequence[Run], progress: Progress) -> list[Result | None]:
    trainer.begin(runs, progress)
    while trainer.advance():
        for run in runs:
            if run.failure is None:
                run.stop_if_asked()
    results = list(trainer.finish())
    for run, result in zip(runs, results, strict=True):
        if run.failure is None:
            if result is not None:
                run.note(result=result.json())
            run.finish()
    return results
