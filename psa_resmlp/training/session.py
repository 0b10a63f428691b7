"""Train many trials to their last meta-loops: who goes side by side, what is written when."""

from __future__ import annotations

import itertools
import math
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import torch
from torch import Tensor

from common.errors import InputError, Interrupted
from common.replicas.bank import Bank
from common.replicas.choose import Choice, choose_stack
from common.replicas.loss import CrossEntropy
from common.runs import Run
from common.runs import metrics as metrics_file
from psa_resmlp.model.images import ImageSet
from psa_resmlp.model.network import shapes
from psa_resmlp.study.architectures import Architecture
from psa_resmlp.study.modes import in_order
from psa_resmlp.training import checkpoint
from psa_resmlp.training.config import TrainConfig
from psa_resmlp.training.engine import Engine
from psa_resmlp.training.replica import Loop, Replica
from psa_resmlp.training.restore import load

MEMORY_MiB = 1024
STACKS = (1, 2, 4, 8, 16, 32, 64)
WIDE = 256
STEPS_AT_ONCE = 4
Trained = tuple[Tensor, list[Loop]]
Told = Callable[[Sequence["Lane"], Sequence[Loop]], None]


@dataclass(eq=False)
class Lane:
    """A trial on its way.

    Attributes:
        replica: the trial.
        path: its checkpoint.
        run: the run folder that takes its metrics; several lanes may share one.
        last: the meta-loop after which it ends; set when it is known where the checkpoint stands.
    """

    replica: Replica
    path: Path
    run: Run
    last: int = 0

    @property
    def over(self) -> bool:
        """Whether it is there."""
        return self.replica.loop >= self.last


