"""One model on the compiled kernels: forward, backward, update, one batch after another, in one thread.

The reference for this network is `magnetoionic.modules`, in torch; tests compare the two.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.errors import RunError
from magnetoionic.images import Batch
from magnetoionic.kernels import norm
from magnetoionic.kernels.normal import NormalStream
from magnetoionic.kernels.sparse import sparse_voltage
from magnetoionic.pairs import PairLayer
from magnetoionic.singles import SingleLayer

MOMENTUM, EPS = np.float32(0.15), np.float32(1e-5)
Array = NDArray[np.float32]
DeviceLayer = PairLayer | SingleLayer


@dataclass(frozen=True)
class Noise:
    """Standard deviations.

    Attributes:
        voltage: of a Hall voltage.
        resistor: of the reading of one device, for the backward pass.
        forward: whether the forward pass reads devices with that noise, too.
    """

    voltage: float
    resistor: float
    forward: bool = False


@dataclass(frozen=True)
class Epoch:
    """The results of an epoch of training.

    Attributes:
        loss, accuracy: means over its images.
        last_loss: mean loss of the last batch.
        gradients: lr * mean |gradient| of the last batch, by layer.
    """

    loss: float
    accuracy: float
    last_loss: float
    gradients: tuple[float, ...]


class Layer:
    """Devices, batch normalization, and room for one batch."""

    def __init__(self, devices: DeviceLayer, batch_size: int) -> None:
        inputs, outputs = devices.weight.shape
        self.devices = devices
        self.running_mean, self.running_var = np.zeros(outputs, np.float32), np.ones(outputs, np.float32)
        self.mean, self.inverse = np.zeros(outputs, np.float32), np.zeros(outputs, np.float32)
        self.sums = np.zeros((2, outputs), np.float32)
        self.current = np.zeros((batch_size, inputs), np.float32)
        self.voltage = np.zeros((batch_size, outputs), np.float32)  # normalized in place
        self.gradient = np.zeros((batch_size, outputs), np.float32)

    def statistics(self) -> dict[str, Array]:
        """The running statistics by the names of torch's BatchNorm1d."""
        return {"running_mean": self.running_mean, "running_var": self.running_var}

    def arrays(self) -> dict[str, Array]:
        """Everything that training changes, by name."""
        return {**self.devices.arrays(), **self.statistics()}

    def load(self, arrays: dict[str, Array]) -> None:
        """The inverse of `arrays`."""
        self.devices.load(arrays)
        self.running_mean[...], self.running_var[...] = arrays["running_mean"], arrays["running_var"]


