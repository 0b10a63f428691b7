"""A run of the main command: train, test, normalize, save. `common.experiment` keeps the run folder and prints."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from aanntwin.arrays import Arrays, as_arrays, as_tensors
from aanntwin.cache import Cache, LastEpoch
from aanntwin.config import N_CLASSES
from aanntwin.data import load_split
from aanntwin.engines import engine_name, torch_lines
from aanntwin.export import export_csv, export_spice
from aanntwin.initial import initial_arrays
from aanntwin.normalize import normalize
from aanntwin.plan import TwinConfig
from aanntwin.reports import git_line
from aanntwin.sizes import derive
from aanntwin.trainer import Epoch, evaluate, train_epochs
from aanntwin.weights import save_weights
from common.experiment import Result, Start
from common.guessing import guessing_line
from common.progress import Progress
from common.runs import Run
from common.runs.files import read_lines
from common.runs.metrics import NAME as METRICS
from common.runs.metrics import keep_rows

CHECKPOINT = "checkpoint"  # folder in a run folder, for the last epoch of a training without the cache


@contextlib.contextmanager
def open_twin(configs: Sequence[TwinConfig], starts: Sequence[Start]) -> Iterator[TwinTrainer]:
    """The trainer of one configuration.

    Raises:
        InputError: the data set or the device is missing.
    """
    [config], [start] = configs, starts
    yield TwinTrainer(config, start)


def cache_of(config: TwinConfig, folder: Path | None) -> Cache | None:
    """Where a run's epochs are stored: the cache, or with --no_cache the run folder, if any (only its last epoch)."""
    if not config.plan.no_cache:
        return Cache(config.plan.cache_dir)
    return LastEpoch(folder / CHECKPOINT) if folder else None


