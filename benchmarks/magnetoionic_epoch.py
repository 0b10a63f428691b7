"""Seconds for an epoch of the default network: ours beside plain in-memory torch and the published program's way.

Both peers do everything in torch: an autograd.Function that draws read noise, and an optimizer that loops over devices
with elementwise operations. In memory: images as one tensor, batches in file order (as published), and no gradient of
the images. The published way: a DataLoader over single images, padded and made tensors one at a time, and the gradient
of the first layer's input, with its noise, as of every layer's. One thread each, taking turns in one process.
Needs MNIST (--data-root or $NONIDEAL_DATA).

python -m benchmarks.magnetoionic_epoch          # about three minutes
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from benchmarks.turns import Way, in_turns, print_table
from common.datasets import load
from common.devices import set_threads
from magnetoionic.build import setup
from magnetoionic.config import TrainConfig
from magnetoionic.curves import DOUBLE
from magnetoionic.images import padded

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
        slope, below = gradient.T @ current, None
        if ctx.needs_input_grad[0]:
            read = [device + torch.normal(0.0, ctx.noise, device.shape) for device in (first, second)]
            below = gradient @ (read[1] - read[0]) * ctx.scale
        return below, -slope, slope, None, None


class Padded(torch.utils.data.Dataset[Any]):
    """One image at a time through PIL, Pad and ToTensor, flattened, as torchvision's MNIST gives them."""

    def __init__(self, images: Any, labels: Any) -> None:
        from torchvision import transforms

        self.images, self.labels = images, labels
        self.transform = transforms.Compose([transforms.Pad(2), transforms.ToTensor(), torch.flatten])

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        from PIL import Image

        return self.transform(Image.fromarray(self.images[index])), int(self.labels[index])


def peer(field: str, batches: Callable[[], Any]) -> Callable[[], object]:
    """A function that trains an epoch."""
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

    def epoch() -> None:
        for values, labels in batches():
            for number, ((first, second), norm) in enumerate(zip(pairs, norms, strict=True)):
                values = norm(Peer.apply(values, first, second, CONFIG.input_scale, CONFIG.resistor_noise))
                values = torch.relu(values) if number == 0 else values
            gradients = torch.autograd.grad(torch.nn.functional.cross_entropy(values, labels), devices)
            with torch.no_grad():
                for device, gradient, variability in zip(devices, gradients, vary, strict=True):
                    pulse(device, gradient, variability)
                for pair in pairs:
                    rewrite(*pair)

    def pulse(device: Tensor, gradient: Tensor, variability: Tensor) -> None:
        device.clamp_(bottom, top)
        pulses = CONFIG.lr * gradient.abs() * variability
        pulses = torch.where(pulses < CONFIG.clipping, 0.0, pulses)
        moved = curve.value(curve.pulses(device) + pulses)
        device.copy_(torch.where(gradient >= 0, moved, device))

    def rewrite(first: Tensor, second: Tensor) -> None:
        low, mirror = first < bottom, second < bottom
        first_new = torch.where(low, bottom - (second - top), torch.where(mirror, top, first))
        second_new = torch.where(mirror, bottom - (first - top), torch.where(low, top, second))
        first.copy_(first_new)
        second.copy_(second_new)

    return epoch


def in_memory(field: str, data: Any) -> Callable[[], object]:
    """Images as one float tensor."""
    images, labels = torch.from_numpy(padded(data.train_x)).float() / 255, torch.from_numpy(data.train_y.copy())
    size = CONFIG.batch_size
    return peer(field, lambda: zip(images.split(size), labels.split(size), strict=True))


def published(field: str, data: Any) -> Callable[[], object]:
    """A DataLoader over single images, and the gradient of every layer's input, the first one's too."""
    loader: Any = torch.utils.data.DataLoader(Padded(data.train_x, data.train_y), batch_size=CONFIG.batch_size)
    return peer(field, lambda: ((x.requires_grad_(), y) for x, y in loader))


def ours(config: TrainConfig) -> Callable[[], object]:
    """An epoch of one model (training only)."""
    ready = setup(config)
    [model] = ready.models()
    model.train_epoch(ready.train[:2], 1, _nothing)  # compiles
    return lambda: model.train_epoch(ready.train, 1, _nothing)


def _nothing() -> None:
    pass


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2, metavar="N", help="of which the shortest counts (default: 2)")
    parser.add_argument("--data-root", metavar="DIR")
    given = parser.parse_args(argv)
    data = load("mnist", given.data_root)
    set_threads(1)
    for field in DOUBLE:
        config = replace(CONFIG, field=(field,), data_root=given.data_root, n_models=1)
        ways = [
            Way("ours", ours(config)),
            Way("plain in-memory torch", in_memory(field, data)),
            Way("published: DataLoader", published(field, data)),
        ]
        print_table(f"{field}: an epoch of a model, one thread", ways, in_turns(ways, given.rounds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
