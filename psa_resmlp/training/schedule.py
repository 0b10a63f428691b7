"""The order of training: which trials train next, how many side by side, and the files after each meta-loop."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event
from typing import Any

import torch
from torch import Tensor

from common.errors import Interrupted
from common.replicas.bank import Bank
from common.replicas.choose import Choice
from common.runs import Run
from common.runs import metrics as metrics_file
from psa_resmlp.model.images import ImageSet
from psa_resmlp.model.network import shapes
from psa_resmlp.study.modes import in_order
from psa_resmlp.training import checkpoint
from psa_resmlp.training.course import Course
from psa_resmlp.training.engine import Engine
from psa_resmlp.training.replica import Loop, Replica
from psa_resmlp.training.stacks import groups, largest_stack, stack_choice, thread_pool

Trained = tuple[Tensor, list[Loop]]
Group = Sequence[Course]


class Schedule:
    """Trials of one architecture and family, meta-loop after meta-loop.

    Args:
        every: the trials, in any modes.
        runs: their runs, to which metrics are written.
        images: training, validation and test images.
        device: where to train.
        threads: number of threads of one step; see `stacks.threads_for`.
        workers: number of groups that train at the same time, on a thread each.
        stack: how many to train side by side; 0: measure.
        kernels: use the CPU kernels where the device is the CPU.

    Attributes:
        courses: the trials, sorted by mode.
        stack: how many train side by side.
        choice: the measurement for that; None where there was nothing to choose.
    """

    def __init__(
        self,
        every: Sequence[Course],
        runs: Sequence[Run],
        images: Sequence[ImageSet],
        device: torch.device | str = "cpu",
        *,
        threads: int = 1,
        workers: int = 1,
        stack: int = 0,
        kernels: bool = True,
    ) -> None:
        order = {mode: place for place, mode in enumerate(in_order(one.replica.mode for one in every))}
        self.courses = sorted(every, key=lambda one: (order[one.replica.mode], one.replica.trial))
        self.train_images, self.val_images, self.test_images = images
        self._runs, self._device, self._workers = runs, torch.device(device), max(1, min(workers, len(every)))
        self._options: dict[str, Any] = {"threads": threads, "kernels": kernels}
        self._engines: dict[tuple[str, ...], Engine] = {}  # by worker and modes
        self._states: dict[Course, Tensor] = {}  # the LKG, or the initial weights
        self._waiting: list[Group] = []
        self._pool: ThreadPoolExecutor | None = None
        first = every[0].replica
        self._one = Bank(shapes(first.architecture, first.config.family), 1)  # one network on the CPU, for files
        self.choice: Choice | None = None
        self.stack = min(stack, len(every)) or self._choose()
        self._begin()

    def advance(self) -> list[tuple[Group, list[Loop]]]:
        """One meta-loop of as many groups as train at the same time; an empty list once all are done.

        Raises:
            RunError: a loss is no longer finite.
            Interrupted: a signal has come; the last complete meta-loop of every trial is on disk.
        """
        if not self._waiting:
            # Trials with fewer meta-loops catch up first: a kill may have come between the files of two trials.
            left = [one for one in self.courses if not one.over]
            behind = min((one.replica.loop for one in left), default=0)
            self._waiting = [*groups([one for one in left if one.replica.loop == behind], self.stack)]
        now, self._waiting = self._waiting[: self._workers], self._waiting[self._workers :]
        return self._meta_loop(now) if now else []

    def test(self) -> dict[Course, int]:
        """How many test images every LKG classifies correctly; trials without an LKG are left out."""
        found: dict[Course, int] = {}
        for group in groups([one for one in self.courses if one.replica.bounty_hits >= 0], self.stack):
            states = torch.stack([self._states[one] for one in group])
            found |= dict(zip(group, self._engine(group).hits(states, self.test_images), strict=True))
        return found

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown()

    def _meta_loop(self, every: Sequence[Group]) -> list[tuple[Group, list[Loop]]]:
        """One meta-loop of some groups at the same time; what was trained is on disk at the end."""
        if self._pool is None:
            self._pool = thread_pool(self._workers, self._options["threads"])
        runs = [self._runs[number] for number in dict.fromkeys(one.run for group in every for one in group)]
        stop = Event()
        beats = [lambda: _beat(runs), *[lambda: _obey(stop)] * (len(every) - 1)]
        calls = [self._prepared(group, worker, beats[worker]) for worker, group in enumerate(every)]
        waiting = [self._pool.submit(call) for call in calls[1:]]
        try:
            done = [calls[0](), *(one.result() for one in waiting)]
        finally:
            stop.set()
            wait(waiting)
        for group, (states, loops) in zip(every, done, strict=True):
            for place, (one, loop) in enumerate(zip(group, loops, strict=True)):
                self._states[one] = states[place]
                one.replica.take(loop)
                # A kill between the two leaves a surplus row; the next start rewrites the rows from the checkpoint.
                self._runs[one.run].metrics(one.replica.row(loop, len(self.val_images)))
                self._save(one)
        return [(group, loops) for group, (_, loops) in zip(every, done, strict=True)]

    def _prepared(self, group: Group, worker: int, beat: Callable[[], None]) -> Callable[[], Trained]:
        states = torch.stack([self._states[one] for one in group])
        engine = self._engine(group, worker)
        return lambda: (states, engine.meta_loop([one.replica for one in group], states, beat))

    def _save(self, one: Course) -> None:
        self._one.values[0].copy_(self._states[one])
        checkpoint.save(one.path, one.replica, self._one.state_dict(0), len(self.val_images))

    def _begin(self) -> None:
        """Load LKGs from checkpoints, draw initial weights where there are none, and write metrics.csv so far."""
        new = [one for one in self.courses if one.stored is None]
        for one in self.courses:
            if one.stored is not None:
                self._one.load_state_dict(0, one.stored.lkg)
                self._states[one] = self._one.values[0].to(self._device, copy=True)
                if not one.stored.known:
                    [hits] = self._engine([one]).hits(self._states[one][None], self.val_images)
                    one.replica.before = (0, hits, 0)
                one.stored = None  # the memory of a network
        for group in groups(new, self.stack):
            states = self._engine(group).initial([one.replica for one in group])
            self._states |= dict(zip(group, states, strict=True))
        for number, run in enumerate(self._runs):
            self._rewrite(run, [one.replica for one in self.courses if one.run == number])

    def _rewrite(self, run: Run, replicas: Sequence[Replica]) -> None:
        rows = [one.row(loop, len(self.val_images)) for one in replicas for loop in one.loops]
        metrics_file.write_rows(run.folder, sorted(rows, key=lambda row: (row["meta_loop"], row["trial"])))

    def _engine(self, group: Group, worker: int = 0) -> Engine:
        """A worker's engine for these trials; groups with the same modes in the same places share one."""
        replicas = [one.replica for one in group]
        key = (str(worker), *(one.mode for one in replicas))
        if key not in self._engines:
            self._engines[key] = Engine(replicas, self.train_images, self.val_images, self._device, **self._options)
        return self._engines[key]

    def _choose(self) -> int:
        """The stack, by measurement, within the memory; 1 where there is nothing to choose."""
        most = max(1, len(self.courses) // self._workers)
        replicas = [one.replica for one in self.courses[:most]]
        if most == 1 or largest_stack(replicas) == 1:
            return 1
        images = self.train_images, self.val_images
        self.choice = stack_choice(replicas, *images, self._device, workers=self._workers, **self._options)
        return self.choice.stack


def _beat(runs: Sequence[Run]) -> None:
    for run in runs:
        run.beat()


def _obey(stop: Event) -> None:
    if stop.is_set():
        raise Interrupted("stopped with the others", signal.SIGINT)
