"""The interface between a sweep and what runs its tasks: submit, collect. Only dask_*.py know Dask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from common.errors import RunError
from common.runs.outcome import Outcome
from common.sweeps.worker import Task


class PoolGone(RunError):
    """The scheduler is gone: nothing can be sent to its workers, and nothing comes from them."""


@dataclass(frozen=True)
class Event:
    """News of a task.

    Attributes:
        kind: start (of the runs in `indices`, on `worker`), end (of the runs in `outcomes`), over (the task has
            returned), lost (its worker has died), or left (its worker had to end, and had said so).
        task: its id.
    """

    kind: str
    task: str
    indices: tuple[int, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    worker: str = ""


@dataclass(frozen=True)
class PoolSize:
    """How many workers there are, and how many wait for a task."""

    workers: int
    idle: int


class Pool(Protocol):
    """Workers, each with one task at a time and none in reserve."""

    def size(self) -> PoolSize:
        """Workers alive and idle."""

    def submit(self, task: Task) -> None:
        """Give a task to an idle worker."""

    def collect(self, timeout_s: float) -> list[Event]:
        """What has happened since the last call; waits for something at most so long.

        Raises:
            PoolGone: the scheduler is gone.
            RunError: the workers cannot run the tasks, or all of them are gone for good.
        """

    def kill(self, task_id: str) -> None:
        """End the worker of a task that hangs; the task is then reported as lost."""

    def stop(self, grace_s: float) -> list[Event]:
        """Halt what runs, wait for it at most so long, and return the last news; a pool that is gone has none."""

    def close(self) -> None:
        """Release the workers; local ones end."""
