"""The state of a study's jobs, and which ones to start."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from psa_resmlp.sagemaker.aws import Account
from psa_resmlp.sagemaker.names import Cell, JobName, attempt, by_cell, job_name, parse_job_name

PAGE = 100  # SageMaker's largest
ACTIVE = ("InProgress", "Stopping")


class State(Enum):
    """The state of a cell; the comments say what psa-sagemaker-run does with it."""

    NEW = "new"  # no job yet: its first job is started
    COMPLETED = "completed"  # nothing
    ACTIVE = "runs"  # nothing
    STOPPED = "stopped"  # by its time limit or by hand: the next attempt goes on from its checkpoint
    FAILED = "failed"  # the next attempt is started only with --retry-failed


@dataclass(frozen=True)
class Progress:
    """A cell, its state, its last job, and the job to start next."""

    cell: Cell
    state: State
    last: JobName | None
    next: JobName


def is_due(one: Progress, retry_failed: bool) -> bool:
    """Whether a job of that cell is to be started."""
    return one.state in (State.NEW, State.STOPPED) or (one.state is State.FAILED and retry_failed)


def statuses(account: Account, part: str, report: Callable[[int], None] = lambda found: None) -> dict[str, str]:
    """SageMaker's status of every job whose name contains `part`: InProgress, Completed, Failed, Stopping, Stopped.

    Args:
        account: whose jobs.
        part: part of the names, e.g. the study's identity.
        report: called with the number of jobs read so far after every page.
    """
    found: dict[str, str] = {}
    pages = account.sagemaker.get_paginator("list_training_jobs")
    for page in pages.paginate(NameContains=part, SortBy="Name", PaginationConfig={"PageSize": PAGE}):
        found |= {one["TrainingJobName"]: one["TrainingJobStatus"] for one in page["TrainingJobSummaries"]}
        report(len(found))
    return found


def progress(cells: Iterable[Cell], study: str, known: Mapping[str, str]) -> list[Progress]:
    """The state of every cell, in the order of `cells`.

    A cell with a completed or an active job is completed or active, whatever other jobs it has, and that job is `last`.
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
