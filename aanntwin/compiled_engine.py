"""Train and test with the compiled kernels, with weights as arrays. Nothing here loads torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aanntwin.arrays import as_arrays
from aanntwin.compiled_model import CompiledModel, flat_images
from aanntwin.config import Nonidealities, Settings
from aanntwin.engine import Test, Weights, check_losses
from aanntwin.initial import initial_arrays
from aanntwin.sizes import derive
from common.devices import available_cores


class CompiledEngine:
    """Trains on one core, whatever the number of threads; see engine.Engine."""

    def __init__(self, settings: Settings) -> None:
        sizes = derive(settings.model_params, settings.image_shape)
        self._momentum = settings.train_params.momentum > 0
        self._model = CompiledModel(settings, settings.training_nonidealities, "training")
        self._model.load(initial_arrays(settings))
        # About a tenth of a second, with six operations per multiplier and twenty per nanosecond.
        self.images_a_beat = int(np.clip(2e9 / (6 * sizes.multipliers * sizes.in_channels), 1, 10_000))

    def load(self, weights: Weights, velocity: Weights) -> None:
        """See Engine."""
        self._model.load(as_arrays(weights), as_arrays(velocity))

    def state(self) -> tuple[Weights, Weights]:
        """See Engine."""
        return dict(self._model.weights()), dict(self._model.velocity() if self._momentum else {})

    def bind(self, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> None:
        """See Engine."""
        self._images, self._labels = flat_images(images), np.array(labels)

    def train(self, order: NDArray[np.int64], start: int, stop: int, epoch: int) -> tuple[float, int]:
        """See Engine."""
        return self._model.train(self._images, self._labels, order, start, stop, epoch)


def compiled_tester(
    weights: Mapping[str, Any], settings: Settings, images: NDArray[np.uint8], labels: NDArray[np.int64]
) -> Test:
    """See engines.tester."""
    rows, truth = flat_images(images), np.array(labels)
    arrays = as_arrays(weights)
    threads = settings.threads or available_cores()

    def test(circuit: Nonidealities, draw: int) -> tuple[float, float]:
        model = CompiledModel(settings, circuit, "test")
        model.load(arrays)
        losses, guesses = model.test(rows, truth, draw, threads)
        check_losses(np.isfinite(losses), draw)
        return float(losses.mean(dtype=np.float64)), float((guesses == truth).mean())

    return test