class Session:
    """Lanes of one architecture and family.

    Args:
        lanes: in any modes.
        images: training, validation and test images.
        device: where.
        threads: that one step may use; see `threads_for`.
        workers: groups that train at the same time, on a thread each.
        stack: how many to train side by side; 0: measure.
        kernels: use the CPU kernels where the device is the CPU.
    """

    def __init__(
        self,
        lanes: Sequence[Lane],
        images: Sequence[ImageSet],
        device: torch.device | str = "cpu",
        *,
        threads: int = 1,
        workers: int = 1,
        stack: int = 0,
        kernels: bool = True,
    ) -> None:
        self._workers = max(1, min(workers, len(lanes)))
        order = {mode: place for place, mode in enumerate(in_order(lane.replica.mode for lane in lanes))}
        self.lanes = sorted(lanes, key=lambda lane: (order[lane.replica.mode], lane.replica.trial))
        self.train_images, self.val_images, self.test_images = images
        self._device, self._threads, self._kernels = torch.device(device), threads, kernels
        self._engines: dict[tuple[str, ...], Engine] = {}  # by worker and modes
        self._states: dict[Lane, Tensor] = {}
        first = lanes[0].replica
        self._one = Bank(shapes(first.architecture, first.config.family), 1)  # one network on the CPU, for files
        self.choice: Choice | None = None
        self.stack = min(stack, len(lanes)) or self._choose()
        self._begin()

    def train(self, told: Told = lambda lanes, loops: None) -> None:
        """Train until every lane is over; `told` gets the lanes and meta-loops of every group.

        Raises:
            RunError: a loss is no longer finite.
            Interrupted: a signal has come; everything up to the last whole meta-loop is on disk.
        """
        with thread_pool(self._workers, self._threads) as pool:
            while waiting := [lane for lane in self.lanes if not lane.over]:
                # Those behind catch up first: a kill may have come between the files of two of them.
                behind = min(lane.replica.loop for lane in waiting)
                every = groups([lane for lane in waiting if lane.replica.loop == behind], self.stack)
                for first in range(0, len(every), self._workers):
                    self._meta_loop(pool, every[first : first + self._workers], told)

    def test(self) -> dict[Lane, float]:
        """Test accuracy of every LKG, in percent; lanes without one are left out."""
        found: dict[Lane, float] = {}
        for group in groups([lane for lane in self.lanes if lane.replica.bounty_hits >= 0], self.stack):
            states = torch.stack([self._states[lane] for lane in group])
            found |= dict(zip(group, self._engine(group).accuracy_of(states, self.test_images), strict=True))
        return found

    def _meta_loop(self, pool: ThreadPoolExecutor, every: Sequence[Sequence[Lane]], told: Told) -> None:
        """One meta-loop of some groups at the same time; what was trained is on disk at the end."""
        runs = list(dict.fromkeys(lane.run for group in every for lane in group))
        stop = Event()
        beats = [lambda: _beat(runs), *[lambda: _obey(stop)] * (len(every) - 1)]
        calls = [self._prepared(group, worker, beats[worker]) for worker, group in enumerate(every)]
        waiting = [pool.submit(call) for call in calls[1:]]
        try:
            done = [calls[0](), *(one.result() for one in waiting)]
        finally:
            stop.set()
            wait(waiting)
        for group, (states, loops) in zip(every, done, strict=True):
            for place, (lane, loop) in enumerate(zip(group, loops, strict=True)):
                self._states[lane] = states[place]
                lane.replica.take(loop)
                # A kill between the two leaves a row too many; the next start writes the rows again from the file.
                lane.run.metrics(lane.replica.row(loop, len(self.val_images)))
                self._save(lane)
            told(group, loops)
        for run in runs:
            run.stop_if_asked()

    def _prepared(self, group: Sequence[Lane], worker: int, beat: Callable[[], None]) -> Callable[[], Trained]:
        states = torch.stack([self._states[lane] for lane in group])
        engine = self._engine(group, worker)
        return lambda: (states, engine.meta_loop([lane.replica for lane in group], states, beat))

    def _save(self, lane: Lane) -> None:
        self._one.values[0].copy_(self._states[lane])
        checkpoint.save(lane.path, lane.replica, self._one.state_dict(0), len(self.val_images))

    def _begin(self) -> None:
        """LKGs from checkpoints, initial weights where there are none, and metrics.csv up to there."""
        fresh = []
        for lane in self.lanes:
            stored = load(lane.path, lane.replica)
            if stored is None:
                fresh.append(lane)
                continue
            self._one.load_state_dict(0, stored.lkg)
            self._states[lane] = self._one.values[0].to(self._device, copy=True)
            if not stored.known:
                accuracy = self._engine([lane]).accuracy_of(self._states[lane][None], self.val_images)[0]
                lane.replica.before = (0, round(accuracy / 100 * len(self.val_images)), 0)
        for group in groups(fresh, self.stack):
            states = self._engine(group).initial([lane.replica for lane in group])
            self._states |= dict(zip(group, states, strict=True))
        for run in dict.fromkeys(lane.run for lane in self.lanes):
            self._rewrite(run)

    def _rewrite(self, run: Run) -> None:
        lanes = [lane for lane in self.lanes if lane.run is run]
        rows = [lane.replica.row(loop, len(self.val_images)) for lane in lanes for loop in lane.replica.loops]
        metrics_file.write_rows(run.folder, sorted(rows, key=lambda row: (row["meta_loop"], row["trial"])))

    def _engine(self, group: Sequence[Lane], worker: int = 0) -> Engine:
        """A worker's engine for these lanes; groups with the same modes in the same places share one."""
        replicas = [lane.replica for lane in group]
        key = (str(worker), *(replica.mode for replica in replicas))
        if key not in self._engines:
            self._engines[key] = self._make(replicas)
        return self._engines[key]

    def _make(self, replicas: Sequence[Replica]) -> Engine:
        options: dict[str, Any] = {"threads": self._threads, "kernels": self._kernels}
        return Engine(replicas, self.train_images, self.val_images, self._device, **options)

    def _choose(self) -> int:
        """By measurement, among what the memory allows; alone where there is nothing to choose."""
        replicas = [lane.replica for lane in self.lanes]
        most = max(1, len(replicas) // self._workers)
        if most == 1 or largest_stack(replicas[:most]) == 1:
            return 1
        options: dict[str, Any] = {"threads": self._threads, "kernels": self._kernels}
        images = self.train_images, self.val_images
        self.choice = stack_choice(replicas[:most], *images, self._device, workers=self._workers, **options)
        return self.choice.stack


def largest_stack(replicas: Sequence[Replica]) -> int:
    """How many of these trials the memory allows side by side."""
    config = replicas[0].config
    return max(
        1, min(len(replicas), int(MEMORY_MiB / replica_MiB(replicas[0].architecture, config.family, config.batch_size)))
    )


def check_size(config: TrainConfig) -> None:
    """Raise InputError for networks that the memory of this machine cannot hold, before any is taken."""
    architecture = config.architecture
    needed_GiB = replica_MiB(architecture, config.family, 1) / 1024
    there_GiB = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    if needed_GiB > there_GiB:
        raise InputError(
            f"architecture {architecture} has {architecture.parameters(config.family):,} parameters and needs "
            f"{needed_GiB:.3g} GiB to train; this machine has {there_GiB:.3g} GiB"
        )


def stack_choice(
    replicas: Sequence[Replica],
    train: ImageSet,
    val: ImageSet,
    device: torch.device,
    *,
    workers: int = 1,
    **options: Any,
) -> Choice:
    """How many of these trials to train side by side, by steps on the first images.

    With several workers they step at the same time, as they will: short calls of two threads wait for the interpreter's
    lock, larger stacks much less. The seconds of the answer are those of all workers' steps then.
    """
    most = largest_stack(replicas)

    def stepper(size: int) -> Callable[[], None]:
        engine = Engine(replicas[:size], train, val, device, **options)
        score = CrossEntropy(size, device, kernels=options.get("kernels", True))
        batch = min(replicas[0].config.batch_size, len(train))
        index = torch.arange(batch, device=device).expand(size, -1).contiguous()
        return lambda: engine.step(index, score)

    def finish() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    sizes = sorted({size for size in STACKS if size < most} | {most})
    if workers == 1:
        return choose_stack(stepper, sizes, finish=finish, budget_s=0.2)
    with thread_pool(workers, int(options.get("threads", 1))) as pool:

        def several(size: int) -> Callable[[], None]:
            steppers = [stepper(size) for _ in range(workers)]
            return lambda: wait_for([pool.submit(_repeat, step, STEPS_AT_ONCE) for step in steppers])

        return choose_stack(several, sizes, finish=finish, budget_s=0.2)


def thread_pool(workers: int, threads: int) -> ThreadPoolExecutor:
    """Threads whose products use `threads` threads each: torch keeps that number by thread."""
    return ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(threads,))


