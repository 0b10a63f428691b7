"""Networks, corruption and training for notebooks, in ordinary PyTorch.

    from corruption_study.nnet_models import TrainConfig, train_and_evaluate
    train_and_evaluate(TrainConfig(activation="tanh", p=0.4, epochs=2))["test_accuracy"]      # about 0.95, seconds

`train_and_evaluate` trains with the campaign's own code. The other functions are the same training step by step:
get_dataloaders, build_model, train_one_epoch and evaluate give, from the same seed, the same batches with the same
corruption, and losses that agree with the campaign's to rounding.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Sampler, Subset

from common.cli import check
from common.errors import RunError
from common.plugins import is_own
from common.replicas.batches import Images, epoch_orders
from common.seeding import torch_generator
from corruption_study.activations import ChoiceError, get_activation
from corruption_study.cnn import SimpleCNN
from corruption_study.config import MODEL_TYPES, TrainConfig
from corruption_study.corruption import CorruptedImages, check_strength
from corruption_study.data import training_and_test
from corruption_study.device import get_device
from corruption_study.mlp import MLP
from corruption_study.model_type import SIDE
from corruption_study.trainer import train

__all__ = [
    "MLP", "CorruptedDataset", "SimpleCNN", "TrainConfig", "build_model", "corrupt_pixels", "evaluate",
    "get_activation", "get_dataloaders", "get_device", "initial_model", "set_seed", "train_and_evaluate",
    "train_one_epoch",
]  # fmt: skip

Model = TypeVar("Model", bound=nn.Module)
Item = int | tuple[int, int]


def set_seed(seed: int) -> None:
    """Seed the global generators of Python, NumPy and torch."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - what notebooks draw from without a generator of their own
    torch.manual_seed(seed)


def build_model(model_type: str, activation: str, **sizes: Any) -> nn.Module:
    """A new network with random weights: mlp (hidden_sizes=...) or cnn (channels=..., hidden=...), in any case.

    Raises:
        ValueError: the model type or the activation is unknown.
    """
    name = model_type if is_own(model_type) else model_type.lower()
    if name not in MODEL_TYPES:
        raise ChoiceError(f"model type is {model_type!r}, allowed: {MODEL_TYPES.allowed}")
    return MODEL_TYPES.get(name).module(activation, **sizes)


def initial_model(cfg: TrainConfig) -> nn.Module:
    """The network of a run with its initial weights, on the run's device. Does not change torch's global seed."""
    sizes = MODEL_TYPES.get(cfg.model_type).sizes_of(cfg)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_generator(cfg.seed, "init").initial_seed())
        return build_model(cfg.model_type, cfg.activation, **sizes).to(get_device(cfg.use_cuda))


def corrupt_pixels(x: Tensor, p: float, *, generator: torch.Generator | None = None) -> Tensor:
    """Each pixel, with probability p, becomes a new uniform value in [0, 1); p = 0 returns x itself.

    Args:
        x: pixels in [0, 1], of any shape; not changed.
        p: probability.
        generator: random numbers, on the device of x (default: torch's own).

    Raises:
        ValueError: p is outside [0, 1].
    """
    if check_strength(p) == 0:
        return x
    # Compared in float64: float32's 24 random bits are too coarse for a probability such as 1e-9.
    chosen = torch.rand(x.shape, generator=generator, device=x.device, dtype=torch.float64) < p
    return torch.where(chosen, torch.rand(x.shape, generator=generator, device=x.device, dtype=x.dtype), x)


class CorruptedDataset(Dataset[tuple[Tensor, Tensor]]):
    """Images (1, 28, 28) in [0, 1] and labels, corrupted anew every time they are read.

    Args:
        images: the clean ones, as bytes; or any data set of pairs (image in [0, 1], label), whose images get uniform
            corruption from torch's own generator.
        p: strength.
        corruption: its kind; see `corruption_study.corruptions`.
        seed: of the random numbers.

    The item (epoch, index) always has the same corruption: that of the campaign's run with this seed. With a plain
    index, the number of earlier reads of that image is its epoch.
    """

    def __init__(
        self, images: Images | Dataset[Any], p: float = 0.0, *, corruption: str = "uniform", seed: int = 0
    ) -> None:
        self._base, self._p = images, check_strength(p)
        self._visits: dict[int, int] = {}
        if isinstance(images, Images):
            self._corrupted = CorruptedImages(images, corruption, [p], [seed])
        elif (corruption, seed) != ("uniform", 0):
            raise ChoiceError("corruption and seed are for images as bytes; other data sets get uniform corruption")

    def __len__(self) -> int:
        return len(self._base)  # type: ignore[arg-type] # the type Dataset declares no __len__

    def __getitem__(self, item: Item) -> tuple[Tensor, Tensor]:
        return self.__getitems__([item])[0]

    def __getitems__(self, items: Sequence[Item]) -> list[tuple[Tensor, Tensor]]:
        """Many items at once, as torch's DataLoader requests them."""
        images = self._base
        if not isinstance(images, Images):
            clean = (images[item] for item in items)
            return [(corrupt_pixels(x, self._p), label) for x, label in clean]
        pairs = [item if isinstance(item, tuple) else (self._visit(item), item) for item in items]
        found: list[tuple[Tensor, Tensor]] = []
        start = 0
        while start < len(pairs):
            epoch = pairs[start][0]
            end = next((k for k in range(start, len(pairs)) if pairs[k][0] != epoch), len(pairs))
            index = torch.tensor([[number for _, number in pairs[start:end]]], device=images.device)
            self._corrupted.start_epoch(epoch)
            x = self._corrupted.gather(index)[0].reshape(-1, 1, SIDE, SIDE)
            found += list(zip(x, self._corrupted.labels_of(index)[0], strict=True))
            start = end
        return found

    def _visit(self, index: int) -> int:
        if not 0 <= index < len(self):
            raise IndexError(f"image {index}, allowed: 0 to {len(self) - 1}")
        self._visits[index] = self._visits.get(index, -1) + 1
        return self._visits[index]


