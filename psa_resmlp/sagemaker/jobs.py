"""What became of the jobs of a study, and which ones a start may start."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from psa_resmlp.sagemaker.aws import Account
from psa_resmlp.sagemaker.names import Cell, JobName, attempt, by_cell, job_name, parse_job_name

PAGE = 100  # SageMaker's largest
ACTIVE = ("InProgress", "Stopping")


class State(Enum):
    """Where a cell stands; what a start does about it."""

    NEW = "new"  # no job yet: starts
    COMPLETED = "completed"  # stays as it is
    ACTIVE = "runs"  # stays as it is
    STOPPED = "stopped"  # by its time limit or by hand: the next attempt goes on from its checkpoint
    FAILED = "failed"  # the next attempt starts with --retry-failed


@dataclass(frozen=True)
class Progress:
    """A cell, where it stands, its last job, and the job that a start would start."""

    cell: Cell
    state: State
    last: JobName | None
    next: JobName


def is_due(one: Progress, retry_failed: bool) -> bool:
    """Whether a start starts a job of that cell."""
    return one.state in (State.NEW, State.STOPPED) or (one.state is State.FAILED and retry_failed)


def statuses(account: Account, part: str, report: Callable[[int], None] = lambda found: None) -> dict[str, str]:
    """SageMaker's status of every job whose name has `part` in it: InProgress, Completed, Failed, Stopping, Stopped.

    Args:
        account: whose jobs.
        part: of the names, such as the study's identity.
        report: gets how many were read after every page.
    """
    found: dict[str, str] = {}
    pages = account.sagemaker.get_paginator("list_training_jobs")
    for page in pages.paginate(NameContains=part, SortBy="Name", PaginationConfig={"PageSize": PAGE}):
        found |= {one["TrainingJobName"]: one["TrainingJobStatus"] for one in page["TrainingJobSummaries"]}
        report(len(found))
    return found


def progress(cells: Iterable[Cell], study: str, known: Mapping[str, str]) -> list[Progress]:
    """Where every cell stands, in the order of `cells`.

    A cell with a completed or an active job is over or at work, whatever other jobs it has: that one is its last.
    """
    names = (parse_job_name(name) for name in known)
    jobs = by_cell(name for name in names if name is not None and name.study == study)
    return [_progress(cell, study, jobs.get(cell, []), known) for cell in cells]


def _progress(cell: Cell, study: str, jobs: Sequence[JobName], known: Mapping[str, str]) -> Progress:
    if not jobs:
        return Progress(cell, State.NEW, None, job_name(cell, study, 1))
    following = job_name(cell, study, attempt(jobs[-1]) + 1)
    for wanted, state in ((("Completed",), State.COMPLETED), (ACTIVE, State.ACTIVE)):
        for name in reversed(jobs):
            if known[name.text] in wanted:
                return Progress(cell, state, name, following)
    state = State.STOPPED if known[jobs[-1].text] == "Stopped" else State.FAILED
    return Progress(cell, state, jobs[-1], following)
