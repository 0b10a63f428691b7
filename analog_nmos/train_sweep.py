"""Train for a task over a grid of its options (`nmos-train-sweep`)."""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from analog_nmos import sweep
from analog_nmos.backends import BACKENDS
from analog_nmos.digits.options import DigitsOptions
from analog_nmos.tasks import TASKS
from analog_nmos.tasks.base import Task
from analog_nmos.train import HELP, experiment_of, list_of_tasks, summary
from analog_nmos.training.snapshots import snapshot_step
from common.cli import Parser, build, run_command
from common.errors import InputError
from common.experiment import sweep_of, train_of
from common.runs.spec import RunSpec
from common.sweeps.axes import Axis
from common.sweeps.folder import search_own_modules
from common.sweeps.sweep import Sweep

PROG = "nmos-train-sweep"
DESCRIPTION = """\
Train for a task over a grid: any option of the task may have several values. Start it again to resume: finished runs
are skipped. A task's own help (nmos-train-sweep xor --help) shows what it has.

example: nmos-train-sweep xor --seed 100-179 --gamma 10 --delta 0.05,0.5 --epochs 5000 --sweep-dir results/xor
         nmos-train-sweep iris --dry-run
"""
OF_TASK = """\
Train over a grid: {summary}. Start it again to resume: finished runs are skipped.

example: nmos-train-sweep {name} --seed 0-79 --delta 0.05,0.5
         nmos-train-sweep {name} --dry-run
"""
SEEDS = tuple(range(10))
GRIDS = Path(__file__).parent / "grids"  # a folder for each task that has some
OF_A_RUN = 100  # a short run for --dry-run has this share of the epochs of a long one, so that it has snapshots too


def main(argv: Sequence[str] | None = None) -> int:
    """The command `nmos-train-sweep`; see DESCRIPTION."""
    words = list(sys.argv[1:] if argv is None else argv)
    words = words[1:] if words[:1] == ["--"] else words  # see `common.experiment.main_of`
    found: list[type[Task]] = []

    def find() -> int:
        found.append(_task(words))
        return 0

    return run_command(PROG, find) or sweep_of_task(found[0]).main(words[1:])


def sweep_of_task(kind: type[Task]) -> Sweep:
    """The sweep of a task: ten seeds with its defaults, unless the user says more."""
    grid = sweep_of(
        experiment_of(kind),
        kind.job,
        (Axis("seed", SEEDS),),
        "analog_nmos.train_sweep:train",
        prog=f"{PROG} {kind.name()}",
        description=OF_TASK.format(summary=summary(kind), name=kind.name()),
        replicas=sweep.REPLICAS,
        short=functools.partial(short, kind),
        grids=GRIDS / kind.name(),
    )

    def specs(axes: Sequence[Axis]) -> list[RunSpec]:
        return [_of_task(kind, spec) for spec in grid.specs(axes)]

    return replace(grid, specs=specs)


def train(configs: Sequence[Mapping[str, Any]], folders: Sequence[Path]) -> list[Any]:
    """Train networks, or go on with them; returns the columns of their results. Workers call this."""
    return train_of(experiment_of(TASKS.get(configs[0]["task"])))(_options(configs), folders)


def draw_plots(configs: Sequence[Mapping[str, Any]], folders: Sequence[Path]) -> None:
    """Draw the plots of runs that are done; see `common.sweeps.worker.Task`."""
    work = train_of(experiment_of(TASKS.get(configs[0]["task"])))
    work.draw_plots(_options(configs), folders)  # type: ignore[attr-defined]


train.draw_plots = draw_plots  # type: ignore[attr-defined]


def short(kind: type[Task], config: Mapping[str, Any], epochs: int) -> tuple[dict[str, Any], float]:
    """A short run for --dry-run to time; see `common.sweeps.definition.Definition`.

    Of a long run, whose epochs take less time than their files would, it has a hundredth, with its snapshots as far
    apart.
    """
    whole = build(kind, *_options([config]))
    if issubclass(kind, DigitsOptions) and BACKENDS.get(whole.backend).takes_minutes:
        return sweep.short(config, epochs)
    step = snapshot_step(whole)
    unit = max(1, min(step, whole.epochs // OF_A_RUN))
    return {**config, "epochs": unit * epochs, "snapshot_every": step}, 1.0


def _of_task(kind: type[Task], spec: RunSpec) -> RunSpec:
    """A run that says of what task it is, and with which others it may train side by side."""
    group = sweep.group_of(build(kind, dict(spec.config)))
    return replace(spec, config={"task": kind.name(), **spec.config}, group=group)


def _options(configs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The options of the task alone."""
    return [{name: value for name, value in config.items() if name != "task"} for config in configs]


def _task(words: Sequence[str]) -> type[Task]:
    """The task that the first word names; a user's own is sought where it lay when the sweep began, too."""
    if not words or words[0].startswith("-"):
        parser = Parser(prog=PROG, description=DESCRIPTION, epilog=list_of_tasks() if HELP & set(words) else "")
        parser.usage = "%(prog)s TASK [options]"
        parser.parse_known_args(words)
        raise InputError(f"name a task first: {TASKS.allowed}")
    parser = Parser(prog=PROG, add_help=False)
    parser.add_argument("--sweep-dir", type=Path)
    folder = parser.parse_known_args(words[1:])[0].sweep_dir
    if folder:
        search_own_modules(folder)
    return TASKS.get(words[0])


if __name__ == "__main__":
    sys.exit(main())
