"""A model for the compiled kernels: weights by their names on file, images as bytes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aanntwin.config import ModelParams, Nonidealities, Normalization, Settings
from aanntwin.kernel.layout import Floats, NetShape, make_net, make_work, zeros
from aanntwin.kernel.normals import make_key
from aanntwin.kernel.packing import pack, unpack
from aanntwin.kernel.passes import Circuit
from aanntwin.kernel.step import Rates, test_range, train_range
from aanntwin.signal_path import linear_names
from aanntwin.sizes import Sizes, derive

Arrays = dict[str, Floats]


class CompiledModel:
    """One model with its circuit; only `test` may run in several threads at once.

    Args:
        settings: shape, normalization, compat, seed and rates.
        nonidealities: the circuit.
        stream: name of the noise; the same settings and stream give the same noise.
    """

    def __init__(self, settings: Settings, nonidealities: Nonidealities, stream: str) -> None:
        params, rates = settings.model_params, settings.train_params
        self._sizes = derive(params, settings.image_shape)
        self._names = linear_names(len(params.additional_layers))
        self.circuit = make_circuit(nonidealities, settings.compat, make_key(settings.seed, "aanntwin", stream))
        self._net = make_net(net_shape(params, self._sizes), reshaped=self.circuit.shaped)
        self._rates = Rates(np.float32(rates.lr), np.float32(rates.momentum), np.float32(rates.weight_decay))
        self._batch = rates.batch_size
        self._table = pixel_table(settings.normalization)
        self._weights = zeros(self._net.size)
        self._velocity = zeros(self._net.size)
        self._gradient = zeros(self._net.size)
        self._work = make_work(self._net, self._batch)

    def load(self, weights: Mapping[str, NDArray[Any]], velocity: Mapping[str, NDArray[Any]] | None = None) -> None:
        """Set weights, and the optimizer's velocity (zero if not given)."""
        self._weights = pack(self._net, weights, self._names)
        self._velocity = pack(self._net, velocity, self._names) if velocity else zeros(self._net.size)

    def weights(self) -> Arrays:
        """Copies of the weights by their names on file."""
        return unpack(self._net, self._weights, self._names)

    def velocity(self) -> Arrays:
        """Copies of the optimizer's velocity, named as the weights."""
        return unpack(self._net, self._velocity, self._names)

    def train(
        self, images: NDArray[np.uint8], labels: NDArray[np.int64], order: NDArray[np.int64], start: int, stop: int,
        epoch: int,
    ) -> tuple[float, int]:  # fmt: skip
        """Train on images order[start:stop]; the sum of losses and -1, or the position of a loss that is not finite.

        Args:
            images: (N, pixels) in the order channel, row, column.
            labels: (N,).
            order: the whole epoch's.
            start: a multiple of the batch size.
            stop: end, exclusive; the last batch may be smaller.
            epoch: decides the noise.
        """
        total, bad = train_range(
            self._net, self.circuit, self._rates, self._work, self._weights, self._gradient, self._velocity, images,
            labels, self._table, order, start, stop, self._batch, epoch,
        )  # fmt: skip
        return float(total), int(bad)

    def test(
        self, images: NDArray[np.uint8], labels: NDArray[np.int64], draw: int = 0, threads: int = 1
    ) -> tuple[Floats, NDArray[np.int64]]:
        """Loss and predicted class of each image; `draw` decides the noise, and threads change no number."""
        losses, guesses = np.zeros(len(images), np.float32), np.zeros(len(images), np.int64)

        def part(bounds: tuple[int, int]) -> None:
            test_range(
                self._net, self.circuit, make_work(self._net, len(images)), self._weights, images, labels, self._table,
                *bounds, draw, losses, guesses,
            )  # fmt: skip

        edges = np.linspace(0, len(images), max(1, threads) + 1).astype(int).tolist()
        bounds = list(itertools.pairwise(edges))
        if len(bounds) == 1:
            part(bounds[0])
        else:
            with ThreadPoolExecutor(len(bounds)) as pool:
                list(pool.map(part, bounds))
        return losses, guesses


def flat_images(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Images (N, C, H, W) in the kernels' form: (N, pixels), contiguous."""
    return np.ascontiguousarray(images).reshape(len(images), -1)


def make_circuit(nonidealities: Nonidealities, compat: str | None, key: NDArray[np.uint32]) -> Circuit:
    """Nonidealities in the kernels' form."""
    hidden = Nonidealities() if compat == "published" else nonidealities
    poly = np.array(nonidealities.linear_input_nonlin or (), np.float32)
    conv_poly = np.array(nonidealities.conv2d_input_nonlin or (), np.float32)
    slope = (poly[1:] * np.arange(1, len(poly), dtype=np.float32)).astype(np.float32)
    if len(poly) == 1:
        slope = np.zeros(1, np.float32)
    clips = (nonidealities.conv2d_input_clip, nonidealities.linear_input_clip)
    conv_limit, limit = (np.float32(np.inf if clip is None else clip) for clip in clips)
    return Circuit(
        input_noise=np.float32(nonidealities.input_noise or 0),
        conv_noise=np.float32(nonidealities.conv2d_out_noise or 0),
        linear_noise=np.float32(nonidealities.linear_out_noise or 0),
        conv_relu_noise=np.float32(nonidealities.relu_out_noise or 0),
        relu_noise=np.float32(hidden.relu_out_noise or 0),
        conv_cutoff=np.float32(nonidealities.relu_cutoff),
        cutoff=np.float32(hidden.relu_cutoff),
        conv_limit=conv_limit,
        limit=limit,
        conv_poly=conv_poly,
        poly=poly,
        slope=slope,
        conv_shaped=bool(conv_limit < np.inf or len(conv_poly) > 0),
        shaped=bool(limit < np.inf or len(poly) > 0),
        key=key,
    )


def pixel_table(normalization: Normalization) -> Floats:
    """The normalized value of each byte, rounded as by the PyTorch layer."""
    slope = (normalization.max_out - normalization.min_out) / (normalization.max_in - normalization.min_in)
    offset = normalization.min_out - slope * normalization.min_in
    brightness = np.arange(256, dtype=np.float32) / np.float32(255)
    return brightness * np.float32(slope) + np.float32(offset)


def net_shape(params: ModelParams, sizes: Sizes) -> NetShape:
    """A model's shape in the kernels' form."""
    return NetShape(
        channels=params.conv_out_channels, in_channels=sizes.in_channels, in_size=sizes.in_size,
        kernel_size=params.kernel_size, stride=params.stride, padding=params.padding, side=sizes.conv_out,
        pool=params.pool_size, pool_side=sizes.pool_out, widths=sizes.widths,
    )  # fmt: skip
