"""The runs that wait, and how many of them go to a worker together."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable

from common.runs.spec import RunSpec

TASK_S, LARGEST = 5.0, 64


class Waiting:
    """Runs in their order; `take` gives the next group.

    Args:
        specs: the runs.
        replicas: at least so many runs with the same group word go side by side, while all workers have some.
    """

    def __init__(self, specs: Iterable[RunSpec], replicas: int = 1) -> None:
        self._queue = deque(specs)
        self._alone: deque[RunSpec] = deque()
        self._replicas = replicas
        self._seconds = 0.0
        self._ended = 0

    def __len__(self) -> int:
        return len(self._queue) + len(self._alone)

    @property
    def run_s(self) -> float | None:
        """Mean seconds of a run so far; None before the first has ended."""
        return self._seconds / self._ended if self._ended else None

    def measured(self, seconds: float) -> None:
        """A run has taken so long."""
        self._seconds += seconds
        self._ended += 1

    def back(self, specs: Iterable[RunSpec], *, alone: bool) -> None:
        """These runs wait again, before all others; `alone` keeps each from travelling with others."""
        (self._alone if alone else self._queue).extendleft(reversed(list(specs)))

    def take(self, workers: int) -> tuple[RunSpec, ...]:
        """The next group; several runs only where a task would else last less than some seconds, or as `replicas`.

        Towards the end groups shrink, so that no worker waits for another.
        """
        if self._alone:
            return (self._alone.popleft(),)
        first = self._queue.popleft()
        size = min(self._size(first), math.ceil((1 + len(self._queue)) / max(workers, 1)))
        chosen, rest = [first], list[RunSpec]()
        while self._queue and len(chosen) < size:
            spec = self._queue.popleft()
            (chosen if spec.group == first.group else rest).append(spec)
        self._queue.extendleft(reversed(rest))
        return tuple(chosen)

    def _size(self, spec: RunSpec) -> int:
        least = self._replicas if spec.group else 1
        if self.run_s is None:
            return least
        return max(least, min(LARGEST, math.ceil(TASK_S / max(self.run_s, 1e-3))))
