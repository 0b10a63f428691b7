"""Runs of one architecture that advance side by side, each with its own run folder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.devices import set_threads
from common.errors import InputError, RunError
from common.experiment import Result, Start
from common.guessing import guessing_line
from common.progress import Progress
from common.runs import Run
from common.runs.metrics import keep_rows
from corruption_study import checkpoint
from corruption_study.config import TrainConfig
from corruption_study.data import check_images
from corruption_study.device import get_device
from corruption_study.trainer import Stack, results_of, stack_key


@contextlib.contextmanager
def open_runs(configs: Sequence[TrainConfig], starts: Sequence[Start]) -> Iterator[Runs]:
    """The trainer of runs that differ only in p and seed; their checkpoints are deleted when all of them are done.

    Raises:
        InputError: they differ in more, there are no images, or there is no CUDA device.
    """
    keys = [vars(stack_key(config)) for config in configs]
    for name, value in keys[0].items():
        if any(key[name] != value for key in keys):
            raise InputError(f"runs side by side differ in {name}, allowed: p and seed")
    get_device(configs[0].use_cuda)
    check_images(configs[0])
    runs = Runs(configs)
    yield runs
    for folder in runs.folders:
        checkpoint.remove(folder)


@dataclass
class _Part:
    """Runs that train as one stack, from an epoch that all of them have reached."""

    epoch: int
    members: Sequence[int]
    paths: Sequence[Path]


class Runs:
    """See `common.experiment.Trainer`.

    Runs whose checkpoints are of different epochs (they were in different stacks) are trained in several stacks, one
    after the other.
    """

    def __init__(self, configs: Sequence[TrainConfig]) -> None:
        self.configs, self.folders = list(configs), list[Path]()
        self.epochs = configs[0].epochs
        self.units = self.epochs * len(configs)
        self._results: list[Result | None] = [None] * len(configs)
        self._parts: list[_Part] = []
        self._stack: Stack | None = None

    def facts(self, folders: Sequence[Path]) -> Sequence[Mapping[str, Any]]:
        """Nothing more for run_meta.json."""
        return [{} for _ in folders]

    def begin(self, runs: Sequence[Run], progress: Progress) -> None:
        """Find the checkpoints."""
        self._runs, self._progress = runs, progress
        self.folders = [run.folder for run in runs]
        if not self.configs[0].use_cuda:
            set_threads(self.configs[0].cpu_threads)
        found = {r: checkpoint.readable(run.folder, run.log) for r, run in enumerate(runs)}
        for epoch, members in checkpoint.together(found):
            self._parts.append(_Part(epoch, members, [found[r][epoch] for r in members] if epoch else []))
            progress.skip(epoch * len(members))

    def advance(self) -> bool:
        """Train the current stack for an epoch; a stack after its last epoch is tested, and the next one begins."""
        while self._parts:
            part = self._parts[0]
            stack = self._stack = self._stack or self._begun(part)
            if stack.epoch < self.epochs and len(stack.broken) < len(part.members):
                self._epoch(part, stack)
                return True
            self._end(part, stack)
            self._stack = None
            del self._parts[0]
        return False

    def finish(self) -> Sequence[Result | None]:
        """The results of the runs."""
        return self._results

    def _begun(self, part: _Part) -> Stack:
        stack = Stack([self.configs[r] for r in part.members])
        if part.paths:
            checkpoint.restore(stack, part.paths)
        for r in part.members:
            keep_rows(self.folders[r], stack.epoch)
        return stack

    def _epoch(self, part: _Part, stack: Stack) -> None:
        runs = [self._runs[r] for r in part.members]

        def beat() -> None:
            for run in runs:
                run.beat()

        stack.train_epoch(beat)
        for r, run in enumerate(runs):
            loss, accuracy = stack.losses[r], stack.accuracies[r]
            run.metrics({"epoch": stack.epoch, "train_loss": loss, "train_accuracy": accuracy})
            if stack.epoch == 1 and (line := guessing_line(1, loss)):
                run.log(line)
        checkpoint.save(stack, [run.folder for run in runs])
        self._progress.advance(len(runs))
        self._progress.describe(f"epoch {stack.epoch}, training loss {stack.losses[0]:.4f}")

    def _end(self, part: _Part, stack: Stack) -> None:
        for r, result in zip(part.members, results_of(stack), strict=True):
            run = self._runs[r]
            if isinstance(result, RunError):
                run.finish(result)
                continue
            self._results[r] = result
            run.log(f"test accuracy {result.final['test_acc']:.4f}, final loss {result.final['train_loss']:.4f}")
