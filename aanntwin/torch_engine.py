"""Train and test the PyTorch model, on any device: the reference, and the engine for your own models."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from aanntwin.arrays import as_tensors
from aanntwin.config import Nonidealities, Settings
from aanntwin.data import brightness
from aanntwin.engine import Test, Weights, check_losses
from aanntwin.layers import TorchNoise
from aanntwin.model import Model, build_model
from common.devices import resolve_device, set_threads
from common.seeding import seed_sequence

TEST_BATCH = 1000


class TorchEngine:
    """SGD on a PyTorch model; see engine.Engine.

    Args:
        settings: what to train.
        model: trained in place of the settings' model.
    """

    images_a_beat = 100

    def __init__(self, settings: Settings, model: Model | None = None) -> None:
        set_threads(settings.threads)
        self._settings, self._device = settings, resolve_device(settings.device)
        self._model = (model or build_model(settings)).to(self._device)
        rates = settings.train_params
        self._optimizer = torch.optim.SGD(
            self._model.parameters(), rates.lr, momentum=rates.momentum, weight_decay=rates.weight_decay
        )
        self._epoch = 0

    def load(self, weights: Weights, velocity: Weights) -> None:
        """See engine.Engine."""
        self._model.load_weights(as_tensors(weights))
        speeds = as_tensors(velocity)
        for name, parameter in self._named():
            if name in speeds:
                self._optimizer.state[parameter]["momentum_buffer"] = speeds[name].to(self._device)

    def state(self) -> tuple[Weights, Weights]:
        """See engine.Engine."""
        velocity = {}
        for name, parameter in self._named():
            buffer = self._optimizer.state.get(parameter, {}).get("momentum_buffer")
            if buffer is not None:
                velocity[name] = buffer.detach().cpu().clone()
        return self._model.weights(), velocity

    def bind(self, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> None:
        """See engine.Engine."""
        self._images = brightness(images).to(self._device)
        self._labels = torch.from_numpy(np.array(labels)).to(self._device)

    def train(self, order: NDArray[np.int64], start: int, stop: int, epoch: int) -> tuple[float, int]:
        """See engine.Engine. Each epoch's noise has its own seed, so that no generator state is carried over."""
        if epoch != self._epoch:
            self._epoch = epoch
            _restart(self._model, self._settings.seed, "training", epoch)
        self._model.train()
        total, batch = 0.0, self._settings.train_params.batch_size
        for first in range(start, stop, batch):
            chosen = torch.from_numpy(order[first : min(first + batch, stop)]).to(self._device)
            self._optimizer.zero_grad()
            loss = functional.cross_entropy(self._model(self._images[chosen]), self._labels[chosen])
            loss.backward()  # type: ignore[no-untyped-call]
            value = loss.item()
            if not math.isfinite(value):
                return total, first
            self._optimizer.step()
            total += value * len(chosen)
        return total, -1

    def _named(self) -> list[tuple[str, nn.Parameter]]:
        return list(zip(self._model.weights(), self._model.parameters(), strict=True))


def torch_tester(
    weights: Mapping[str, Any], settings: Settings, images: NDArray[np.uint8], labels: NDArray[np.int64]
) -> Test:
    """See engines.tester; batches of TEST_BATCH images."""
    set_threads(settings.threads)
    device = resolve_device(settings.device)
    pictures, truth = brightness(images).to(device), torch.from_numpy(np.array(labels)).to(device)

    def test(circuit: Nonidealities, draw: int) -> tuple[float, float]:
        model = build_model(settings, circuit)
        model.load_weights(as_tensors(weights))
        model.to(device).eval()
        _restart(model, settings.seed, "test", draw)
        loss, right, done = 0.0, 0, 0
        with torch.inference_mode():
            for x, y in zip(torch.split(pictures, TEST_BATCH), torch.split(truth, TEST_BATCH), strict=True):
                logits = model(x)
                losses = functional.cross_entropy(logits, y, reduction="none")
                check_losses(losses.isfinite().cpu().numpy(), draw, done)
                done += len(y)
                loss += functional.cross_entropy(logits, y, reduction="sum").item()
                right += int((logits.argmax(1) == y).sum().item())
        return loss / len(truth), right / len(truth)

    return test


def _restart(model: Model, seed: int, *names: str | int) -> None:
    noise = getattr(model, "noise", None)
    if isinstance(noise, TorchNoise):
        state = seed_sequence(seed, "aanntwin", *names).generate_state(1, np.uint64)
        noise.restart(int(state[0] >> np.uint64(1)))
