"""Train and test with the compiled kernels, with weights as tensors."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aanntwin.compiled_model import CompiledModel, flat_images
from aanntwin.config import Nonidealities, Settings
from aanntwin.engine import Test, Weights, check_losses
from aanntwin.sizes import derive
from aanntwin.weights import initial_weights
from common.devices import available_cores


class CompiledEngine:
    """Trains on one core, whatever the number of threads; see engine.Engine."""

    def __init__(self, settings: Settings) -> None:
        sizes = derive(settings.model_params, settings.image_shape)
        self._momentum = settings.train_params.momentum > 0
        self._model = CompiledModel(settings, settings.training_nonidealities, "training")
        self.load(initial_weights(settings), {})
        # About a tenth of a second, with six operations per multiplier and twenty per nanosecond.
        self.images_a_beat = int(np.clip(2e9 / (6 * sizes.multipliers * sizes.in_channels), 1, 10_000))

    def load(self, weights: Weights, velocity: Weights) -> None:
        """See Engine."""
        arrays, speeds = ({name: value.numpy() for name, value in part.items()} for part in (weights, velocity))
        self._model.load(arrays, speeds)

    def state(self) -> tuple[Weights, Weights]:
        """See Engine."""
        parts = (self._model.weights(), self._model.velocity() if self._momentum else {})
        weights, velocity = ({name: torch.from_numpy(value) for name, value in part.items()} for part in parts)
        return weights, velocity

    def bind(self, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> None:
        """See Engine."""
        self._images, self._labels = flat_images(images), np.array(labels)

    def train(self, order: NDArray[np.int64], start: int, stop: int, epoch: int) -> tuple[float, int]:
        """See Engine."""
        return self._model.train(self._images, self._labels, order, start, stop, epoch)


def compiled_tester(
    weights: Mapping[str, Tensor], settings: Settings, images: NDArray[np.uint8], labels: NDArray[np.int64]
) -> Test:
    """See engines.tester."""
    rows, truth = flat_images(images), np.array(labels)
    arrays = {name: value.detach().cpu().float().numpy() for name, value in weights.items()}
    threads = settings.threads or available_cores()

    def test(circuit: Nonidealities, draw: int) -> tuple[float, float]:
        model = CompiledModel(settings, circuit, "test")
        model.load(arrays)
        losses, guesses = model.test(rows, truth, draw, threads)
        check_losses(np.isfinite(losses), draw)
        return float(losses.mean(dtype=np.float64)), float((guesses == truth).mean())

    return test
