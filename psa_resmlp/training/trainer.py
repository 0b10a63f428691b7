"""The trainer of psa-train and psa-sweep: trials of one architecture side by side, in one run folder or in one each."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from common.devices import available_cores, describe_device, resolve_device, set_threads
from common.errors import InputError, Interrupted, RunError
from common.experiment import Result, Start
from common.progress import Progress
from common.runs import Run
from common.runs.files import append_line
from common.runs.folder import make_writable
from common.runs.lock import FolderLock, Held
from common.runs.run import LOG
from psa_resmlp.model.images import ImageSet, image_sets
from psa_resmlp.study.chain import described, is_chained
from psa_resmlp.study.data import load_study
from psa_resmlp.training import panels
from psa_resmlp.training.config import TrainConfig
from psa_resmlp.training.course import Course, courses, facts_of, lines
from psa_resmlp.training.model_folder import default_model_dir, fresh_folder, path_of
from psa_resmlp.training.replica import Loop
from psa_resmlp.training.restore import check_beside
from psa_resmlp.training.results import result
from psa_resmlp.training.run_folder import has_begun
from psa_resmlp.training.schedule import Group, Schedule
from psa_resmlp.training.stacks import check_size, threads_for


@contextlib.contextmanager
def open_training(configs: Sequence[TrainConfig], starts: Sequence[Start]) -> Iterator[Trainer]:
    """For psa-train: checkpoints are in the model folder, and meta-loops are added to theirs."""
    [config], [start] = configs, starts
    check_size(config)
    _images_of(config)
    models = (config.model_dir or default_model_dir()).absolute()
    make_writable(models, "model folder", "name another with --model-dir")
    if config.fresh:
        models = fresh_folder(models, config)
    config = replace(config, arch=str(config.architecture), model_dir=models, fresh=False)
    before = start.meta if has_begun(start.meta) else {}
    with contextlib.ExitStack() as held:
        for folder in sorted({path_of(models, number, config.trials).parent for number in config.numbers}):
            folder.mkdir(exist_ok=True)
            if start.folder is None or folder.resolve() != start.folder.resolve():  # a run locks its own folder
                held.enter_context(_held(folder))
        with contextlib.closing(Trainer([config], [before], courses(config, before))) as trainer:
            yield trainer


@contextlib.contextmanager
def open_in_sweep(configs: Sequence[TrainConfig], starts: Sequence[Start]) -> Iterator[Trainer]:
    """For psa-sweep: each trial has its checkpoint in its run folder, and trains to `meta_loops` in all."""
    check_size(configs[0])
    folders = [start.folder for start in starts if start.folder is not None]
    check_beside(configs[0], folders[0].parent)
    kept = [
        replace(one, arch=str(one.architecture), model_dir=folder) for one, folder in zip(configs, folders, strict=True)
    ]
    every = []
    for number, config in enumerate(kept):
        [one] = courses(config, {}, number)
        one.last = config.meta_loops
        if is_chained(one.chain, config.ablation_mode):
            raise RunError(f"{one.path} is a chain of modes ({described(one.chain)}); remove it")
        every.append(one)
    with contextlib.closing(Trainer(kept, [{} for _ in kept], every)) as trainer:
        yield trainer


class Trainer:
    """Trials of one architecture and family; see `common.experiment.Trainer`.

    Args:
        configs: options of the runs, with their model folders.
        before: run_meta.json of each resumed run; empty for a new one.
        every: the trials of all runs.
    """

    def __init__(
        self, configs: Sequence[TrainConfig], before: Sequence[Mapping[str, Any]], every: Sequence[Course]
    ) -> None:
        self.configs, self._before, self._every = configs, before, every
        first = configs[0]
        self._device = resolve_device(first.device)
        self._threads, self._workers = threads_for(first.architecture, first.threads or available_cores())
        set_threads(self._threads, libraries=("torch", "numba"))
        self._images = _images_of(first)
        self._closing = contextlib.ExitStack()
        self._schedule: Schedule  # made in `begin`
        self.units = max(1, sum(one.last - one.replica.loop for one in every if not one.over))
        self._warned: set[int] = set()  # runs, by number

    def facts(self, folders: Sequence[Path]) -> list[dict[str, Any]]:
        """Device, threads, and where each trial begins and ends."""
        how = {
            "device": describe_device(self._device),
            "threads": self._threads,
            "groups_at_once": self._workers,
        }
        return [{**how, **facts_of(self._of(number), before)} for number, before in enumerate(self._before)]

    def begin(self, runs: Sequence[Run], progress: Progress) -> None:
        """Restore checkpoints, choose how many trials train side by side, and log what each goes on from."""
        self._runs, self._progress = runs, progress
        self._terminal = sys.stderr.isatty() and not self.configs[0].quiet
        for number, (run, config) in enumerate(zip(runs, self.configs, strict=True)):
            for line in lines(config, self._of(number)):
                run.log(line)
        how: dict[str, Any] = {"threads": self._threads, "workers": self._workers, "stack": self.configs[0].stack}
        self._schedule = Schedule(self._every, runs, self._images, self._device, **how)
        self._closing.callback(self._schedule.close)
        for number, run in enumerate(runs):
            self._introduce(run, self._of(number))

    def advance(self) -> bool:
        """One meta-loop of one or several groups; a signal ends the training with its test accuracy."""
        try:
            done = self._schedule.advance()
            for group, loops in done:
                self._report(group, loops)
            for number in {one.run for group, _ in done for one in group}:
                self._runs[number].stop_if_asked()
        except Interrupted:
            for run, found in zip(self._runs, self._results(), strict=True):
                run.note(result=found.json())
            raise
        return bool(done)

    def finish(self) -> list[Result]:
        """Test accuracies, in the log and as results."""
        return self._results()

    def close(self) -> None:
        """End the threads."""
        self._closing.close()

    def _of(self, number: int) -> list[Course]:
        return sorted((one for one in self._every if one.run == number), key=lambda one: one.replica.trial)

    def _introduce(self, run: Run, every: Sequence[Course]) -> None:
        config, schedule = self.configs[every[0].run], self._schedule
        run.log(panels.architecture_table(config.architecture, config.family))
        for one in every:
            if one.replica.loop or one.replica.bounty_hits >= 0:
                bounty = 100 * one.replica.bounty_hits / len(schedule.val_images)
                run.log(f"trial {one.replica.trial}: goes on after meta-loop {one.replica.loop}, bounty {bounty:.2f}%")
        if config.debug:
            times = schedule.choice.step_s if schedule.choice else {}
            shown = ", ".join(f"{size}: {1e6 * seconds:.0f}" for size, seconds in times.items())
            run.log(f"{schedule.stack} side by side" + (f" (us a step and replica: {shown})" if shown else ""))

    def _report(self, group: Group, loops: Sequence[Loop]) -> None:
        """A line in the log for every meta-loop, and on the screen too: on a terminal as a panel."""
        images = len(self._schedule.val_images)
        for one, loop in zip(group, loops, strict=True):
            run, line = self._runs[one.run], panels.loop_line(one.replica, loop, images)
            if self._terminal:
                append_line(run.folder / LOG, line)
            else:
                run.log(line)
            if self.configs[one.run].debug and loop.layer >= 0:
                append_line(run.folder / LOG, panels.damage_line(one.replica, loop))
            note = panels.guessing_note(one.replica, loop)
            if note and one.run not in self._warned:  # the first trial of a run speaks for all
                self._warned.add(one.run)
                run.log(note)
        if self._terminal:
            self._progress.echo(panels.loop_panel([one.replica for one in group], loops, images, group[0].last))
        best = max(100 * loop.bounty_hits / images for loop in loops)
        self._progress.describe(f"meta-loop {loops[0].meta_loop} bounty {best:.2f}%")
        self._progress.advance(len(loops))

    def _results(self) -> list[Result]:
        tested = self._schedule.test()
        images = len(self._schedule.val_images), len(self._schedule.test_images)
        found = []
        for number, run in enumerate(self._runs):
            every = self._of(number)
            for one in every:
                if one in tested:
                    run.log(panels.test_line(one.replica, tested[one], images))
            if not any(one in tested for one in every):
                run.log("no meta-loop was finished, so there is no network to test")
            run.note(stack=self._schedule.stack, chain={str(one.replica.trial): one.chain for one in every})
            found.append(result([one.replica for one in every], [tested.get(one) for one in every], images))
        return found


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Lock the folder of a checkpoint for this process.

    Raises:
        InputError: another process trains there.
    """
    lock = FolderLock(folder, what="model folder")
    try:
        lock.acquire()
    except Held as problem:
        raise InputError(f"{problem}, start with --fresh, or name another with --model-dir") from None
    try:
        yield
    finally:
        lock.release()


def _images_of(config: TrainConfig) -> tuple[ImageSet, ...]:
    return _images(config.dataset, config.data_root, str(resolve_device(config.device)))


@functools.lru_cache(maxsize=1)
def _images(dataset: str, root: Path | None, device: str) -> tuple[ImageSet, ...]:
    """Training, validation and test images; a sweep's worker keeps them from task to task."""
    return image_sets(load_study(dataset, root), device)
