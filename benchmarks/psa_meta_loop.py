"""Seconds of a PSA meta-loop: ours alone and stacked, a plain PyTorch loop as published, and the products' own rate.

    NONIDEAL_DATA=data python benchmarks/psa_meta_loop.py            # [18*18] and [1*1024], about two minutes
    NONIDEAL_DATA=data python benchmarks/psa_meta_loop.py --arch "18*18" --trials 60

Everything is measured in one run, so that ratios hold on a busy machine too. Needs MNIST, or --dataset digits.
"""

import argparse
import os
import time
from dataclasses import replace

import numpy as np
import torch

from common.devices import available_cores, set_threads
from psa_resmlp.model.images import image_sets
from psa_resmlp.study.architectures import parse
from psa_resmlp.study.data import MEAN, STD, load_study
from psa_resmlp.study.modes import MODE_NAMES
from psa_resmlp.training.config import TrainConfig
from psa_resmlp.training.engine import Engine
from psa_resmlp.training.replica import Replica
from psa_resmlp.training.stacks import groups, stack_choice, thread_pool, threads_for


class Block(torch.nn.Module):
    """A residual block."""

    def __init__(self, width):
        super().__init__()
        self.one, self.two = torch.nn.Linear(width, width), torch.nn.Linear(width, width)

    def forward(self, x):
        """ReLU of the input plus what two layers make of it."""
        return torch.relu(x + self.two(torch.relu(self.one(x))))


def plain_network(architecture):
    layers, before = [], 784
    for count, width in architecture.stacks:
        layers += [torch.nn.Linear(before, width), torch.nn.ReLU(), *(Block(width) for _ in range(count))]
        before = width
    return torch.nn.Sequential(torch.nn.Flatten(), *layers, torch.nn.Linear(before, 10))


class Pictures(torch.utils.data.Dataset):
    """One image at a time through PIL, ToTensor and Normalize, as torchvision's MNIST gives them."""

    def __init__(self, images, labels):
        from torchvision import transforms

        self.images, self.labels = images, labels
        self.transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((MEAN,), (STD,))])

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        from PIL import Image

        return self.transform(Image.fromarray(self.images[index])), int(self.labels[index])


def published(architecture, data, workers):
    """A meta-loop as a plain PyTorch program does it, with a DataLoader; seconds."""
    loaders = [
        torch.utils.data.DataLoader(Pictures(x, y), batch_size=256, shuffle=shuffle, num_workers=workers)
        for x, y, shuffle in ((data.train_x, data.train_y, True), (data.val_x, data.val_y, False))
    ]
    network = plain_network(architecture)
    start = time.perf_counter()
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-4, weight_decay=0.0)
    for x, y in loaders[0]:
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(network(x), y).backward()
        optimiser.step()
    with torch.no_grad():
        sum((network(x).argmax(1) == y).sum().item() for x, y in loaders[1])
    return time.perf_counter() - start


def ours(config, images, trials, modes):
    """A meta-loop of all trials side by side; seconds a trial, and how many were stacked."""
    architecture = config.architecture
    threads, workers = threads_for(architecture, available_cores())
    set_threads(threads, libraries=("torch", "numba"))
    jobs = [
        Replica(replace(config, ablation_mode=mode), architecture, 1 + n, 0)
        for mode in modes
        for n in range(trials // len(modes))
    ]
    workers = min(workers, len(jobs))
    choice = stack_choice(
        jobs[: len(jobs) // workers], *images[:2], torch.device("cpu"), workers=workers, threads=threads
    )
    stack = choice.stack
    made = []
    for group in groups(jobs, stack):
        engine = Engine(group, *images[:2], threads=threads)
        made.append((engine, group, engine.initial(group)))

    def one(part):
        engine, group, states = part
        for job, loop in zip(group, engine.meta_loop(group, states), strict=True):
            job.take(loop)

    one(made[0])
    with thread_pool(workers, threads) as pool:
        start = time.perf_counter()
        list(pool.map(one, made))
        return (time.perf_counter() - start) / len(jobs), stack, threads, workers


def operations(architecture, train, val, batch=256):
    """(floating-point operations of a meta-loop's products, seconds that these products take alone)."""
    linears = architecture.linears("resmlp")
    steps, total, seconds = train / batch, 0.0, 0.0
    rng = torch.Generator().manual_seed(0)
    timed = {}
    for place, (inputs, outputs) in enumerate(linears):
        if (inputs, outputs) not in timed:
            x, w = torch.randn(batch, inputs, generator=rng), torch.randn(outputs, inputs, generator=rng)
            y = torch.empty(batch, outputs)
            kinds = [lambda x=x, w=w, y=y: torch.mm(x, w.t(), out=y)]
            dw, dx = torch.empty_like(w), torch.empty_like(x)
            kinds += [
                lambda x=x, y=y, dw=dw: torch.mm(y.t(), x, out=dw),
                lambda w=w, y=y, dx=dx: torch.mm(y, w, out=dx),
            ]
            timed[inputs, outputs] = [best(kind) for kind in kinds]
        forward, weights, signals = timed[inputs, outputs]
        share = forward * (1 + val / train) + weights + (signals if place else 0)
        seconds += steps * share
        total += 2 * inputs * outputs * (train * (3 if place else 2) + val)
    return total, seconds


def best(call):
    taken = []
    for _ in range(15):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return min(taken)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--arch", default="18*18,1*1024")
    parser.add_argument("--trials", type=int, default=60, help="side by side, all modes mixed (widths below 256)")
    parser.add_argument("--dataset", default="mnist", choices=("mnist", "digits"))
    parser.add_argument("--loader-workers", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    data = load_study(options.dataset)
    images = image_sets(data, "cpu")
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}, torch {torch.__version__}")
    for name in options.arch.split(","):
        architecture = parse(name)
        config = TrainConfig(arch=str(architecture), dataset=options.dataset)
        alone = min((ours(config, images, 1, ["none"]) for _ in range(options.repeats)), key=lambda found: found[0])
        print(f"{architecture}: one trial {alone[0]:.3f} s ({alone[2]} threads)")
        flops, seconds = operations(architecture, len(data.train_y), len(data.val_y))
        rate = flops / seconds / 1e9
        print(f"  products alone {seconds:.3f} s at {rate:.0f} GFLOP/s: {seconds / alone[0]:.0%} of their rate reached")
        if architecture.width < 256 and options.trials > 1:
            many = ours(config, images, options.trials, MODE_NAMES)
            print(
                f"  {options.trials} together: {many[0]:.3f} s a trial, stacks of {many[1]}, {many[3]} at a time; "
                f"{alone[0] / many[0]:.1f} times the speed of one"
            )
        set_threads(available_cores())
        peer = published(architecture, data, options.loader_workers)
        print(f"  plain PyTorch with a DataLoader: {peer:.2f} s; ours is {peer / alone[0]:.1f} times as fast")


if __name__ == "__main__":
    np.seterr(all="raise")
    main()
