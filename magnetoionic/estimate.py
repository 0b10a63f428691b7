"""--dry-run of a simulation: check everything, time some batches, and say how long the whole will take."""

from __future__ import annotations

import math
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from common.devices import available_cores, set_threads
from magnetoionic.build import setup
from magnetoionic.config import TrainConfig
from magnetoionic.network import Network
from magnetoionic.outputs import simulation_name

BATCHES = 30


def describe(config: TrainConfig, folder: Path | None = None) -> str:
    """A few lines: what would be trained, where, and for how long; `folder` is that of a simulation that goes on."""
    threads = min(config.threads or available_cores(), config.n_models)
    set_threads(1, libraries=("numba",))
    ready = setup(config, folder)
    some = ready.train[:BATCHES]
    models = replace(ready, config=replace(config, n_models=threads)).models()

    def work(model: Network) -> None:
        model.train_epoch(some, 1, lambda: None)
        model.accuracy(ready.test[:1], beat=lambda: None)

    work(models[0])  # compiles
    start = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, models))
    batch_s = (time.perf_counter() - start) / len(some)
    turns = math.ceil(config.n_models / threads)
    # Testing is a forward pass: about a third of training.
    seconds = batch_s * (len(ready.train) + len(ready.test) / 3) * config.epochs * turns
    weights = sum(layer.devices.weight.size for layer in models[0].layers)
    return "\n".join(
        [
            f"simulations/{simulation_name(config)}",
            f"{config.n_models} model(s) of {weights} weights, {threads} at a time, {len(ready.data.train_y)} training "
            f"and {len(ready.data.test_y)} test images",
            f"about {math.ceil(seconds / 60)} min ({1e3 * batch_s:.1f} ms a batch)",
        ]
    )
