"""Seconds of a PSA meta-loop: ours beside plain in-memory PyTorch, a DataLoader, and the published program's way.

    NONIDEAL_DATA=data python -m benchmarks.psa_meta_loop        # both families, five to ten minutes
    NONIDEAL_DATA=data python -m benchmarks.psa_meta_loop --arch "18*18" --family mlp --stack 8

A meta-loop is an epoch of 50,000 images in batches of 256 with AdamW, and the accuracy on 10,000 validation images.
All ways have the same network, optimizer and batch sizes, one thread, and take turns in one process; the published
one (its default of four loader processes) uses more cores: compare its CPU seconds. "Products" are the matrix products
of the networks alone. Needs MNIST, or --dataset digits.
"""

from __future__ import annotations

import argparse
import functools
import os
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.turns import Way, in_turns, print_table
from common.devices import set_threads
from psa_resmlp.model.images import image_sets
from psa_resmlp.study.architectures import FAMILIES, Architecture, parse
from psa_resmlp.study.data import MEAN, STD, StudyData, as_inputs, load_study
from psa_resmlp.training.config import TrainConfig
from psa_resmlp.training.engine import Engine
from psa_resmlp.training.replica import Replica

BATCH, TEST_BATCH = 256, 512
PUBLISHED_PROCESSES = 4  # of the published program's --num-workers


class Block(nn.Module):
    """A residual block."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """ReLU of the input plus what two layers make of it."""
        return torch.relu(x + self.two(torch.relu(self.one(x))))


def plain_network(architecture: Architecture, family: str) -> nn.Module:
    layers: list[nn.Module] = [nn.Flatten()]
    before = 784
    for count, width in architecture.stacks:
        for place in range(count if family == "mlp" else before != width):
            layers += [nn.Linear(width if place else before, width), nn.ReLU()]
        layers += [Block(width) for _ in range(count if family == "resmlp" else 0)]
        before = width
    return nn.Sequential(*layers, nn.Linear(before, 10))


class Pictures(torch.utils.data.Dataset[Any]):
    """One image at a time through PIL, ToTensor and Normalize, as torchvision's MNIST gives them."""

    def __init__(self, images: Any, labels: Any) -> None:
        from torchvision import transforms

        self.images, self.labels = images, labels
        self.transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((MEAN,), (STD,))])

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        from PIL import Image

        return self.transform(Image.fromarray(self.images[index])), int(self.labels[index])


Batches = Callable[[], Any]


def meta_loop(network: nn.Module, train: Batches, val: Batches, fused: bool = False) -> float:
    """A meta-loop by autograd and torch.optim; the number of validation images classified correctly."""
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-4, weight_decay=0.0, fused=fused)
    for x, y in train():
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(x), y).backward()
        optimiser.step()
    with torch.no_grad():
        return sum((network(x).argmax(1) == y).sum().item() for x, y in val())


def in_memory(architecture: Architecture, family: str, data: StudyData, fused: bool) -> Callable[[], object]:
    """Images as one float tensor, shuffled by index."""
    x, y = as_inputs(data.train_x), torch.from_numpy(data.train_y.copy())
    val_x, val_y = as_inputs(data.val_x), torch.from_numpy(data.val_y.copy())

    def train() -> Any:
        return ((x[index], y[index]) for index in torch.randperm(len(x)).split(BATCH))

    def val() -> Any:
        return zip(val_x.split(TEST_BATCH), val_y.split(TEST_BATCH), strict=True)

    return functools.partial(meta_loop, plain_network(architecture, family), train, val, fused)


def with_loader(architecture: Architecture, family: str, data: StudyData, processes: int) -> Callable[[], object]:
    """A DataLoader over single images."""
    warnings.filterwarnings("ignore", "This DataLoader will create")  # more processes than cores: as published
    train, val = (
        torch.utils.data.DataLoader(Pictures(x, y), batch_size=BATCH, shuffle=shuffle, num_workers=processes)
        for x, y, shuffle in ((data.train_x, data.train_y, True), (data.val_x, data.val_y, False))
    )
    return functools.partial(meta_loop, plain_network(architecture, family), lambda: iter(train), lambda: iter(val))