class _EpochSampler(Sampler[tuple[int, int]]):
    """(epoch, index) in the order of the campaign's run; every pass is the next epoch."""

    def __init__(self, seed: int, samples: int) -> None:
        self._seed, self._samples, self._epoch = seed, samples, 0

    def __len__(self) -> int:
        return self._samples

    def __iter__(self) -> Iterator[tuple[int, int]]:
        epoch, self._epoch = self._epoch, self._epoch + 1
        return ((epoch, int(index)) for index in epoch_orders([self._seed], epoch, self._samples)[0])


def _limit_dataset(dataset: Dataset[Any], most: int | None) -> Dataset[Any]:
    """The first `most` items, at least one and at most all; all for None."""
    if most is None:
        return dataset
    length = len(dataset)  # type: ignore[arg-type] # see CorruptedDataset.__len__
    return Subset(dataset, range(max(1, min(most, length))))


def get_dataloaders(
    batch_size: TrainConfig | int, p: float = 0.0, num_workers: int = 2, max_train_samples: int | None = None
) -> tuple[DataLoader[Any], DataLoader[Any]]:
    """Training batches (corrupted, shuffled anew each epoch) and clean test batches of a run, as torch DataLoaders.

    `num_workers` processes prepare them; the numbers do not depend on how many.

    Args:
        batch_size: a run's settings, in place of all arguments; or the batch size of an otherwise default run.
        p, num_workers, max_train_samples: see `TrainConfig`; max_train_samples below 1 counts as 1.
    """
    cfg = batch_size
    if not isinstance(cfg, TrainConfig):
        most = None if max_train_samples is None else max(max_train_samples, 1)
        cfg = TrainConfig(batch_size=cfg, p=p, num_workers=num_workers, max_train_samples=most)
    train, test = training_and_test(cfg)
    noisy = CorruptedDataset(train, cfg.p, corruption=cfg.corruption, seed=cfg.seed)
    sampler: Any = _EpochSampler(cfg.seed, len(train))
    # Forking a process that has threads is deprecated; these processes only gather and corrupt.
    more: dict[str, Any] = {"num_workers": cfg.num_workers}
    if cfg.num_workers:
        more["multiprocessing_context"] = "forkserver"
    training = DataLoader(noisy, cfg.batch_size, sampler=sampler, **more)
    return training, DataLoader(CorruptedDataset(test), 500, **more)


def train_one_epoch(model: nn.Module, loader: DataLoader[Any], optimizer: torch.optim.Optimizer, device: Any) -> float:
    """One pass with cross-entropy; the mean training loss.

    Raises:
        RunError: the loss is not finite.
    """
    model.train()
    total, seen = 0.0, 0
    for step, (x, y) in enumerate(loader):
        loss = nn.functional.cross_entropy(model(x.to(device)), y.to(device))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if not np.isfinite(value := loss.item()):
            raise RunError(f"training loss is {value} in step {step}")
        total, seen = total + value * len(y), seen + len(y)
    return total / seen


@torch.no_grad()
def evaluate(model: nn.Module, loader: DataLoader[Any], device: Any) -> tuple[float, float]:
    """Mean loss and accuracy."""
    model.eval()
    total, hits, seen = 0.0, 0, 0
    for x, y in loader:
        logits, labels = model(x.to(device)), y.to(device)
        total += nn.functional.cross_entropy(logits, labels, reduction="sum").item()
        hits += int((logits.argmax(1) == labels).sum())
        seen += len(y)
    return total / seen, hits / seen


def train_and_evaluate(cfg: TrainConfig) -> dict[str, Any]:
    """Train a run with Adam and test it on clean images; the same numbers as in a campaign, bit by bit.

    Returns activation, model_type, p and seed, final_loss (also as train_loss), test_accuracy (a fraction), test_loss,
    train_accuracy, seconds, and corrupted_test_accuracy (by strength) if cfg.test_ps is given. Sets torch's
    number of threads to cfg.cpu_threads.

    Raises:
        InputError: a setting is out of range, or there is no data or no CUDA device.
        RunError: the loss is not finite.
    """
    check(cfg)
    result = train([cfg])[0]
    if isinstance(result, RunError):
        raise result
    return result