class TwinTrainer:
    """Trains one twin epoch by epoch and tests it; see `common.experiment.Trainer`.

    A resumed run keeps the rows of metrics.csv and appends to them. A run that is started again in its folder
    (without --resume) rewrites them, beginning with the epochs in the cache.
    """

    def __init__(self, config: TwinConfig, start: Start) -> None:
        self.configs = [config]
        self._config, self._start = config, start
        self._settings, self._plan = config.settings, config.plan
        self._engine = engine_name(self._settings)
        self._test_set, self._train_set = (load_split(self._settings, train=train) for train in (False, True))
        self.units = self._plan.count_epoch * len(self._train_set[1])
        self._seconds = {"training": 0.0, "tests": 0.0}
        self._seen = self._epoch = 0
        self._weights: Arrays | None = None
        self._tested: tuple[float, float] | None = None

    def facts(self, folders: Sequence[Any]) -> list[Mapping[str, Any]]:
        """Engine and sizes."""
        return [
            {"engine": self._engine, "sizes": asdict(derive(self._settings.model_params, self._settings.image_shape))}
        ]

    def begin(self, runs: Sequence[Run], progress: Progress) -> None:
        """See Trainer."""
        [self._run], self._progress = runs, progress
        plan = self._plan
        cache = cache_of(self._config, self._run.folder)
        assert cache is not None
        self._cache = cache
        self._epoch = self._done() if self._start.begun else 0
        keep_rows(self._run.folder, self._epoch)
        self._seen = self._epoch * len(self._train_set[1])
        progress.skip(self._seen)
        if plan.print_git_info:
            self._run.log(git_line(), always=True)
        for line in torch_lines(self._settings):
            self._run.log(line)
        rate = (plan.print_rate or 0) * self._settings.train_params.batch_size
        self._epochs = train_epochs(
            self._settings, plan.count_epoch, cache=self._cache, beat=self._beat, beat_images=rate, after=self._epoch
        )

    def _done(self) -> int:
        """The number of epochs that have a row in metrics.csv and whose last state is on disk."""
        rows = max(0, len(read_lines(self._run.folder / METRICS)) - 1)
        return min(rows, self._cache.last(self._settings), self._plan.count_epoch)

    def advance(self) -> bool:
        """The next epoch, from the cache or trained."""
        start = time.perf_counter()
        epoch = next(self._epochs, None)
        if epoch is None:
            return False
        self._end_epoch(epoch, time.perf_counter() - start)
        return True

    def _end_epoch(self, epoch: Epoch, seconds: float) -> None:
        self._epoch = epoch.number
        self._advance_to(epoch.number * len(self._train_set[1]))
        self._seconds["training"] += seconds
        how = "cached" if epoch.cached else f"{seconds:.2f} s"
        self._run.log(f"epoch {epoch.number}: training loss {epoch.loss:.6f} ({how})")
        if epoch.number == 1 and (line := guessing_line(1, epoch.loss, N_CLASSES)):
            self._run.log(line)
        wanted = epoch.number == self._plan.count_epoch or self._plan.test_each_epoch
        self._weights = epoch.arrays() if wanted else None
        self._tested = None if self._weights is None else self._test(self._weights)
        loss, accuracy = self._tested or ("", "")
        row = {"epoch": epoch.number, "train_loss": epoch.loss, "test_loss": loss, "test_acc": accuracy}
        self._run.metrics({**row, "cached": int(epoch.cached), "train_s": seconds})
        self._progress.describe(f"epoch {epoch.number} (loss {epoch.loss:.4f})")

    def finish(self) -> list[Result | None]:
        """Normalize, save, and return the result of the last test."""
        weights = self._weights if self._weights is not None else self._last_weights()
        loss, accuracy = self._tested or self._test(weights)
        if self._plan.normalize:
            weights = self._normalize(weights)
            loss, accuracy = self._test(weights)
        if self._plan.timed:
            for what, seconds in self._seconds.items():
                self._run.log(f"{what}: {seconds:.3f} s", always=True)
        self._save(weights)
        final = {"test_acc": accuracy, "test_loss": loss, "epoch": self._plan.count_epoch}
        return [Result("final_test_acc", final)]

    def _last_weights(self) -> Arrays:
        """The final weights where no epoch was trained now."""
        epochs = self._plan.count_epoch
        return self._cache.arrays(self._settings, epochs)[0] if epochs else initial_arrays(self._settings)

    def _beat(self, done: int, count: int, loss: float) -> None:
        self._advance_to(self._epoch * count + done)
        self._run.beat()
        if self._plan.print_rate and not self._plan.quiet:
            step = -(-done // self._settings.train_params.batch_size)
            self._progress.echo(f"epoch {self._epoch + 1}, step {step}: loss {loss:.6f}")

    def _advance_to(self, seen: int) -> None:
        self._progress.advance(seen - self._seen)
        self._seen = seen

    def _test(self, weights: Mapping[str, Any]) -> tuple[float, float]:
        start = time.perf_counter()
        loss, accuracy = evaluate(weights, self._settings, *self._test_set)
        self._seconds["tests"] += time.perf_counter() - start
        self._run.log(f"Average Loss:  {loss:.6f}", always=True)
        self._run.log(f"Accuracy:      {accuracy:.4%}", always=True)
        return loss, accuracy

    def _normalize(self, weights: Arrays) -> Arrays:
        rescaled, report = normalize(as_tensors(weights), self._settings, self._train_set[0])
        for layer in report:
            line = f"normalized {layer.layer}: {_range(layer.before)} to {_range(layer.after)}"
            self._run.log(f"{line}, divided by {layer.factor:.6g}", always=True)
        return as_arrays(rescaled)

    def _save(self, weights: Arrays) -> None:
        plan = self._plan
        if plan.output_path:
            save_weights(plan.output_path, weights, self._settings.model_params)
        if plan.export_csv:
            export_csv(plan.export_csv, weights)
        if plan.export_spice:
            export_spice(plan.export_spice, weights)


def _range(values: tuple[float, float]) -> str:
    return f"[{values[0]:.6g}, {values[1]:.6g}]"
