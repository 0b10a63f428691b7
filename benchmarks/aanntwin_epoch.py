"""How fast an epoch of single-sample training is: the straightforward PyTorch program, and ours, in one run.

    python benchmarks/aanntwin_epoch.py [--images 3000]

The peer is what one writes first: PyTorch layers, a DataLoader of batch size 1, SGD. It trains on the first images
only, and its seconds are scaled to a whole epoch; ours trains whole epochs. Both use one thread, and MNIST or, where it
is not there, the bundled digits. Tests of the test images follow: PyTorch in batches of 1000, and the compiled one.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from aanntwin.compiled_model import CompiledModel, flat_images
from aanntwin.config import Nonidealities, Settings
from aanntwin.data import brightness, load_split
from aanntwin.model import build_model
from aanntwin.trainer import evaluate
from common.errors import InputError

CIRCUITS = {
    "no nonidealities": Nonidealities(),
    "noise and clip": Nonidealities(
        input_noise=0.1, relu_out_noise=0.1, linear_out_noise=0.1, conv2d_out_noise=0.1, linear_input_clip=1.0,
        conv2d_input_clip=1.0,
    ),
}  # fmt: skip


def peer_seconds(settings, circuit, images, labels, count):
    model = build_model(settings, circuit)
    sgd = torch.optim.SGD(model.parameters(), settings.train_params.lr)
    pairs = TensorDataset(brightness(images[:count]), torch.from_numpy(labels[:count].copy()))
    start = time.perf_counter()
    for x, y in DataLoader(pairs, batch_size=1):
        sgd.zero_grad()
        functional.cross_entropy(model(x), y).backward()
        sgd.step()
    return (time.perf_counter() - start) * len(labels) / count


def our_seconds(settings, circuit, images, labels, repeats=3):
    engine = CompiledModel(settings, circuit, "training")
    engine.load({name: value.numpy() for name, value in build_model(settings).weights().items()})
    rows, order = flat_images(images), np.arange(len(labels))
    engine.train(rows, labels, order, 0, 1, 1)  # compiled code is loaded or made
    times = []
    for epoch in range(1, repeats + 1):
        start = time.perf_counter()
        engine.train(rows, labels, order, 0, len(labels), epoch)
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def seconds_of_test(settings, weights, images, labels, repeats=3):
    evaluate(weights, settings, images[:10], labels[:10])
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        evaluate(weights, settings, images, labels)
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=3000, help="images that the peer trains on")
    count = parser.parse_args().images
    torch.set_num_threads(1)
    settings = Settings(threads=1)
    try:
        images, labels = load_split(settings, train=True)
    except InputError as problem:
        print(f"digits instead of MNIST: {problem}")
        settings = settings.replace(dataset_name="digits")
        images, labels = load_split(settings, train=True)
    print(f"{settings.dataset_name}, an epoch of {len(labels)} images, batch size 1, one thread")
    for name, circuit in CIRCUITS.items():
        ours = our_seconds(settings, circuit, images, labels)
        peer = peer_seconds(settings, circuit, images, labels, min(count, len(labels)))
        print(f"{name}: PyTorch {peer:.1f} s, compiled {ours:.3f} s, ratio {peer / ours:.0f}")
    weights = build_model(settings).weights()
    pictures, truth = load_split(settings, train=False)
    for name, circuit in CIRCUITS.items():
        tested = settings.replace(testing_nonidealities=circuit)
        ours = seconds_of_test(tested, weights, pictures, truth)
        peer = seconds_of_test(tested.replace(engine="torch", device="cpu"), weights, pictures, truth)
        print(f"test of {len(truth)}, {name}: PyTorch {peer:.3f} s, compiled {ours:.3f} s, ratio {peer / ours:.1f}")


if __name__ == "__main__":
    main()
