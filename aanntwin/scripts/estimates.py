"""--dry-run of the sweeps: the runs to do, and their time, estimated from short trainings and tests."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from aanntwin.config import Settings
from aanntwin.data import load_split
from aanntwin.estimate import TESTED, measure, operations
from aanntwin.scripts import design_runs, noise_runs
from aanntwin.scripts.noise_runs import test_once, with_noise
from aanntwin.scripts.source import one_thread, open_cache, start
from aanntwin.weights import initial_weights
from common.experiment import clock
from common.sweeps import Options, RunSpec
from common.sweeps.dask_cluster import cores
from common.sweeps.folder import finished, merged_specs
from common.sweeps.run import selected

PROBES = 7  # designs that are measured; the others are interpolated


def noise_sweep(prog: str, plan: noise_runs.Plan, runs: Sequence[RunSpec], folder: Path, options: Options) -> str:
    """The estimate of sweep_noise as text; trains and tests for a few seconds, writes nothing."""
    todo, workers = _todo(runs, folder, options)
    settings = one_thread(plan.settings)
    start(settings)
    train_n, test_n = (len(load_split(settings, train=train)[1]) for train in (True, False))
    cache = open_cache(plan.cache)
    repetition_s = _repetition_s(plan, settings) * test_n
    total, missing = 0.0, 0
    by_noise = {noisy: measure(with_noise(settings, "0.5" if noisy else "none")).train for noisy in (False, True)}
    for spec in todo:
        noise = spec.config["training_noise"]
        cached = len(cache.known(with_noise(settings, noise))) if cache else 0
        epochs = max(plan.count_epoch - cached, 0)
        missing += epochs
        total += epochs * train_n * by_noise[noise not in ("none", "0")] + plan.runs_per_point * repetition_s
    return (
        f"{prog}: {len(runs)} trainings, {len(todo)} to do now, in {folder}; {missing} epochs are not in the cache\n"
        f"an epoch takes {train_n * by_noise[False]:.2g} s, with noise {train_n * by_noise[True]:.2g} s, and the "
        f"tests of a model at every noise once {repetition_s:.2g} s (measured on parts of them)\n"
        f"about {clock(total / workers)} (h:mm:ss) on {workers} worker(s), and some seconds to start them"
    )


def design_sweep(prog: str, plan: design_runs.Plan, runs: Sequence[RunSpec], folder: Path, options: Options) -> str:
    """The estimate of sweep_model_parameters as text; trains some designs briefly, writes nothing."""
    todo, workers = _todo(runs, folder, options)
    head = f"{prog}: {len(runs)} designs, {len(todo)} to do now, in {folder}"
    if not todo:
        return head
    every = [one_thread(design_runs.settings_of(spec.config)) for spec in todo]
    start(every[0])
    train_n, test_n = (len(load_split(every[0], train=train)[1]) for train in (True, False))
    work = np.array([operations(settings) for settings in every])
    order = np.argsort(work, kind="stable")
    chosen = order[np.unique(np.linspace(0, len(order) - 1, min(PROBES, len(order))).astype(int))]
    measured = [measure(every[place]) for place in chosen]
    seconds = [plan.count_epoch * train_n * probe.train + test_n * probe.test for probe in measured]
    # Time is not proportional to work: interpolate between the measured designs on logarithmic scales.
    each = np.exp(np.interp(np.log(work), np.log(work[chosen]), np.log(seconds)))
    return (
        f"{head}\n"
        f"a design takes {each.min():.2g} to {each.max():.3g} s for {plan.count_epoch} epoch(s) and a test "
        f"(measured on parts of them for {len(chosen)} designs)\n"
        f"about {clock(float(each.sum()) / workers)} (h:mm:ss) on {workers} worker(s), and some seconds to start them"
    )


def _repetition_s(plan: noise_runs.Plan, settings: Settings) -> float:
    """Seconds per test image, for all test noises."""
    from aanntwin.scripts.bench import Bench

    bench, weights = Bench(settings, train=False, most=TESTED), initial_weights(settings)
    begin = time.perf_counter()
    test_once(bench, weights, plan.noise_type, 0)
    return (time.perf_counter() - begin) / len(bench.labels)


def _todo(runs: Sequence[RunSpec], folder: Path, options: Options) -> tuple[list[RunSpec], int]:
    """The runs that a start would do now, and the number of workers."""
    settled = merged_specs(folder, runs)
    ended = finished(folder, settled, retry_failed=options.retry_failed)
    todo = [] if len(ended) == len(settled) else selected(settled, ended, options)
    return todo, max(1, min(cores(), options.workers or cores(), len(todo)))
