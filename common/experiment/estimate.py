"""--dry-run: what a measured sample says of the whole."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.experiment.drive import running
from common.experiment.experiment import Experiment, Start
from common.plugins import load
from common.probe import clock as clock
from common.probe import seconds_of as seconds_of
from common.probe import seconds_once


@dataclass(frozen=True)
class Estimate:
    """What a run would take.

    Attributes:
        lines: what would be trained, and where.
        seconds: of the whole.
        note: follows the time, e.g. "at most".
        memory_MiB, files_MiB: where they are known.
    """

    lines: tuple[str, ...]
    seconds: float
    note: str = ""
    memory_MiB: float | None = None
    files_MiB: float | None = None

    def describe(self) -> str:
        """The lines, and one with the time."""
        parts = [" ".join(filter(None, [f"about {clock(self.seconds)} (h:mm:ss)", self.note]))]
        sizes = ((self.memory_MiB, "memory"), (self.files_MiB, "files"))
        parts += [
            f"about {MiB:.0f} MiB of {what}" if MiB >= 10 else f"about {MiB:.2g} MiB of {what}"
            for MiB, what in sizes
            if MiB is not None
        ]
        return "\n".join([*self.lines, "; ".join(parts)])


def estimate(experiment: Experiment, configs: Sequence[Any], starts: Sequence[Start]) -> Estimate:
    """The experiment's own estimate, or one from two units of work (epochs) in a temporary folder.

    Raises:
        InputError: something cannot be.
    """
    if experiment.estimate:
        found: Estimate = load(experiment.estimate, "estimate")(configs, starts)
        return found
    with tempfile.TemporaryDirectory(prefix="nonideal-") as place:
        folders = [Path(place, str(number)) for number in range(len(configs))]
        for folder in folders:
            folder.mkdir()
        with (
            experiment.opened(configs, [Start(folder) for folder in folders]) as trainer,
            running(experiment, trainer, folders, quiet=True) as (runs, progress),
        ):
            trainer.begin(runs, progress)
            first_s = seconds_once(trainer.advance)
            before = progress.done  # the first one pays for loading and compiling
            second_s = seconds_once(trainer.advance)
            units = progress.done - before
            each_s = second_s / units if units else first_s / max(before, 1)
        files_MiB = sum(file.stat().st_size for file in Path(place).rglob("*") if file.is_file()) / 2**20
    lines = (f"{experiment.prog}: {len(configs)} run(s), {1e3 * each_s:.3g} ms for each of {trainer.units} units",)
    return Estimate(lines, first_s + each_s * trainer.units, files_MiB=files_MiB)
