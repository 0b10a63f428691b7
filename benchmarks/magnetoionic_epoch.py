"""Seconds for an epoch of the default network: a straightforward program in torch, and ours for one model and ten.

The peer does everything in torch: an autograd.Function that draws read noise for every layer's weights, the first one's
too, and an optimizer that loops over devices with elementwise operations. Needs MNIST (--data-root or $NONIDEAL_DATA).

python -m benchmarks.magnetoionic_epoch
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from common.datasets import load
from common.devices import available_cores, set_threads
from magnetoionic.build import setup
from magnetoionic.config import TrainConfig
from magnetoionic.curves import DOUBLE
from magnetoionic.images import padded
from magnetoionic.network import Network

CONFIG = TrainConfig(lr=1000.0, clipping=0.1, resistor_noise=0.015, var=0.2)


class Peer(torch.autograd.Function):
    """Two devices per weight with noise drawn by torch.normal wherever the description has it."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, first: Tensor, second: Tensor, scale: float, noise: float) -> Tensor:
        """Hall voltages."""
        current = values * scale
        ctx.save_for_backward(current, first, second)
        ctx.scale, ctx.noise = scale, noise
        voltage = current @ (second - first).T
        return voltage + torch.normal(0.0, 1e-4 * noise, voltage.shape)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients, from devices read with noise."""
        current, first, second = ctx.saved_tensors
        (gradient,) = gradients
        read = [device + torch.normal(0.0, ctx.noise, device.shape) for device in (first, second)]
        slope = gradient.T @ current
        return gradient @ (read[1] - read[0]) * ctx.scale, -slope, slope, None, None


def peer_epochs(field: str, images: Tensor, labels: Tensor, epochs: int) -> list[float]:
    """Seconds of each epoch of the peer."""
    torch.manual_seed(100)
    curve, sizes = DOUBLE[field], (1024, 512, 10)
    top, bottom = float(curve.value(0.0)), float(curve.value(curve.last))
    pairs, norms = [], []
    for inputs, outputs in itertools.pairwise(sizes):
        first = torch.full((outputs, inputs), top - 0.01)
        second = first - torch.empty_like(first).uniform_(-0.01, 0.01)
        pairs.append((first.requires_grad_(), second.requires_grad_()))
        norms.append(torch.nn.BatchNorm1d(outputs, momentum=0.15, affine=False))
    devices = [device for pair in pairs for device in pair]
    vary = [torch.normal(1.0, CONFIG.var, device.shape).abs() for device in devices]
    images.requires_grad_()  # as where the input is a layer's output: its gradient is computed, and so is its noise
    seconds = []
    for _ in range(epochs):
        start = time.perf_counter()
        for at in range(0, len(images), CONFIG.batch_size):
            values = images[at : at + CONFIG.batch_size]
            for number, ((first, second), norm) in enumerate(zip(pairs, norms, strict=True)):
                values = norm(Peer.apply(values, first, second, CONFIG.input_scale, CONFIG.resistor_noise))
                values = torch.relu(values) if number == 0 else values
            loss = torch.nn.functional.cross_entropy(values, labels[at : at + CONFIG.batch_size])
            gradients = torch.autograd.grad(loss, devices)
            with torch.no_grad():
                for device, gradient, variability in zip(devices, gradients, vary, strict=True):
                    device.clamp_(bottom, top)
                    pulses = CONFIG.lr * gradient.abs() * variability
                    pulses = torch.where(pulses < CONFIG.clipping, 0.0, pulses)
                    moved = curve.value(curve.pulses(device) + pulses)
                    device.copy_(torch.where(gradient >= 0, moved, device))
                for first, second in pairs:
                    low, mirror = first < bottom, second < bottom
                    first_new = torch.where(low, bottom - (second - top), torch.where(mirror, top, first))
                    second_new = torch.where(mirror, bottom - (first - top), torch.where(low, top, second))
                    first.copy_(first_new)
                    second.copy_(second_new)
        seconds.append(time.perf_counter() - start)
    return seconds


def our_epochs(config: TrainConfig, epochs: int, threads: int) -> list[float]:
    """Seconds of each epoch (training only) for all models of a configuration."""
    ready = setup(config)
    models = ready.models()
    models[0].train_epoch(ready.train[:2], 1, _nothing)  # compiles

    def work(model: Network) -> None:
        model.train_epoch(ready.train, 1, _nothing)

    seconds = []
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(epochs):
            start = time.perf_counter()
            list(pool.map(work, models))
            seconds.append(time.perf_counter() - start)
    return seconds


def _nothing() -> None:
    pass


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=2, metavar="N", help="epochs to take the median of (default: 2)")
    parser.add_argument("--data-root", metavar="DIR")
    given = parser.parse_args(argv)
    data, cores = load("mnist", given.data_root), available_cores()
    images = torch.from_numpy(padded(data.train_x)).float() / 255
    labels = torch.from_numpy(data.train_y.copy())
    print(f"{cores} cores; seconds an epoch (60,000 images, batches of 128), medians of {given.epochs}")
    for field in DOUBLE:
        set_threads(cores, libraries=("torch", "numba"))
        peer = statistics.median(peer_epochs(field, images.clone(), labels, given.epochs))
        set_threads(1)
        config = replace(CONFIG, field=(field,), data_root=given.data_root)
        one = statistics.median(our_epochs(replace(config, n_models=1), given.epochs, 1))
        ten = statistics.median(our_epochs(replace(config, n_models=10), given.epochs, cores)) / 10
        print(
            f"{field}: torch, all cores {peer:.2f}; ours, one model on one core {one:.2f} ({peer / one:.1f} times "
            f"faster); each of ten models {ten:.2f} ({peer / ten:.1f} times)"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
