"""Names of jobs: which architecture and mode a job trains, for which study, and which attempt it is.

Ours are `psa-<shape>-<mode>-<study>-<attempt>`, e.g. psa-18x18-hidden-3f0c2a91-01. SageMaker never accepts a name
twice, so two launchers cannot start the same attempt. The published program's names end in the time of their start:
psa-18x18-hidden-2025-08-04-19-53-35-910.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from common.errors import InputError
from psa_resmlp.study.architectures import Architecture, parse
from psa_resmlp.study.modes import MODE_NAMES

PREFIX = "psa-"
LONGEST = 63
_STACK = r"[1-9]\d{0,4}x[1-9]\d{0,4}"
_SHAPE = rf"{_STACK}(?:-{_STACK})*"
_MODES = "|".join(MODE_NAMES)
_OURS = re.compile(rf"psa-({_SHAPE})-({_MODES})-([0-9a-f]{{8}})-(\d{{2,4}})")
_PUBLISHED = re.compile(rf"psa-({_SHAPE})-({_MODES})-(\d{{4}}(?:-\d{{2}}){{5}}-\d{{3}})")


@dataclass(frozen=True)
class Cell:
    """What one job trains: all trials of an architecture in a mode."""

    architecture: Architecture
    mode: str

    @property
    def folder(self) -> str:
        """Its name in names of folders: 18x18_hidden."""
        return f"{self.architecture.folder}_{self.mode}"


@dataclass(frozen=True)
class JobName:
    """A job's name and its parts.

    Attributes:
        text: the name.
        cell: architecture and mode.
        study: identity of the study; "" for jobs of the published program.
        order: sorts the jobs of a cell by their start: attempt or time.
    """

    text: str
    cell: Cell
    study: str
    order: str


def job_name(cell: Cell, study: str, attempt: int) -> JobName:
    """The name of an attempt (1, 2, ...) at a cell of a study.

    Raises:
        InputError: it would be longer than SageMaker allows.
    """
    text = f"{PREFIX}{cell.architecture.folder}-{cell.mode}-{study}-{attempt:02d}"
    if len(text) > LONGEST:
        raise InputError(
            f"architecture {cell.architecture} makes the job name {text}, which has {len(text)} characters; "
            f"SageMaker allows {LONGEST}, enough for about six stacks"
        )
    return JobName(text, cell, study, f"{attempt:04d}")


def parse_job_name(text: str) -> JobName | None:
    """A name taken apart; None if it is neither ours nor the published program's."""
    if found := _OURS.fullmatch(text):
        shape, mode, study, attempt = found.groups()
        return JobName(text, _cell(shape, mode), study, f"{int(attempt):04d}")
    if found := _PUBLISHED.fullmatch(text):
        shape, mode, stamp = found.groups()
        return JobName(text, _cell(shape, mode), "", stamp)
    return None


def by_cell(names: Iterable[JobName]) -> dict[Cell, list[JobName]]:
    """The jobs of every cell, in the order in which they were started."""
    found: dict[Cell, list[JobName]] = {}
    for name in sorted(names, key=lambda name: (name.cell.folder, name.order)):
        found.setdefault(name.cell, []).append(name)
    return found


def attempt(name: JobName) -> int:
    """The number of the attempt in one of our names."""
    return int(name.order)


def _cell(shape: str, mode: str) -> Cell:
    return Cell(parse(shape.replace("-", ",")), mode)
