"""Train runs that share an architecture side by side, as replicas; a single run is a stack of one."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch

from common.devices import set_threads
from common.errors import RunError
from common.replicas.adam import Adam
from common.replicas.bank import Bank
from common.replicas.batches import batches, epoch_orders
from common.replicas.evaluate import evaluate
from common.replicas.initial import initialise
from common.replicas.loss import CrossEntropy
from common.runs.result import Result
from common.seeding import torch_generator
from corruption_study.config import MODEL_TYPES, TrainConfig
from corruption_study.corruption import CorruptedImages
from corruption_study.data import training_and_test
from corruption_study.device import get_device
from corruption_study.tables import RESULTS, test_column

OWN = ("p", "seed")  # what replicas of one stack may differ in
TEST_BATCH = 500


def stack_key(config: TrainConfig) -> TrainConfig:
    """The settings that runs must share to be replicas of one stack."""
    plain = TrainConfig()
    return replace(config, **{name: getattr(plain, name) for name in OWN})


class Stack:
    """R runs that train side by side.

    Args:
        configs: they differ in `OWN` only.
        kernels: use CPU kernels on the CPU.
    """

    def __init__(self, configs: Sequence[TrainConfig], *, kernels: bool = True) -> None:
        config = configs[0]
        assert all(stack_key(other) == stack_key(config) for other in configs)
        self.configs, self.config, self.epoch = list(configs), config, 0
        self.losses, self.accuracies = [math.nan] * len(configs), [math.nan] * len(configs)
        self.broken: dict[int, RunError] = {}
        self.device = get_device(config.use_cuda)
        self.train_images, self.test_images = training_and_test(config, self.device, kernels=kernels)
        self.seeds = [each.seed for each in configs]
        family = MODEL_TYPES.get(config.model_type)
        self.bank = Bank(family.shapes(config.activation, family.sizes_of(config)), len(configs), self.device)
        initialise(self.bank, [torch_generator(seed, "init") for seed in self.seeds])
        self.network = family.stacked(self.bank, config.activation)
        self.adam = Adam(self.bank, config.learning_rate, config.weight_decay, kernels=kernels)
        self.score = CrossEntropy(len(configs), self.device, kernels=kernels)
        strengths = [each.p for each in configs]
        self.images = CorruptedImages(self.train_images, config.corruption, strengths, self.seeds, kernels=kernels)
        self._kernels = kernels
        self._memory: dict[int, torch.Tensor] = {}

    def train_epoch(self, before_step: Callable[[], None] = lambda: None) -> None:
        """One pass through the training set; sets losses, accuracies and, for losses that are not finite, broken.

        Args:
            before_step: called before every step; may raise to stop.
        """
        orders = self.train_images.place(epoch_orders(self.seeds, self.epoch, len(self.train_images)))
        self.images.start_epoch(self.epoch)
        for index in batches(orders, self.config.batch_size):
            before_step()
            self.step(index)
        self.epoch += 1
        self.losses, self.accuracies = self.score.means()
        for r, loss in enumerate(self.losses):
            if not math.isfinite(loss):
                self.broken.setdefault(r, RunError(f"training loss is {loss} in epoch {self.epoch}"))

    def step(self, index_RxB: torch.Tensor) -> None:
        """One step of every replica, each on the images of its row of indices."""
        x = self.images.gather(index_RxB, self._room(*index_RxB.shape))
        self.network.backward(x, self.images.labels_of(index_RxB), self.score)
        self.adam.step()

    def test(self) -> tuple[list[float], list[float]]:
        """Loss and accuracy of each replica on the clean test images."""
        return evaluate(
            self.network.forward, self.test_images, len(self.configs), batch_size=TEST_BATCH, kernels=self._kernels
        )

    def test_corrupted(self, p: float) -> tuple[list[float], list[float]]:
        """The same on test images corrupted with strength p, with independent random numbers for each replica."""
        kind = self.config.corruption
        strengths = [p] * len(self.configs)
        images = CorruptedImages(
            self.test_images, kind, strengths, self.seeds, name="test corruption", kernels=self._kernels
        )
        images.start_epoch(0)
        return evaluate(
            self.network.forward,
            self.test_images,
            len(self.configs),
            batch_size=TEST_BATCH,
            gather=images.gather,
            kernels=self._kernels,
        )

    def _room(self, replicas: int, batch: int) -> torch.Tensor:
        if batch not in self._memory:
            self._memory[batch] = torch.empty(replicas, batch, self.train_images.pixels.shape[1], device=self.device)
        return self._memory[batch]


def results_of(stack: Stack) -> list[Result | RunError]:
    """Test runs that have been trained; for each its result, or an error if its loss is not finite."""
    test_losses, test_accuracies = stack.test()
    corrupted = {test_column(p): stack.test_corrupted(p)[1] for p in stack.config.test_ps}
    results: list[Result | RunError] = []
    for r, loss in enumerate(test_losses):
        if not math.isfinite(loss):
            stack.broken.setdefault(r, RunError(f"test loss is {loss} after epoch {stack.epoch}"))
        final = {
            "test_acc": test_accuracies[r],
            "test_loss": loss,
            "train_acc": stack.accuracies[r],
            "train_loss": stack.losses[r],
            "epoch": stack.epoch,
        }
        more = {name: accuracies[r] for name, accuracies in corrupted.items()}
        results.append(stack.broken.get(r, Result("final_test_acc", final, more=more)))
    return results


def train(
    configs: Sequence[TrainConfig], *, start: Callable[[Stack], None] = lambda stack: None, kernels: bool = True
) -> list[dict[str, Any] | RunError]:
    """Train runs side by side and test them, without run folders; for each its numbers, or an error (loss not finite).

    The numbers are activation, model_type, p and seed, final_loss and its published name train_loss (mean training loss
    of the last epoch), test_accuracy, test_loss, train_accuracy, seconds (the stack's, divided by its runs), and
    corrupted_test_accuracy (by test_p) if test_ps is given.

    Args:
        configs: they differ in p and seed only.
        start: called before the first epoch; may change the stack.
        kernels: use CPU kernels on the CPU.
    """
    begun = time.perf_counter()
    if not configs[0].use_cuda:
        set_threads(configs[0].cpu_threads)
    stack = Stack(configs, kernels=kernels)
    start(stack)
    while stack.epoch < configs[0].epochs and len(stack.broken) < len(configs):
        stack.train_epoch()
    results = results_of(stack)
    seconds = (time.perf_counter() - begun) / len(configs)
    return [
        result if isinstance(result, RunError) else _published(config, result, seconds)
        for config, result in zip(configs, results, strict=True)
    ]


def _published(config: TrainConfig, result: Result, seconds: float) -> dict[str, Any]:
    """A result by the names of the published program."""
    settings = {name: getattr(config, name) for name in ("activation", "model_type", "p", "seed")}
    numbers = {name: result.final[metric] for name, metric in RESULTS.items()}
    corrupted = {p: result.more[test_column(p)] for p in config.test_ps}
    return {
        **settings,
        **numbers,
        "seconds": seconds,
        **({"corrupted_test_accuracy": corrupted} if corrupted else {}),
    }
