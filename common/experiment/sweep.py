"""What the workers of a sweep call: train some runs, go on with them, or read those that are done."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from common.errors import RunError
from common.experiment.drive import drive
from common.experiment.experiment import Experiment, Start
from common.experiment.plots import draw_plots
from common.runs import load_run
from common.runs.folder import META
from common.runs.result import read_result
from common.runs.run import LOG
from common.runs.spec import RunSpec
from common.sweeps.axes import Axis
from common.sweeps.grid import make_specs, safe
from common.sweeps.sweep import Sweep

Axes = Sequence[Axis]
Train = Callable[[Sequence[Mapping[str, Any]], Sequence[Path]], list[Any]]


def train_of(experiment: Experiment) -> Train:
    """The function of a sweep, for `Sweep(function=..., lists=True)`."""

    def train(configs: Sequence[Mapping[str, Any]], folders: Sequence[Path]) -> list[Any]:
        """Train runs together, each in its folder, from where an earlier start has left it.

        Returns:
            For each the columns of its result, or the exception that ended it.
        """
        found: dict[Path, Any] = {folder: columns for folder in folders if (columns := _done(folder)) is not None}
        waiting = [(config, folder) for config, folder in zip(configs, folders, strict=True) if folder not in found]
        if waiting:
            built = [experiment.options.over(_alone(experiment, config), {}) for config, _ in waiting]
            starts = [Start(folder, (folder / META).exists()) for _, folder in waiting]
            try:
                ended = drive(experiment, built, starts, plots=False)
            finally:
                for start in starts:
                    _print_log(start.folder)
            found |= {folder: _columns(one) for (_, folder), one in zip(waiting, ended, strict=True)}
        return [found[folder] for folder in folders]

    def draw(configs: Sequence[Mapping[str, Any]], folders: Sequence[Path]) -> None:
        """What the worker calls when it has said that the runs are done; see `common.sweeps.worker.Task`."""
        built = [experiment.options.over(_alone(experiment, config), {}) for config in configs]
        draw_plots(experiment, zip(built, folders, strict=True))

    if experiment.plots:
        train.draw_plots = draw  # type: ignore[attr-defined]
    return train


def sweep_of(experiment: Experiment, name: str, axes: Axes, function: str, **changes: Any) -> Sweep:
    """A sweep of an experiment whose runs are named by what varies, e.g. noise0.1_seed2.

    Args:
        experiment: what to train.
        name: of the sweep: its default folder is results/<package>/sweeps/<name>.
        axes: the grid; the last one runs fastest.
        function: "module:name" of what `train_of` gives for the experiment.
        changes: further fields of `common.sweeps.Sweep`.
    """

    def specs(chosen: Axes) -> list[RunSpec]:
        several = [axis.name for axis in chosen if len(axis.values) > 1]

        def name_of(values: Mapping[str, Any]) -> str:
            return "_".join(f"{axis}{safe(values[axis])}" for axis in several) or "run"

        return make_specs(chosen, experiment.config, name_of, [axis.name for axis in chosen])

    about: dict[str, Any] = {
        "prog": f"{experiment.prog}-sweep",
        "package": experiment.package,
        "name": name,
        "description": f"A grid of {experiment.prog}. Start it again to resume: finished runs are skipped.",
        "config": experiment.config,
        "axes": tuple(axes),
        "specs": specs,
        "function": function,
        "lists": True,
        "score": experiment.score,
    }
    return Sweep(**{**about, **changes})


def _alone(experiment: Experiment, config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings on a worker, which has one thread unless they say otherwise, and whose screen nobody sees."""
    marks = experiment.options.marks()
    threads = {"threads": config.get("threads") or 1} if "threads" in marks else {}
    return {**config, **threads, **({"quiet": True} if "quiet" in marks else {})}


def _done(folder: Path) -> dict[str, Any] | None:
    """The columns of a run that is done and whose worker was killed before the sweep heard of it."""
    if not (folder / META).exists():
        return None
    record = load_run(folder)
    result = read_result(record.meta) if record.status == "done" else None
    return None if result is None else result.columns()


def _columns(ended: Any) -> dict[str, Any] | BaseException:
    if ended.failure is not None:
        return ended.failure  # type: ignore[no-any-return]
    if ended.result is None:
        return RunError(f"run folder {ended.folder}: ended without a result")
    columns: dict[str, Any] = ended.result.columns()
    return columns


def _print_log(folder: Path | None) -> None:
    """stdout.txt as the run alone would have printed it: runs side by side share one stream."""
    if folder is not None and (folder / LOG).exists():
        shutil.copyfile(folder / LOG, folder / "stdout.txt")
