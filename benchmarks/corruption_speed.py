"""How fast the corruption study trains, beside the straightforward way, measured in one process after the other.

The straightforward way is a torchvision dataset with a transform that corrupts each image, a DataLoader with two
processes, and a loop over autograd and torch.optim.Adam. Needs MNIST's files below --data-root or $NONIDEAL_DATA.

python -m benchmarks.corruption_speed
"""

from __future__ import annotations

import argparse
import itertools
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from common.datasets import data_root
from common.devices import set_threads
from corruption_study.nnet_models import TrainConfig, build_model
from corruption_study.trainer import Stack, train


class Corrupt:
    """A transform: each pixel, with probability p, becomes uniform."""

    def __init__(self, p: float) -> None:
        self.p = p

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """A corrupted copy of an image."""
        return torch.where(torch.rand_like(x) < self.p, torch.rand_like(x), x)


def straightforward(config: TrainConfig, root: str, samples: int) -> tuple[float, float]:
    """Wall and CPU seconds for an epoch of 60,000 images, scaled up from `samples`; loader processes included."""
    from torchvision import datasets, transforms

    transform = transforms.Compose([transforms.ToTensor(), Corrupt(config.p)])
    data = datasets.MNIST(root, train=True, download=False, transform=transform)
    subset = torch.utils.data.Subset(data, range(samples))
    loader: Any = torch.utils.data.DataLoader(subset, config.batch_size, shuffle=True, num_workers=2)
    model = build_model(config.model_type, config.activation)
    optimizer = torch.optim.Adam(model.parameters(), lr=config.learning_rate)

    def epoch() -> None:
        for x, y in loader:
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss.item()

    wall, cpu = measured(epoch)
    return wall * 60000 / samples, cpu * 60000 / samples


def ours(config: TrainConfig, epochs: int) -> tuple[float, float]:
    """Wall and CPU seconds for an epoch, without the test, after a first short run."""
    set_threads(config.cpu_threads)
    Stack([config])
    stack = Stack([config])
    stack.step(torch.zeros(1, config.batch_size, dtype=torch.int64))
    wall, cpu = measured(lambda: [stack.train_epoch() for _ in range(epochs)])
    return wall / epochs, cpu / epochs


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """Wall seconds, and CPU seconds of this process and of its children that have ended."""
    before, start = cpu_seconds(), time.perf_counter()
    work()
    return time.perf_counter() - start, cpu_seconds() - before


def cpu_seconds() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def product_rate(threads: int) -> float:
    """The best rate of a float32 matrix product of 2048 x 2048 [GFLOP/s]."""
    torch.set_num_threads(threads)
    a = torch.randn(2048, 2048)
    taken = []
    for _ in range(12):
        start = time.perf_counter()
        torch.mm(a, a)
        taken.append(time.perf_counter() - start)
    return 2 * 2048**3 / min(taken) / 1e9


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


def share(config: TrainConfig, epochs: int) -> tuple[float, float, float]:
    """Seconds an epoch, GFLOP/s of its products over the whole epoch, and their share of `product_rate`."""
    before = product_rate(config.cpu_threads)
    wall, _ = ours(config, epochs)
    rate = flop_per_image(config) * (config.max_train_samples or 60000) / wall / 1e9
    return wall, rate, rate / max(before, product_rate(config.cpu_threads))


def campaign(config: TrainConfig, runs: int) -> float:
    """CPU seconds a run, its test included, of runs one after the other as a campaign's worker does them."""
    train([replace(config, max_train_samples=256, epochs=1)])
    _, cpu = measured(lambda: [train([replace(config, seed=seed, p=seed / 10)]) for seed in range(runs)])
    return cpu / runs


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", help="folder with MNIST/raw (default: $NONIDEAL_DATA, else ./data)")
    parser.add_argument(
        "--samples", type=int, default=30000, help="images of the straightforward epoch (default: 30000)"
    )
    parser.add_argument("--cnn-samples", type=int, default=10000, help="images of the CNN's epoch (default: 10000)")
    cores = len(os.sched_getaffinity(0))
    counts = sorted({min(2, cores), 1}, reverse=True)
    parser.add_argument("--threads", type=int, nargs="+", default=counts, help=f"thread counts (default: {counts})")
    arguments = parser.parse_args(argv)
    root = str(data_root(arguments.data_root))
    mlp = TrainConfig(p=0.4, data_root=root)
    print("default MLP, batch 128, p = 0.4, seconds an epoch of 60,000 images (CPU seconds)")
    plain = []
    for count in arguments.threads:
        torch.set_num_threads(count)
        plain.append(straightforward(mlp, root, arguments.samples))
        print(f"straightforward, {count} thread(s) and two processes {plain[-1][0]:6.2f} ({plain[-1][1]:.2f})")
    wall, cpu = min(wall for wall, _ in plain), min(cpu for _, cpu in plain)
    for count in arguments.threads:
        mine = ours(replace(mlp, cpu_threads=count), 2)
        ratios = f"{wall / mine[0]:.1f} times faster than its best, {cpu / mine[1]:.1f} in CPU"
        print(f"ours, {count} thread(s) {mine[0]:6.2f} ({mine[1]:.2f})  {ratios}")
    run_cpu = campaign(replace(mlp, epochs=2), 3)
    print(f"campaign, 2 epochs a run: {run_cpu:.2f} CPU seconds a run with its test")
    print(f"straightforward training alone: {2 * cpu:.2f}, {2 * cpu / run_cpu:.1f} times as much")
    cnn = replace(mlp, model_type="cnn", max_train_samples=arguments.cnn_samples)
    for name, config in (("mlp", mlp), ("cnn", cnn)):
        for count in arguments.threads:
            _, rate, part = share(replace(config, cpu_threads=count), 1)
            print(f"{name}, {count} thread(s): products at {rate:.0f} GFLOP/s, {part:.0%} of a large product's rate")
    return 0


if __name__ == "__main__":
    sys.exit(main())
