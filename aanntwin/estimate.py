"""Estimate the time of a training from short ones, for --dry-run of the main command and of the sweeps."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from aanntwin.config import Settings
from aanntwin.data import load_split
from aanntwin.engines import engine_name, make_engine, torch_lines
from aanntwin.plan import TwinConfig
from aanntwin.sizes import derive
from aanntwin.trainer import evaluate
from aanntwin.twin_trainer import cache_of
from aanntwin.weights import initial_weights
from common.experiment import Estimate, Start

PROBE_S = 0.3  # a training is measured at least this long, or for a whole epoch
TESTED = 1000


class Seconds(NamedTuple):
    """Seconds per image, of training and of tests."""

    train: float
    test: float


def describe(configs: Sequence[TwinConfig], starts: Sequence[Start]) -> Estimate:
    """The network's sizes, epochs in the cache, and the time of the rest."""
    [config], [start] = configs, starts
    settings, epochs = config.settings, config.plan.count_epoch
    sizes = derive(settings.model_params, settings.image_shape)
    count, tests = (len(load_split(settings, train=train)[1]) for train in (True, False))
    cache = cache_of(config, start.folder if start.begun else None)
    done = min(epochs, cache.last(settings)) if cache else 0
    each = measure(settings)
    tested = (epochs if config.plan.test_each_epoch else 1) + config.plan.normalize
    return Estimate(
        (
            f"network: convolution {sizes.conv_out}x{sizes.conv_out}, pooled {sizes.pool_out}x{sizes.pool_out}, "
            f"{sizes.mac_count} MACs, {sizes.multipliers} multipliers",
            *torch_lines(settings),
            f"engine: {engine_name(settings)}, about {each.train * count:.2g} s an epoch of {count} images",
            f"epochs: {epochs}, in the cache {done}",
        ),
        seconds=(epochs - done) * count * each.train + tested * tests * each.test,
    )


def measure(settings: Settings) -> Seconds:
    """Train and test briefly on the first images; seconds per image."""
    images, labels = load_split(settings, train=True)
    engine = make_engine(settings)
    engine.bind(images, labels)
    order = np.arange(len(labels))
    batch = settings.train_params.batch_size
    stop = min(batch, len(labels))
    engine.train(order, 0, stop, 1)  # loads and compiles
    done, count, train_s = stop, 0, 0.0
    while train_s < PROBE_S and done < len(labels):
        step = min(max(batch, 2 * count // batch * batch, batch * (32 // batch)), len(labels) - done)
        begin = time.perf_counter()
        engine.train(order, done, done + step, 1)
        train_s, count, done = train_s + time.perf_counter() - begin, count + step, done + step
    weights, (test_images, truth) = initial_weights(settings), load_split(settings, train=False)
    evaluate(weights, settings, test_images[:10], truth[:10])
    begin = time.perf_counter()
    evaluate(weights, settings, test_images[:TESTED], truth[:TESTED])
    return Seconds(train_s / max(count, 1), (time.perf_counter() - begin) / len(truth[:TESTED]))


def operations(settings: Settings) -> float:
    """Multiplications of a forward pass; the time of similar designs is proportional to them."""
    params, sizes = settings.model_params, derive(settings.model_params, settings.image_shape)
    conv = sizes.conv_out**2 * params.conv_out_channels * params.kernel_size**2 * sizes.in_channels
    return float(conv + sum(a * b for a, b in zip(sizes.widths[:-1], sizes.widths[1:], strict=True)))
