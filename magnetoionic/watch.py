"""Currents and voltages of one test image, layer by layer (`--compute-intermediate`)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from magnetoionic.build import Setup
from magnetoionic.images import batches, padded
from magnetoionic.kernels.normal import NormalStream
from magnetoionic.network import Network
from magnetoionic.outputs import save_array


def write_intermediate(setup: Setup, model: Network, folder: Path, prefix: str) -> None:
    """Write PREFIX-intensity-layer-K.pth (1, inputs) and PREFIX-voltage-layer-K.pth (1, outputs) for K = 0, 1, ..

    The image is the first of the test set. Voltages are noisy, before batch normalization, in units of the device file.
    """
    if not setup.config.compute_intermediate:
        return
    scale = setup.config.input_scale
    unit = setup.ends_measured.used.units.size if setup.ends_measured else 1.0
    image = batches(setup.data.test_x[:1], setup.data.test_y[:1], 1, scale)[0]
    pixels = padded(setup.data.test_x[:1])[0] / np.float32(255) * np.float32(scale)

    def write(number: int, current: NDArray[np.float32] | None, voltage: NDArray[np.float32]) -> None:
        entering = pixels[None] if current is None else current
        save_array(folder / f"{prefix}-intensity-layer-{number}.pth", entering)
        save_array(folder / f"{prefix}-voltage-layer-{number}.pth", unit * voltage)

    model.forward(image, NormalStream(model.seed, "test", "intermediate"), training=False, watch=write)