def ours(config: TrainConfig, images: Any, stack: int) -> Callable[[], object]:
    """A meta-loop of some trials side by side."""
    trials = [Replica(config, config.architecture, 1 + number, 0) for number in range(stack)]
    engine = Engine(trials, *images[:2])
    states = engine.initial(trials)
    engine.step(torch.arange(BATCH).expand(stack, -1).contiguous() % len(images[0]), _score(stack))  # compiles
    return lambda: engine.meta_loop(trials, states)


def _score(stack: int) -> Any:
    from common.replicas.loss import CrossEntropy

    return CrossEntropy(stack)


def products(architecture: Architecture, family: str, train: int, val: int) -> tuple[float, float]:
    """(floating-point operations of a meta-loop's products, seconds that these products take alone)."""
    total, seconds, timed = 0.0, 0.0, {}
    rng = torch.Generator().manual_seed(0)
    for place, (inputs, outputs) in enumerate(architecture.linears(family)):
        if (inputs, outputs) not in timed:
            x, w = torch.randn(BATCH, inputs, generator=rng), torch.randn(outputs, inputs, generator=rng)
            y, dw, dx = torch.empty(BATCH, outputs), torch.empty_like(w), torch.empty_like(x)
            kinds = ((x, w.t(), y), (y.t(), x, dw), (y, w, dx))
            timed[inputs, outputs] = [best_s(functools.partial(torch.mm, a, b, out=out)) for a, b, out in kinds]
        forward, weights, signals = timed[inputs, outputs]
        seconds += train / BATCH * (forward * (1 + val / train) + weights + (signals if place else 0))
        total += 2 * inputs * outputs * (train * (3 if place else 2) + val)
    return total, seconds


def best_s(call: Callable[[], object]) -> float:
    taken = []
    for _ in range(30):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return min(taken)


def compare(architecture: Architecture, family: str, data: StudyData, images: Any, options: Any) -> None:
    """Print one table."""
    config = TrainConfig(arch=str(architecture), family=family, dataset=options.dataset)
    plain = (architecture, family, data)
    ways = [
        Way("ours, one trial", ours(config, images, 1)),
        Way(f"ours, each of {options.stack} stacked", ours(config, images, options.stack), options.stack),
        Way("plain in-memory torch", in_memory(*plain, fused=False)),
        Way("the same with fused AdamW", in_memory(*plain, fused=True)),
        Way("straightforward: DataLoader, no processes", with_loader(*plain, 0)),
        Way(f"published: DataLoader, {PUBLISHED_PROCESSES} processes", with_loader(*plain, PUBLISHED_PROCESSES)),
    ]
    seconds = in_turns(ways, options.rounds)
    print_table(f"{architecture} {family}, one thread", ways, seconds)
    flops, floor_s = products(architecture, family, len(data.train_y), len(data.val_y))
    print(f"  products alone {floor_s:.3f} s at {flops / floor_s / 1e9:.0f} GFLOP/s: {floor_s / seconds[0].wall:.0%}")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", default="18*18,4*64,1*1024", help="architectures of one stack each")
    parser.add_argument("--family", nargs="+", choices=FAMILIES, default=["mlp", "resmlp"])
    parser.add_argument("--stack", type=int, default=8, help="trials side by side in the second row (default: 8)")
    parser.add_argument("--dataset", default="mnist", choices=("mnist", "digits"))
    parser.add_argument("--rounds", type=int, default=3, help="of which the shortest counts (default: 3)")
    options = parser.parse_args(argv)
    set_threads(1)
    data = load_study(options.dataset)
    images = image_sets(data, "cpu")
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}, torch {torch.__version__}; a meta-loop")
    for family in options.family:
        for name in options.arch.split(","):
            compare(parse(name), family, data, images, options)
    return 0


if __name__ == "__main__":
    np.seterr(all="raise")
    sys.exit(main())
