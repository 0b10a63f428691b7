"""Train a network of transistors for a task (`nmos-train`)."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Sequence
from pathlib import Path

from analog_nmos.tasks import TASKS
from analog_nmos.tasks.base import Task
from analog_nmos.training.experiment import trainer_of
from common.cli import Parser, run_command
from common.errors import InputError
from common.experiment import Experiment, main_of, run_of
from common.plugins import add_search_path, recorded_folders
from common.runs import load_run

DESCRIPTION = """\
Train transistors by coupled learning for a task. Every task has its own options and defaults: nmos-train iris --help

example: nmos-train iris 1
         nmos-train --resume results/analog_nmos/latest --epochs 200
"""
OWN = "package.module:Name of your own"
HELP = {"-h", "--help"}


def experiment_of(kind: type[Task]) -> Experiment:
    """The command of a task."""
    text = f"Train transistors by coupled learning: {summary(kind)}.\n\nexample: nmos-train {kind.name()} 1\n"
    return trainer_of(f"nmos-train {kind.name()}", text, kind)


def run(config: Task, run_dir: str | Path | None = None, *, resume: bool = False) -> Path:
    """Train for the task of a configuration and return the run folder; see `common.experiment.run_of`."""
    return run_of(experiment_of(type(config)))(config, run_dir, resume=resume)


def main(argv: Sequence[str] | None = None) -> int:
    """The command `nmos-train`; see DESCRIPTION."""
    words = list(sys.argv[1:] if argv is None else argv)
    words = words[1:] if words[:1] == ["--"] else words  # see `common.experiment.main_of`
    named = bool(words) and not words[0].startswith("-")
    folder = None if named else _folder(words)
    found: list[type[Task]] = []

    def find() -> int:
        found.append(recorded_task(folder) if folder else TASKS.get(words[0]))
        return 0

    return run_command("nmos-train", find) or main_of(experiment_of(found[0]))(words[named:])


def recorded_task(folder: Path) -> type[Task]:
    """The task of the run in a folder; a user's own is sought where it lay when the run began, too.

    Raises:
        InputError: there is no run of a task in it, or the task is gone.
    """
    meta = load_run(folder).meta
    if not isinstance(meta.get("task"), str):
        raise InputError(f"run folder {folder}: was not made by nmos-train")
    add_search_path(recorded_folders(meta.get("plugins") or {}))
    return TASKS.get(meta["task"])


def summary(kind: type[Task]) -> str:
    """What a task is, in a line."""
    return (inspect.getdoc(kind) or kind.__name__).splitlines()[0].rstrip(".")


def _folder(words: Sequence[str]) -> Path:
    """The folder that --resume names; other words without a task are an error."""
    parser = Parser(prog="nmos-train", description=DESCRIPTION, epilog=list_of_tasks() if HELP & set(words) else "")
    parser.usage = "%(prog)s TASK [SEED] [options]"
    parser.add_argument(
        "--resume", type=Path, metavar="DIR", help="go on with the run in this folder, whatever its task"
    )
    folder = parser.parse_known_args(words)[0].resume
    if folder is None:
        parser.error(f"name a task first: {TASKS.allowed}; or a run folder by --resume")
    return Path(folder)


def list_of_tasks() -> str:
    """All tasks, a line each, for --help."""
    return "\n".join(["tasks:", *(f"  {name:15}{summary(TASKS.get(name))}" for name in TASKS), f"  {OWN}"])


if __name__ == "__main__":
    sys.exit(main())