class Network:
    """A model.

    Args:
        devices: layer by layer.
        noise: see `Noise`.
        input_scale: current of an activation of 1; the images' currents are scaled already.
        lr: learning rate, for the reported gradients.
        seed: seed of its streams of noise.
        batch_size: the largest number of images at a time.
    """

    def __init__(
        self, devices: Sequence[DeviceLayer], noise: Noise, input_scale: float, lr: float, seed: int, batch_size: int
    ) -> None:
        self.layers = [Layer(each, batch_size) for each in devices]
        self.noise, self.input_scale, self._lr, self.seed = noise, np.float32(input_scale), lr, seed

    def train_epoch(self, batches: Sequence[Batch], epoch: int, beat: Callable[[], None]) -> Epoch:
        """Train on every batch once; `beat` is called after each.

        Raises:
            RunError: the loss is not finite.
        """
        voltage_noise, read_noise = (NormalStream(self.seed, name, epoch) for name in ("voltage", "read"))
        loss, last, right, images = 0.0, 0.0, 0, 0
        gradients: tuple[float, ...] = ()
        for number, batch in enumerate(batches, 1):
            outputs = self.forward(batch, voltage_noise, training=True)
            error = self.layers[-1].gradient[: len(batch.labels)]
            added, correct = norm.cross_entropy(outputs, batch.labels, error)
            if not math.isfinite(added):
                raise RunError(
                    f"the loss of the model with seed {self.seed} is {added} in epoch {epoch}, batch {number}"
                )
            sizes = self.backward(batch, read_noise, measure=number == len(batches))
            gradients, last = tuple(self._lr * size for size in sizes), added / len(batch.labels)
            loss, right, images = loss + added, right + correct, images + len(batch.labels)
            beat()
        return Epoch(loss / images, right / images, last, gradients)

    def check_finite(self, epoch: int) -> None:
        """Check that everything which training changes is finite.

        Raises:
            RunError: it is not; the message names the array, the layer and the epoch.
        """
        for number, layer in enumerate(self.layers, 1):
            for name, array in layer.arrays().items():
                if not np.isfinite(array).all():
                    where = f"layer {number} of the model with seed {self.seed}"
                    raise RunError(f"{name} of {where} is not finite after epoch {epoch}")

    def accuracy(self, batches: Sequence[Batch], *names: str | int, beat: Callable[[], None]) -> float:
        """Share of images classified correctly, with the noise stream of that name."""
        noise, right = NormalStream(self.seed, "test", *names), 0
        for batch in batches:
            right += int((self.forward(batch, noise, training=False).argmax(1) == batch.labels).sum())
            beat()
        return right / sum(len(batch.labels) for batch in batches)

    def forward(
        self,
        batch: Batch,
        noise: NormalStream,
        *,
        training: bool,
        watch: Callable[[int, Array | None, Array], None] | None = None,
    ) -> Array:
        """The outputs, (B, classes).

        `watch` is called with each layer's number from 0, its currents (None: the image's), and its voltages.
        """
        count = len(batch.labels)
        for number, layer in enumerate(self.layers):
            current, voltage = layer.current[:count], layer.voltage[:count]
            weight = layer.devices.weight
            if self.noise.forward and self.noise.resistor > 0:
                weight = self._read(layer, noise)
            if number == 0:
                sparse_voltage(batch.image_starts, batch.pixels, batch.currents, weight, voltage)
            else:
                norm.relu_current(self.layers[number - 1].voltage[:count], self.input_scale, current)
                np.matmul(current, weight, out=voltage)
            if self.noise.voltage > 0:
                noise.add(voltage, self.noise.voltage)
            if watch is not None:
                watch(number, current if number else None, voltage)
            statistics = (layer.running_mean, layer.running_var)
            if training:
                norm.normalize_batch(voltage, EPS, MOMENTUM, layer.mean, layer.inverse, *statistics)
            else:
                norm.normalize_running(voltage, EPS, *statistics, layer.inverse)
        return self.layers[-1].voltage[:count]

    def backward(self, batch: Batch, noise: NormalStream, *, measure: bool = False) -> list[float]:
        """Update all devices from the gradient in the last layer; with `measure`, returns mean |gradient| by layer."""
        count, sizes = len(batch.labels), []
        for number in range(len(self.layers) - 1, -1, -1):
            layer = self.layers[number]
            gradient = layer.gradient[:count]
            norm.normalize_backward(layer.voltage[:count], layer.inverse, gradient, layer.sums)
            if number == 0:
                if measure:
                    sizes.append(float(np.abs(layer.devices.gradient(batch, gradient)).mean(dtype=np.float64)))
                layer.devices.pulse_sparse(batch, gradient)
                break
            # The input's gradient comes before the update, from weights that are read with noise. For the first layer
            # nothing depends on it, so it is not computed there.
            before = self.layers[number - 1]
            weight = self._read(layer, noise) if self.noise.resistor > 0 else layer.devices.weight
            np.matmul(gradient, (weight * self.input_scale).T, out=before.gradient[:count])
            norm.relu_backward(before.voltage[:count], before.gradient[:count])
            slope = layer.current[:count].T @ gradient
            if measure:
                sizes.append(float(np.abs(slope).mean(dtype=np.float64)))
            layer.devices.pulse(slope)
        return sizes[::-1]

    def _read(self, layer: Layer, noise: NormalStream) -> Array:
        """Weights as read: each device with independent noise, of which only the difference matters."""
        weight = layer.devices.weight.copy()
        noise.add(weight, self.noise.resistor * math.sqrt(layer.devices.reads))
        return weight
