"""A whole run of the main command: train, test, normalize, save, with a run folder that tells its story."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aanntwin.cache import Cache
from aanntwin.config import Settings
from aanntwin.data import load_split
from aanntwin.engines import engine_name, make_engine
from aanntwin.export import export_csv, export_spice
from aanntwin.normalize import normalize
from aanntwin.sizes import derive
from aanntwin.trainer import Epoch, Weights, evaluate, train_epochs
from aanntwin.weights import initial_weights, save_weights
from common.errors import Interrupted
from common.progress import Progress
from common.runs import Run, StopSignals, load_run, new_folder
from common.runs.files import plain
from common.runs.folder import META
from common.runs.lock import FolderLost
from common.runs.metrics import keep_rows
from common.runs.origin import git_version

if TYPE_CHECKING:
    from aanntwin.main import Plan

PACKAGE = "aanntwin"
# Options of the plan and the settings that a run folder may see changed when the same run goes on.
CHANGEABLE = ("count_epoch", "quiet", "run_dir", "dry_run", "threads", "data_root", "timed", "print_rate")


@dataclass(frozen=True)
class Result:
    """How a run ended.

    Attributes:
        folder: the run folder.
        weights: the final ones, normalized if that was asked for.
        loss, accuracy: on the test images, under the testing nonidealities.
    """

    folder: Path
    weights: Weights
    loss: float
    accuracy: float


def run(settings: Settings, plan: Plan) -> Result:
    """Train, test and save as planned.

    Raises:
        InputError: the data set is not there, or the run folder holds another run.
        RunError: the loss is not finite.
        Interrupted: a signal came; the last complete epoch is in the cache.
    """
    engine = engine_name(settings)
    test_set, train_set = load_split(settings, train=False), load_split(settings, train=True)
    folder = _folder(settings, plan)
    cache = None if plan.no_cache else Cache(plan.cache_dir)
    total = plan.count_epoch * len(train_set[1])
    with StopSignals() as signals, Progress(total, quiet=plan.quiet) as progress:
        facts = {"package": PACKAGE, "job": "train", "engine": engine, "sizes": asdict(_sizes(settings))}
        with Run(folder, _config(settings, plan), signals, echo=progress.echo, facts=facts) as record:
            keep_rows(folder, 0)  # a continued run writes its cached epochs again
            try:
                return _Session(settings, plan, record, progress, train_set, test_set).work(cache)
            except FolderLost:
                raise
            except Interrupted as stop:
                number = stop.exit_code - 128
                hint = "nothing is kept" if cache is None else "the same command goes on after the last whole epoch"
                raise Interrupted(f"interrupted by signal {number}; {hint}", number) from None


class _Session:
    def __init__(
        self, settings: Settings, plan: Plan, record: Run, progress: Progress, train_set: Any, test_set: Any
    ) -> None:
        self._settings, self._plan, self._record, self._progress = settings, plan, record, progress
        self._train_set, self._test_set = train_set, test_set
        self._seconds = {"training": 0.0, "tests": 0.0}
        self._seen = 0
        self._epoch = 0

    def work(self, cache: Cache | None) -> Result:
        plan = self._plan
        if plan.print_git_info:
            self._record.log(_git_line())
        weights, tested = self._train(cache)
        loss, accuracy = tested or self._test(weights)
        if plan.normalize:
            weights = self._normalize(weights)
            loss, accuracy = self._test(weights)
        if plan.timed:
            for what, seconds in self._seconds.items():
                self._record.log(f"{what}: {seconds:.3f} s")
        self._save(weights)
        self._record.note(result={"final_epoch": plan.count_epoch, "test_loss": loss, "test_acc": accuracy})
        return Result(self._record.folder, weights, loss, accuracy)

    def _train(self, cache: Cache | None) -> tuple[Weights, tuple[float, float] | None]:
        plan, settings = self._plan, self._settings
        batch, weights, tested = settings.train_params.batch_size, None, None
        beat_images = plan.print_rate * batch
        start = time.perf_counter()
        for epoch in train_epochs(settings, plan.count_epoch, cache=cache, beat=self._beat, beat_images=beat_images):
            seconds, last = time.perf_counter() - start, epoch.number == plan.count_epoch
            weights = epoch.read() if last or plan.test_each_epoch else None
            tested = self._end_epoch(epoch, weights, seconds)
            start = time.perf_counter()
        return weights or initial_weights(settings), tested

    def _end_epoch(self, epoch: Epoch, weights: Weights | None, seconds: float) -> tuple[float, float] | None:
        self._epoch = epoch.number
        self._advance(epoch.number * len(self._train_set[1]))
        self._seconds["training"] += seconds
        how = "cached" if epoch.cached else f"{seconds:.2f} s"
        if not self._plan.quiet:
            self._record.log(f"epoch {epoch.number}: training loss {epoch.loss:.6f} ({how})")
        tested = None if weights is None else self._test(weights)
        loss, accuracy = tested or ("", "")
        row = {"epoch": epoch.number, "train_loss": epoch.loss, "test_loss": loss, "test_acc": accuracy}
        self._record.metrics({**row, "cached": int(epoch.cached), "train_s": seconds})
        self._progress.describe(f"epoch {epoch.number} (loss {epoch.loss:.4f})")
        self._record.stop_if_asked()
        return tested

    def _beat(self, done: int, count: int, loss: float) -> None:
        self._advance(self._epoch * count + done)
        self._record.beat()
        if self._plan.print_rate and not self._plan.quiet:
            step = -(-done // self._settings.train_params.batch_size)
            self._progress.echo(f"epoch {self._epoch + 1}, step {step}: loss {loss:.6f}")

    def _advance(self, seen: int) -> None:
        self._progress.advance(seen - self._seen)
        self._seen = seen

    def _test(self, weights: Weights) -> tuple[float, float]:
        start = time.perf_counter()
        loss, accuracy = evaluate(weights, self._settings, *self._test_set)
        self._seconds["tests"] += time.perf_counter() - start
        self._record.log(f"Average Loss:  {loss:.6f}")
        self._record.log(f"Accuracy:      {accuracy:.4%}")
        return loss, accuracy

    def _normalize(self, weights: Weights) -> Weights:
        rescaled, report = normalize(weights, self._settings, self._train_set[0])
        for layer in report:
            line = f"normalized {layer.layer}: {_range(layer.before)} to {_range(layer.after)}"
            self._record.log(f"{line}, divided by {layer.factor:.6g}")
        return rescaled

    def _save(self, weights: Weights) -> None:
        plan = self._plan
        if plan.output_path:
            save_weights(plan.output_path, weights, self._settings.model_params)
        if plan.export_csv:
            export_csv(plan.export_csv, weights)
        if plan.export_spice:
            export_spice(plan.export_spice, weights)


def dry_run(settings: Settings, plan: Plan) -> None:
    """Print sizes, what the cache holds, and how long the rest takes, from a few measured steps."""
    sizes = _sizes(settings)
    images, labels = load_split(settings, train=True)
    print(f"network: convolution {sizes.conv_out}x{sizes.conv_out}, pooled {sizes.pool_out}x{sizes.pool_out}, ", end="")
    print(f"{sizes.mac_count} MACs, {sizes.multipliers} multipliers")
    done = 0 if plan.no_cache else len(Cache(plan.cache_dir).known(settings))
    left = max(0, plan.count_epoch - done)
    engine = make_engine(settings)
    engine.bind(images, labels)
    batch = settings.train_params.batch_size
    few = max(1, min(len(labels), 256) // batch) * batch
    order = np.arange(len(labels))
    engine.train(order, 0, min(batch, len(labels)), 1)  # compiles
    start = time.perf_counter()
    engine.train(order, 0, min(few, len(labels)), 1)
    seconds = (time.perf_counter() - start) * len(labels) / min(few, len(labels))
    print(f"engine: {engine_name(settings)}, about {seconds:.2g} s an epoch of {len(labels)} images")
    print(f"epochs: {plan.count_epoch}, in the cache {min(done, plan.count_epoch)}; about {left * seconds:.2g} s")


def _sizes(settings: Settings) -> Any:
    return derive(settings.model_params, settings.image_shape)


def _config(settings: Settings, plan: Plan) -> dict[str, Any]:
    """One flat dictionary of every option by its name on the command line."""
    flat: dict[str, Any] = {field.name: getattr(plan, field.name) for field in dataclasses.fields(plan)}
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            flat |= {f"{field.name}_{name}": part for name, part in asdict(value).items()}
        else:
            flat[field.name] = value
    return flat


def _folder(settings: Settings, plan: Plan) -> Path:
    """A new run folder; or the one named, where the same run was stopped or finished with fewer epochs."""
    if plan.run_dir and (plan.run_dir / META).is_file():
        record, wanted = load_run(plan.run_dir), plain(_config(settings, plan))
        same = {name: value for name, value in record.config.items() if name not in CHANGEABLE}
        if record.status != "running" and same == {k: v for k, v in wanted.items() if k not in CHANGEABLE}:
            return plan.run_dir
    return new_folder(PACKAGE, "train", settings.seed, plan.run_dir)


def _range(values: tuple[float, float]) -> str:
    return f"[{values[0]:.6g}, {values[1]:.6g}]"


def _git_line() -> str:
    found = git_version(Path(__file__).parents[1])
    if found is None:
        return "git: not a checkout"
    return f"git: {found['commit']}{', changed since' if found['dirty'] else ''}"
