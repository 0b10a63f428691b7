"""The meta-loop: train one epoch from the active state, keep the network if it beats the best, damage a copy."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from common.errors import RunError
from common.replicas.bank import ALIGNMENT
from common.replicas.batches import batches
from common.replicas.counter import as_int64
from common.replicas.initial import initialise
from common.replicas.loss import CrossEntropy
from psa_resmlp.model.images import ImageSet
from psa_resmlp.model.masks import step_keys
from psa_resmlp.model.network import Network
from psa_resmlp.model.update import Update
from psa_resmlp.training.replica import Loop, Replica

EVALUATION_BATCH = 512
KEYS_AHEAD = 32  # steps whose dropout keys are made together: of a single step they take 47 us, a seventh of [18*18]'s
Beat = Callable[[], None]


class Engine:
    """A stack of networks of one architecture and family; which trials it trains may change from call to call.

    Args:
        replicas: one per network of the stack; their modes decide where dropout and decay act.
        train, val: images.
        device: where to train.
        threads: number of threads for the update of the weights.
        kernels: use the CPU kernels where the device is the CPU.
    """

    def __init__(
        self,
        replicas: Sequence[Replica],
        train: ImageSet,
        val: ImageSet,
        device: torch.device | str = "cpu",
        *,
        threads: int = 1,
        kernels: bool = True,
    ) -> None:
        config = replicas[0].config
        rates = np.stack([replica.rates() for replica in replicas], axis=1)
        architecture = replicas[0].architecture
        self.network = Network(architecture, config.family, len(replicas), device, dropout=rates, kernels=kernels)
        self._train, self._val, self._batch_size = train, val, config.batch_size
        self._kernels, self._device = kernels, torch.device(device)
        decays = [replica.decay() for replica in replicas]
        self._update = Update(self.network.bank, config.lr, decays, threads=threads, kernels=kernels)

    def initial(self, replicas: Sequence[Replica]) -> Tensor:
        """The initial weights of some trials, (R, P)."""
        initialise(self.network.bank, [replica.initial() for replica in replicas])
        return self.network.bank.snapshot()

    def meta_loop(self, replicas: Sequence[Replica], states_RxP: Tensor, beat: Beat = lambda: None) -> list[Loop]:
        """One meta-loop of every replica, from a copy of its LKG with its damage.

        `states` holds the LKGs (the initial weights before the first meta-loop), and afterwards the new ones. The
        replicas change only when `Replica.take` gets the result. An exception of `beat`, which is called every few
        batches, leaves the states as they were.

        Raises:
            RunError: a loss or a weight is no longer finite.
        """
        start = time.perf_counter()
        self.load(replicas, states_RxP)
        losses, accuracies = self._epoch(replicas, beat)
        _check("training loss", replicas, losses)
        # The training loss does not depend on the last step's weights.
        _check("largest weight", replicas, self.network.bank.values.abs().amax(1).tolist())
        val_losses, hits = self.score(self._val, beat)
        _check("validation loss", replicas, val_losses)
        accepted = [found > replica.bounty_hits for replica, found in zip(replicas, hits, strict=True)]
        chosen = torch.tensor(accepted, device=self._device)
        torch.where(chosen[:, None], self.network.bank.values, states_RxP, out=states_RxP)
        seconds = (time.perf_counter() - start) / len(replicas)
        facts = zip(replicas, losses, accuracies, hits, accepted, strict=True)
        return [
            self._note(replica, loss, 100 * share, found, yes, seconds) for replica, loss, share, found, yes in facts
        ]

    def load(self, replicas: Sequence[Replica], states_RxP: Tensor) -> None:
        """Make the active states: copies of the LKGs, each with its damage."""
        bank = self.network.bank
        bank.values.copy_(states_RxP)
        for place, replica in enumerate(replicas):
            replica.damage({name: view[place] for name, view in bank.views.items()})

    def hits(self, states_RxP: Tensor, images: ImageSet) -> list[int]:
        """How many images each of these networks, undamaged, classifies correctly."""
        self.network.bank.values.copy_(states_RxP)
        return self.score(images)[1]

    def score(self, images: ImageSet, beat: Beat = lambda: None) -> tuple[list[float], list[int]]:
        """Mean loss of each network, and how many images it classifies correctly."""
        score = CrossEntropy(self.network.bank.replicas, self._device, kernels=self._kernels)
        everything = torch.arange(len(images), device=self._device)[None]
        for index in batches(everything, EVALUATION_BATCH):
            step = self.network.evaluation(padded(index.shape[1]))
            images.gather(_pad(index), step.images)
            step.go_forward()
            logits = step.logits[:, : index.shape[1]].contiguous()
            score.add(logits, images.labels[index].expand(self.network.bank.replicas, -1))
            beat()
        losses, shares = score.means()
        return losses, [round(share * len(images)) for share in shares]

    def _epoch(self, replicas: Sequence[Replica], beat: Beat) -> tuple[list[float], list[float]]:
        # All modes of a trial see the same batches, so an order that several need is drawn once.
        keys_of = [(replica.seed, replica.trial, replica.loop) for replica in replicas]
        orders = {
            key: replica.order(len(self._train)) for key, replica in dict(zip(keys_of, replicas, strict=True)).items()
        }
        rows = [orders[key] for key in keys_of]
        keys = as_int64(np.array([replica.dropout_key() for replica in replicas]), self._device)
        score = CrossEntropy(len(replicas), self._device, kernels=self._kernels)
        self._update.reset()
        for number, index in enumerate(batches(self._train.place(np.stack(rows)), self._batch_size)):
            if self.network.drops:
                if number % KEYS_AHEAD == 0:
                    ahead = step_keys(keys, number, KEYS_AHEAD, len(self.network.roles))
                self.network.keys.copy_(ahead[number % KEYS_AHEAD])
            self.step(index, score)
            if number % 8 == 0:
                beat()
        return score.means()

    def step(self, index_RxB: Tensor, score: CrossEntropy) -> None:
        """One training step on the images with these numbers."""
        count = index_RxB.shape[1]
        step = self.network.training(padded(count))
        self._train.gather(_pad(index_RxB), step.images)
        step.go_forward()
        labels = self._train.labels[index_RxB]
        if step.logits.shape[1] == count:
            score.add(step.logits, labels, step.logit_grads)
        else:  # gradients of the padding rows are 0, so they do not affect the weights
            logits = step.logits[:, :count].contiguous()
            grads = torch.empty_like(logits)
            score.add(logits, labels, grads)
            step.logit_grads[:, :count].copy_(grads)
            step.logit_grads[:, count:].zero_()
        step.go_backward()
        self._update.step()

    def _note(self, replica: Replica, loss: float, share: float, hits: int, accepted: bool, seconds: float) -> Loop:
        number = replica.loop + 1
        bounty_hits, bounty_loop = (hits, number) if accepted else (replica.bounty_hits, replica.bounty_loop)
        neuron = replica.draw(number)
        place = (neuron.layer, neuron.number) if neuron else (-1, -1)
        return Loop(number, replica.mode, loss, share, hits, accepted, bounty_hits, bounty_loop, *place, seconds)


def _check(quantity: str, replicas: Sequence[Replica], values: Sequence[float]) -> None:
    for replica, value in zip(replicas, values, strict=True):
        if not math.isfinite(value):
            raise RunError(
                f"{quantity} is {value} in meta-loop {replica.loop + 1} of trial {replica.trial} {replica.mode}"
            )


def padded(batch: int) -> int:
    """A batch size with which every replica's signals begin at a multiple of 64 bytes, whatever the widths.

    The bits of a product depend on the alignment of its operands and its result, and a trial must have the same
    numbers in any stack.
    """
    return -(-batch // ALIGNMENT) * ALIGNMENT


def _pad(index_RxB: Tensor) -> Tensor:
    more = padded(index_RxB.shape[1]) - index_RxB.shape[1]
    return torch.nn.functional.pad(index_RxB, (0, more)) if more else index_RxB
