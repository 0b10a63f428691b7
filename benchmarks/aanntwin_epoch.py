"""How fast single-sample training is: ours beside plain in-memory PyTorch and the published program's way.

    python -m benchmarks.aanntwin_epoch [--images 3000]        # about two minutes

Plain in-memory torch: PyTorch layers, SGD, images as one tensor from which one is taken a step. Straightforward: the
same with a DataLoader of batch size 1. Published: a DataLoader over images that torchvision makes tensors one at a
time. These train on the first images only, and their seconds are scaled to a whole epoch; ours trains whole epochs. One
thread each, taking turns in one process. Then tests of the test images: PyTorch in batches of 1,000, and the compiled
one. MNIST or, where it is not there, the bundled digits.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from aanntwin.compiled_model import CompiledModel, flat_images
from aanntwin.config import Nonidealities, Settings
from aanntwin.data import brightness, load_split
from aanntwin.model import build_model
from aanntwin.trainer import evaluate
from benchmarks.turns import Way, in_turns, print_table
from common.devices import set_threads
from common.errors import InputError

CIRCUITS = {
    "no nonidealities": Nonidealities(),
    "noise and clip": Nonidealities(
        input_noise=0.1, relu_out_noise=0.1, linear_out_noise=0.1, conv2d_out_noise=0.1, linear_input_clip=1.0,
        conv2d_input_clip=1.0,
    ),
}  # fmt: skip
Pairs = Callable[[], Any]


class Pictures(torch.utils.data.Dataset[Any]):
    """One image at a time through PIL and ToTensor, as torchvision's MNIST gives them."""

    def __init__(self, images: Any, labels: Any) -> None:
        from torchvision import transforms

        self.images, self.labels, self.transform = images, labels, transforms.ToTensor()

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        from PIL import Image

        return self.transform(Image.fromarray(self.images[index].squeeze())), int(self.labels[index])


def by_autograd(settings: Settings, circuit: Nonidealities, pairs: Pairs) -> Callable[[], object]:
    """A function that trains on the pairs, one sample a step."""
    model = build_model(settings, circuit)
    sgd = torch.optim.SGD(model.parameters(), settings.train_params.lr)

    def work() -> None:
        for x, y in pairs():
            sgd.zero_grad()
            functional.cross_entropy(model(x), y).backward()
            sgd.step()

    return work


def peers(settings: Settings, circuit: Nonidealities, images: Any, labels: Any, count: int) -> list[Way]:
    """The ways of PyTorch, on the first `count` images."""
    x, y = brightness(images[:count]), torch.from_numpy(labels[:count].copy())
    sets = (TensorDataset(x, y), Pictures(images[:count], labels[:count]))
    loaders: list[Any] = [DataLoader(one, batch_size=1) for one in sets]
    pairs: list[Pairs] = [lambda: zip(x.split(1), y.split(1), strict=True), *(loader.__iter__ for loader in loaders)]
    names = ("plain in-memory torch", "straightforward: DataLoader", "published: DataLoader, ToTensor")
    return [
        Way(name, by_autograd(settings, circuit, some), count / len(labels))
        for name, some in zip(names, pairs, strict=True)
    ]


def ours(settings: Settings, circuit: Nonidealities, images: Any, labels: Any) -> Callable[[], object]:
    engine = CompiledModel(settings, circuit, "training")
    engine.load({name: value.numpy() for name, value in build_model(settings).weights().items()})
    rows, order = flat_images(images), np.arange(len(labels))
    engine.train(rows, labels, order, 0, 1, 1)  # compiled code is loaded or made
    return lambda: engine.train(rows, labels, order, 0, len(labels), 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=3000, help="images that PyTorch trains on (default: 3000)")
    parser.add_argument("--rounds", type=int, default=3, help="of which the shortest counts (default: 3)")
    options = parser.parse_args()
    set_threads(1)
    settings = Settings(threads=1)
    try:
        images, labels = load_split(settings, train=True)
    except InputError as problem:
        print(f"digits instead of MNIST: {problem}")
        settings = settings.replace(dataset_name="digits")
        images, labels = load_split(settings, train=True)
    print(f"{settings.dataset_name}, {len(labels)} images, batch size 1, one thread")
    for name, circuit in CIRCUITS.items():
        ways = [Way("ours", ours(settings, circuit, images, labels))]
        ways += peers(settings, circuit, images, labels, min(options.images, len(labels)))
        print_table(f"an epoch, {name}", ways, in_turns(ways, options.rounds))
    weights = build_model(settings).weights()
    pictures, truth = load_split(settings, train=False)
    for name, circuit in CIRCUITS.items():
        tested = settings.replace(testing_nonidealities=circuit)
        plain = tested.replace(engine="torch", device="cpu")
        ways = [
            Way("ours", lambda tested=tested: evaluate(weights, tested, pictures, truth)),  # type: ignore[misc]
            Way("PyTorch", lambda plain=plain: evaluate(weights, plain, pictures, truth)),  # type: ignore[misc]
        ]
        in_turns(ways, 1)  # compiles
        print_table(f"test of {len(truth)} images, {name}", ways, in_turns(ways, options.rounds))


if __name__ == "__main__":
    main()
