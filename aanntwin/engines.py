"""Who computes: the compiled steps, or PyTorch for a GPU, for a model of one's own, or because the user says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from aanntwin.config import N_CLASSES, Nonidealities, Settings
from aanntwin.data import planar
from aanntwin.sizes import derive
from common.devices import available_cores, check_device_name
from common.errors import InputError, RunError

if TYPE_CHECKING:
    from torch import Tensor

    from aanntwin.model import Model

Weights = dict[str, "Tensor"]
Test = Callable[[Nonidealities, int], tuple[float, float]]


class Engine(Protocol):
    """Trains one model."""

    images_a_beat: int

    def load(self, weights: Weights, velocity: Weights) -> None:
        """Go on from the end of an epoch."""

    def state(self) -> tuple[Weights, Weights]:
        """Copies of weights and of the optimizer's velocity (empty without momentum)."""

    def bind(self, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> None:
        """The images (N, C, H, W) to train on."""

    def train(self, order: NDArray[np.int64], start: int, stop: int, epoch: int) -> tuple[float, int]:
        """Steps over order[start:stop]; the sum of losses and -1, or the place of a loss that is not finite."""


def engine_name(settings: Settings) -> str:
    """What computes with these settings, as far as numbers depend on it: compiled, or torch with device and threads.

    Raises:
        InputError: compiled steps are asked for on a GPU, or the device is not here.
    """
    if uses_compiled(settings):
        return "compiled"
    from common.devices import resolve_device

    device = resolve_device(settings.device)
    return f"torch {device.type}" + (
        f" {settings.threads or available_cores()} threads" if device.type == "cpu" else ""
    )


def uses_compiled(settings: Settings) -> bool:
    """Whether the compiled steps run these settings."""
    device = check_device_name(settings.device)
    if settings.engine == "compiled" and device not in ("cpu", "auto"):
        raise InputError(f"engine compiled runs on the cpu, not on {settings.device}; use --engine torch")
    return settings.engine == "compiled" or (settings.engine == "auto" and device in ("cpu", "auto"))


def make_engine(settings: Settings, model: Model | None = None) -> Engine:
    """What trains these settings, with the initial weights; a model of one's own is trained by PyTorch."""
    if model is None and uses_compiled(settings):
        return CompiledEngine(settings)
    from aanntwin.torch_engine import TorchEngine

    return TorchEngine(settings, model)


def tester(
    weights: Mapping[str, Tensor], settings: Settings, images: NDArray[np.uint8], labels: NDArray[np.int64]
) -> Test:
    """A function that tests weights under nonidealities with a draw of noise; see trainer.evaluate."""
    from aanntwin.model import check_weights

    check_weights(weights, weight_shapes(settings))
    _check_images(settings, planar(images), labels)
    if uses_compiled(settings):
        return _compiled_tester(weights, settings, planar(images), labels)
    from aanntwin.torch_engine import torch_tester

    return torch_tester(weights, settings, planar(images), labels)


def weight_shapes(settings: Settings) -> dict[str, tuple[int, ...]]:
    """Shapes of a model's weights by their names on file."""
    params, sizes = settings.model_params, derive(settings.model_params, settings.image_shape)
    side, channels = params.kernel_size, params.conv_out_channels
    shapes: dict[str, tuple[int, ...]] = {"conv2d_weight": (channels, sizes.in_channels, side, side)}
    shapes["conv2d_bias"] = (channels,)
    names = [*(f"additional_linear_{index}" for index in range(len(params.additional_layers))), "linear"]
    for name, inputs, outputs in zip(names, sizes.widths[:-1], sizes.widths[1:], strict=True):
        shapes |= {f"{name}_weight": (outputs, inputs), f"{name}_bias": (outputs,)}
    return shapes


class CompiledEngine:
    """Trains by the compiled steps on one core, whatever the number of threads."""

    def __init__(self, settings: Settings) -> None:
        from aanntwin.kernel.engine import Engine as Kernel
        from aanntwin.weights import initial_weights

        sizes = derive(settings.model_params, settings.image_shape)
        self._momentum = settings.train_params.momentum > 0
        self._kernel = Kernel(settings, settings.training_nonidealities, "training")
        self.load(initial_weights(settings), {})
        # Six operations for each multiplier, twenty in a nanosecond: about a tenth of a second.
        self.images_a_beat = int(np.clip(2e9 / (6 * sizes.multipliers * sizes.in_channels), 1, 10_000))

    def load(self, weights: Weights, velocity: Weights) -> None:
        """See Engine."""
        arrays, speeds = ({name: value.numpy() for name, value in part.items()} for part in (weights, velocity))
        self._kernel.load(arrays, speeds)

    def state(self) -> tuple[Weights, Weights]:
        """See Engine."""
        import torch

        parts = (self._kernel.weights(), self._kernel.velocity() if self._momentum else {})
        weights, velocity = ({name: torch.from_numpy(value) for name, value in part.items()} for part in parts)
        return weights, velocity

    def bind(self, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> None:
        """See Engine."""
        from aanntwin.kernel.engine import flat_images

        self._images, self._labels = flat_images(images), np.array(labels)

    def train(self, order: NDArray[np.int64], start: int, stop: int, epoch: int) -> tuple[float, int]:
        """See Engine."""
        return self._kernel.train(self._images, self._labels, order, start, stop, epoch)


def _compiled_tester(
    weights: Mapping[str, Tensor], settings: Settings, images: NDArray[np.uint8], labels: NDArray[np.int64]
) -> Test:
    from aanntwin.kernel.engine import Engine as Kernel
    from aanntwin.kernel.engine import flat_images

    rows, truth = flat_images(images), np.array(labels)
    arrays = {name: value.detach().cpu().float().numpy() for name, value in weights.items()}
    threads = settings.threads or available_cores()

    def test(circuit: Nonidealities, draw: int) -> tuple[float, float]:
        kernel = Kernel(settings, circuit, "test")
        kernel.load(arrays)
        losses, guesses = kernel.test(rows, truth, draw, threads)
        check_losses(np.isfinite(losses), draw)
        return float(losses.mean(dtype=np.float64)), float((guesses == truth).mean())

    return test


def check_losses(finite: NDArray[np.bool_], draw: int, before: int = 0) -> None:
    """Raise RunError for the first image of a test whose loss is not finite; `before`: images tested so far."""
    if not finite.all():
        image = before + int(np.flatnonzero(~finite)[0]) + 1
        raise RunError(
            f"test, draw {draw + 1}, image {image}: loss is not finite; the noises, ranges or weights are too large"
        )


def _check_images(settings: Settings, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> None:
    if images.dtype != np.uint8 or images.shape[1:] != settings.image_shape:
        raise InputError(
            f"images are {images.dtype} {images.shape[1:]}, allowed for {settings.dataset_name}: uint8 "
            f"{settings.image_shape}"
        )
    if len(images) != len(labels) or len(labels) == 0:
        raise InputError(f"{len(images)} images have {len(labels)} labels, allowed: one each, and one image at least")
    if labels.min() < 0 or labels.max() >= N_CLASSES:
        raise InputError(f"labels go from {labels.min()} to {labels.max()}, allowed: 0 to {N_CLASSES - 1}")
