"""A trainer as one object: its command, its options, its objective, and which edges stay after an epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from analog_nmos.objectives.base import Objective
from analog_nmos.training.config import TrainerConfig
from analog_nmos.training.replica import Prune

Config = TypeVar("Config", bound=TrainerConfig)


@dataclass(frozen=True)
class Rule(Generic[Config]):
    """What distinguishes one trainer from another.

    Attributes:
        prog: the command, e.g. nmos-dense.
        job: stands in the names of run folders.
        description: shown by --help, with an example.
        config: the dataclass of its options.
        objective: see `analog_nmos.objectives.base.Objective`.
        prune: see `analog_nmos.training.replica.Prune`; None keeps all edges.
    """

    prog: str
    job: str
    description: str
    config: type[Config]
    objective: type[Objective]
    prune: Prune | None = None

    def run(self, config: Config, run_dir: str | Path | None = None, *, resume: bool = False) -> Path:
        """Train one network and return its run folder.

        Args:
            config: its settings.
            run_dir: the folder; None means $RUN_DIR or a new one below results/.
            resume: go on with the run in `run_dir`.

        Raises:
            InputError: the settings cannot be; nothing has been written then.
            RunError: too many operating points failed.
            Interrupted: a signal; the last complete epoch is on disk.
        """
        from analog_nmos.training.trainer import run_replicas

        return run_replicas(self, [config], [run_dir], resume=resume)[0]

    def main(self, argv: Sequence[str] | None = None) -> int:
        """The command; returns its exit code."""
        from analog_nmos.training.command import train_command

        return train_command(self, argv)
