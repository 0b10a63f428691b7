"""From a configuration to images, curves and models, with everything checked before any work starts."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

from common.datasets import Dataset, load
from common.errors import InputError
from magnetoionic.config import TrainConfig, task_data
from magnetoionic.device import Device, find_device
from magnetoionic.devices.curves import AnyCurve, SingleCurve
from magnetoionic.devices.fields import MEASURED, find_field
from magnetoionic.images import PIXELS, Batch, batches
from magnetoionic.network import DeviceLayer, Network, Noise
from magnetoionic.pairs import PairLayer
from magnetoionic.relaxation import Relaxation, relaxation
from magnetoionic.rule import Rule
from magnetoionic.singles import SingleLayer


@dataclass(frozen=True, eq=False)
class Setup:
    """Everything that a simulation trains with.

    Attributes:
        config: its options.
        curves: of its one or two fields.
        data: the images.
        train, test: their batches.
        relaxation: the change after training; None for single devices.
        device: the measured device of --device-curve; None without one.
    """

    config: TrainConfig
    curves: tuple[AnyCurve, ...]
    data: Dataset
    train: list[Batch]
    test: list[Batch]
    relaxation: Relaxation | None
    device: Device | None = None

    def models(self) -> list[Network]:
        """The models before their first epoch."""
        return [self._model(self.config.seed + number) for number in range(self.config.n_models)]

    def relaxed_test(self) -> list[Batch]:
        """The test images with the input scale after field relaxation."""
        assert self.relaxation is not None
        return self._test(self.config.input_scale * self.relaxation.ratio)

    @property
    def ends_measured(self) -> Device | None:
        """The measured device if the last field is "measured"; None if the devices end on another curve."""
        return self.device if self.config.fields[-1] == MEASURED else None

    def _test(self, input_scale: float) -> list[Batch]:
        return batches(self.data.test_x, self.data.test_y, self.config.batch_size, input_scale)

    def _model(self, seed: int) -> Network:
        config, sizes = self.config, (PIXELS, *self.config.layers, self.data.n_classes)
        rule = Rule(config.lr, config.clipping, config.clips_physically)
        devices: list[DeviceLayer] = []
        for number, shape in enumerate(itertools.pairwise(sizes), 1):
            names = (seed, "layer", number)
            curve = self.curves[0]
            if isinstance(curve, SingleCurve):
                devices.append(SingleLayer(shape, curve, rule, config.initial, config.scale, *names))
            else:
                devices.append(PairLayer(shape, curve, rule, config.initial, config.var, *names))
        noise = Noise(config.voltage_noise, config.resistor_noise, config.device_noise)
        return Network(devices, noise, config.input_scale, config.lr, seed, config.batch_size)


def setup(config: TrainConfig, folder: Path | None = None) -> Setup:
    """Read images and curves.

    Args:
        config: the simulation's options.
        folder: of a resumed simulation; None for a new one.

    Raises:
        InputError: a file is missing or damaged, or the last batch would hold a single image.
    """
    device = find_device(config, folder)
    curves = tuple(find_curve(name, config, device) for name in config.fields)
    data = load(task_data(config.task), config.data_root)
    if len(data.train_x) % config.batch_size == 1:
        raise InputError(
            f"--batch-size {config.batch_size} leaves a last batch of one of {len(data.train_x)} images, too few for "
            "batch normalization; give another size"
        )
    train = batches(data.train_x, data.train_y, config.batch_size, config.input_scale)
    test = batches(data.test_x, data.test_y, config.batch_size, config.input_scale)
    return Setup(config, curves, data, train, test, relaxation(config, curves), device)


def find_curve(name: str, config: TrainConfig, device: Device | None = None) -> AnyCurve:
    """The curve of a field, in units of the model; that of "measured" is `device`'s (None: read from its file)."""
    if (curve := find_field(name).curve) is not None:
        return curve
    device = device or find_device(config)
    assert device is not None
    return device.used.trained
