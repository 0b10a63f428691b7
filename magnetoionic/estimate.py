"""--dry-run of a simulation: check options and files, and time some batches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from common.devices import available_cores, set_threads
from common.experiment import Estimate, Start, seconds_of
from magnetoionic.build import setup
from magnetoionic.config import TrainConfig
from magnetoionic.network import Network
from magnetoionic.outputs import PARENT, simulation_name

BATCHES = 30


def describe(configs: Sequence[TrainConfig], starts: Sequence[Start]) -> Estimate:
    """What would be trained, where, and for how long; see `common.experiment.Experiment.estimate`."""
    [config], [start] = configs, starts
    threads = min(config.threads or available_cores(), config.n_models)
    set_threads(1, libraries=("numba",))
    ready = setup(config, start.folder if start.begun else None)
    some = ready.train[:BATCHES]
    models = replace(ready, config=replace(config, n_models=threads)).models()

    def work(model: Network) -> None:
        model.train_epoch(some, 1, lambda: None)
        model.accuracy(ready.test[:1], beat=lambda: None)

    with ThreadPoolExecutor(threads) as pool:
        batch_s = seconds_of(lambda: list(pool.map(work, models))) / len(some)
    turns = math.ceil(config.n_models / threads)
    # Testing is a forward pass: about a third of training.
    seconds = batch_s * (len(ready.train) + len(ready.test) / 3) * config.epochs * turns
    weights = sum(layer.devices.weight.size for layer in models[0].layers)
    models_line = f"{config.n_models} model(s) of {weights} weights, {threads} at a time"
    images_line = f"{len(ready.data.train_y)} training and {len(ready.data.test_y)} test images"
    lines = (
        str(start.folder or PARENT / simulation_name(config)),
        f"{models_line}, {images_line}",
        f"{1e3 * batch_s:.1f} ms a batch",
    )
    return Estimate(lines, seconds)