def wait_for(futures: Sequence[Future[Any]]) -> None:
    """Wait until all are done; raise what one has raised."""
    for future in futures:
        future.result()


def _repeat(step: Callable[[], None], times: int) -> None:
    for _ in range(times):
        step()


def _beat(runs: Sequence[Run]) -> None:
    for run in runs:
        run.beat()


def _obey(stop: Event) -> None:
    if stop.is_set():
        raise Interrupted("stopped with the others", signal.SIGINT)


def threads_for(architecture: Architecture, threads: int) -> tuple[int, int]:
    """How many threads a step uses, and how many groups train at the same time, where `threads` are free.

    Products of narrow layers are too short to be shared out; there each thread trains networks of its own. The answer
    depends on the architecture and not on the number of trials, so that a trial has the same numbers alone.
    """
    return (threads, 1) if architecture.width >= WIDE else (1, threads)


def groups(lanes: Sequence[Lane], stack: int) -> list[list[Lane]]:
    """Neighbours in groups of at most `stack`, as equal as possible."""
    count = math.ceil(len(lanes) / stack)
    edges = [len(lanes) * place // max(count, 1) for place in range(count + 1)]
    return [list(lanes[first:last]) for first, last in itertools.pairwise(edges)]


def replica_MiB(architecture: Architecture, family: str, batch: int) -> float:
    """Memory that one replica of a stack takes in training: parameters four times, signals, the images."""
    signals = sum(outputs for _, outputs in architecture.linears(family)) + 784
    return 4 * (4 * architecture.parameters(family) + batch * signals) / 2**20
