"""How fast the corruption study trains, beside plain in-memory PyTorch and the published program's way.

The published way is a torchvision dataset whose images are corrupted one at a time, a DataLoader with two processes
(its default), and a loop over autograd and torch.optim.Adam. The straightforward one is the same without processes.
Plain in-memory torch holds the images as one float tensor, shuffles by index and corrupts whole batches. All have the
same network, optimizer and batches, one thread, and take turns in one process; seconds are those of 60,000 images,
scaled from the first --samples. The published way uses more cores: compare its CPU seconds. Needs MNIST's files below
--data-root or $NONIDEAL_DATA.

python -m benchmarks.corruption_speed          # about three minutes
"""

from __future__ import annotations

import argparse
import functools
import itertools
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from benchmarks.psa_meta_loop import best_s
from benchmarks.turns import Way, in_turns, measured, print_table
from common.datasets import data_root, load
from common.devices import set_threads
from corruption_study.nnet_models import TrainConfig, build_model, corrupt_pixels
from corruption_study.trainer import Stack, train

EPOCH = 60000
PUBLISHED_PROCESSES = 2  # of the published program's data_workers
STACKED = 4


class Corrupt:
    """A transform: each pixel, with probability p, becomes uniform."""

    def __init__(self, p: float) -> None:
        self.p = p

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """A corrupted copy of an image."""
        return torch.where(torch.rand_like(x) < self.p, torch.rand_like(x), x)


def epoch(config: TrainConfig, batches: Callable[[], Any], *, read_loss: bool) -> Callable[[], object]:
    """A function that trains an epoch by autograd and torch.optim.Adam."""
    model = build_model(config.model_type, config.activation)
    optimizer = torch.optim.Adam(model.parameters(), lr=config.learning_rate)

    def work() -> None:
        for x, y in batches():
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if read_loss:
                loss.item()

    return work


def with_loader(config: TrainConfig, root: str, samples: int, processes: int) -> Callable[[], object]:
    """A DataLoader over single images."""
    from torchvision import datasets, transforms

    transform = transforms.Compose([transforms.ToTensor(), Corrupt(config.p)])
    data = datasets.MNIST(root, train=True, download=False, transform=transform)
    subset = torch.utils.data.Subset(data, range(samples))
    loader: Any = torch.utils.data.DataLoader(subset, config.batch_size, shuffle=True, num_workers=processes)
    return epoch(config, lambda: iter(loader), read_loss=True)


def in_memory(config: TrainConfig, root: str, samples: int) -> Callable[[], object]:
    """Images as one float tensor; a batch is gathered by index and corrupted as a whole."""
    data = load("mnist", root)
    x = torch.from_numpy(data.train_x[:samples].reshape(samples, -1)).float() / 255
    y = torch.from_numpy(data.train_y[:samples].copy())
    shape = (-1, 1, 28, 28) if config.model_type == "cnn" else (-1, 784)

    def batches() -> Any:
        for index in torch.randperm(samples).split(config.batch_size):
            yield corrupt_pixels(x[index], config.p).view(shape), y[index]

    return epoch(config, batches, read_loss=False)


def ours(config: TrainConfig, samples: int, stack: int) -> Callable[[], object]:
    """An epoch of some runs side by side, without their test."""
    limited = replace(config, max_train_samples=samples)
    made = Stack([replace(limited, seed=seed) for seed in range(stack)])
    made.step(torch.zeros(stack, config.batch_size, dtype=torch.int64))  # compiles
    return made.train_epoch


def product_rate() -> float:
    """The best rate of a float32 matrix product of 2048 x 2048 [GFLOP/s]."""
    a = torch.randn(2048, 2048)
    return 2 * 2048**3 / best_s(functools.partial(torch.mm, a, a)) / 1e9


def flop_per_image(config: TrainConfig) -> float:
    """Products of a training step for one image: forward, weight gradients, and input gradients but the first's."""
    if config.model_type == "mlp":
        sizes = (784, *config.hidden_sizes, 10)
        layers = [2.0 * a * b for a, b in itertools.pairwise(sizes)]
    else:
        before, side, layers = 1, 28, []
        for count in config.channels:
            layers.append(2.0 * 9 * before * count * side * side)
            before, side = count, side // 2
        layers += [2.0 * before * side * side * config.hidden, 2.0 * config.hidden * 10]
    return 3 * sum(layers) - layers[0]


def compare(config: TrainConfig, root: str, samples: int, rounds: int) -> None:
    """Print the table of a model family."""
    units = samples / EPOCH
    given = (config, root, samples)
    ways = [
        Way("ours, one run", ours(config, samples, 1), units),
        Way(f"ours, each of {STACKED} stacked", ours(config, samples, STACKED), STACKED * units),
        Way("plain in-memory torch", in_memory(*given), units),
        Way("straightforward: DataLoader, no processes", with_loader(*given, 0), units),
        Way(f"published: DataLoader, {PUBLISHED_PROCESSES} processes", with_loader(*given, PUBLISHED_PROCESSES), units),
    ]
    before = product_rate()
    seconds = in_turns(ways, rounds)
    print_table(
        f"{config.model_type}, batch {config.batch_size}, p = {config.p:g}, one thread; an epoch", ways, seconds
    )
    rate = flop_per_image(config) * EPOCH / seconds[0].wall / 1e9
    print(f"  ours: products at {rate:.0f} GFLOP/s, {rate / max(before, product_rate()):.0%} of a large product's rate")


def campaign_cpu_s(config: TrainConfig, runs: int) -> float:
    """CPU seconds a run, its test included, of runs one after the other as a campaign's worker does them."""
    train([replace(config, max_train_samples=256, epochs=1)])
    return measured(lambda: [train([replace(config, seed=seed, p=seed / 10)]) for seed in range(runs)]).cpu / runs


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", help="folder with MNIST/raw (default: $NONIDEAL_DATA, else ./data)")
    parser.add_argument("--samples", type=int, default=60000, help="images of an MLP's epoch (default: 60000)")
    parser.add_argument("--cnn-samples", type=int, default=12000, help="images of a CNN's epoch (default: 12000)")
    parser.add_argument("--rounds", type=int, default=3, help="of which the shortest counts (default: 3)")
    arguments = parser.parse_args(argv)
    set_threads(1)
    root = str(data_root(arguments.data_root))
    mlp = TrainConfig(p=0.4, data_root=root)
    compare(mlp, root, arguments.samples, arguments.rounds)
    compare(replace(mlp, model_type="cnn"), root, arguments.cnn_samples, arguments.rounds)
    print(f"campaign: a run of 2 epochs of the MLP with its test {campaign_cpu_s(replace(mlp, epochs=2), 3):.2f} CPU s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
