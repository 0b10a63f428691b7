"""One trial in one mode: its streams of random numbers, its settings, and its history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from common.replicas.counter import child_keys, stream_key
from common.seeding import stream, torch_generator
from psa_resmlp.model.network import ENTRY, INNER, roles
from psa_resmlp.study.architectures import Architecture
from psa_resmlp.study.chain import UNKNOWN, Chain, links
from psa_resmlp.study.modes import Neuron, get_mode
from psa_resmlp.training.config import ADAMW_DECAY, BLOCK_DROPOUT, TrainConfig

# Unintended settings of the recorded results.
ADAMW_DEFAULT_DECAY, BLOCK_RATE = 0.01, 0.1


@dataclass(frozen=True)
class Loop:
    """The outcome of one meta-loop; a row of metrics.csv.

    Attributes:
        meta_loop: its number over all starts, from 1.
        mode: its mode.
        train_loss, train_accuracy: means over the epoch, the latter in percent.
        val_hits: correctly classified validation images.
        accepted: whether the network became the LKG.
        bounty_hits, bounty_loop: of the LKG after it.
        layer, neuron: the neuron damaged after it; -1: none.
        seconds: its share of the time of the networks trained side by side.
    """

    meta_loop: int
    mode: str
    train_loss: float
    train_accuracy: float
    val_hits: int
    accepted: bool
    bounty_hits: int
    bounty_loop: int
    layer: int = -1
    neuron: int = -1
    seconds: float = 0.0


@dataclass
class Replica:
    """One trial in one mode.

    Streams are named by family, architecture and trial, so a trial starts from the same weights and sees the same
    batches in every mode: differences between modes are paired. Ablation and dropout have separate streams, also named
    by the mode. All are functions of the seed and the meta-loop's number, which are therefore the whole random state.
    """

    config: TrainConfig
    architecture: Architecture
    trial: int
    seed: int
    loops: list[Loop] = field(default_factory=list)
    damaged: Neuron | None = None  # in the copy that the next meta-loop starts with
    before: tuple[int, int, int] = (0, -1, 0)  # loop, bounty hits and bounty loop of a file without a history

    @property
    def mode(self) -> str:
        """The mode of the coming meta-loops."""
        return self.config.ablation_mode

    @property
    def loop(self) -> int:
        """How many meta-loops it has been trained for."""
        return self.loops[-1].meta_loop if self.loops else self.before[0]

    @property
    def bounty_hits(self) -> int:
        """Validation images that the LKG classifies correctly; -1 before the first loop."""
        return self.loops[-1].bounty_hits if self.loops else self.before[1]

    @property
    def bounty_loop(self) -> int:
        """The loop that gave the LKG; 0 before the first loop."""
        return self.loops[-1].bounty_loop if self.loops else self.before[2]

    def take(self, loop: Loop) -> None:
        """Record a meta-loop; the next one starts with its damage."""
        self.loops.append(loop)
        self.damaged = Neuron(loop.layer, loop.neuron) if loop.layer >= 0 else None

    def damage(self, parameters: Mapping[str, Tensor]) -> None:
        """Damage a copy of the LKG in place, for the start of the next meta-loop; see `Mode.damage`."""
        if self.damaged is not None:
            mode = get_mode(self.loops[-1].mode)
            mode.damage(parameters, self.damaged, stream(self.seed, *self.names("damage"), mode.name, self.loop))

    @property
    def chain(self) -> Chain:
        """The modes of its meta-loops; empty before the first."""
        known = self.before[1] < 0
        return [*([] if known else [{"mode": UNKNOWN, "meta_loops": None}]), *links(loop.mode for loop in self.loops)]

    def names(self, purpose: str) -> tuple[str | int, ...]:
        """The name of a stream that all modes share."""
        return (purpose, self.config.family, self.architecture.name, self.trial)

    def initial(self) -> torch.Generator:
        """For the initial weights."""
        return torch_generator(self.seed, *self.names("init"))

    def order(self, samples: int) -> NDArray[np.int64]:
        """The order of the training images in the coming meta-loop."""
        return stream(self.seed, *self.names("shuffle"), self.loop + 1).permutation(samples)

    def dropout_key(self) -> np.uint64:
        """The key of the coming meta-loop's dropout."""
        return np.uint64(child_keys(stream_key(self.seed, *self.names("dropout"), self.mode), self.loop + 1))

    def draw(self, loop: int) -> Neuron | None:
        """What is damaged after meta-loop `loop`."""
        rng = stream(self.seed, *self.names("ablation"), self.mode, loop)
        return get_mode(self.mode).draw(self.architecture, self.config.family, rng)

    def decay(self) -> float:
        """Weight decay of AdamW."""
        if get_mode(self.mode).decays:
            return self.config.weight_decay
        return ADAMW_DEFAULT_DECAY if ADAMW_DECAY in self.config.compat else 0.0

    def rates(self) -> NDArray[np.float64]:
        """Dropout rate after every linear layer."""
        kinds = roles(self.architecture, self.config.family)
        if get_mode(self.mode).drops:
            return np.array([self.config.dropout if kind in (ENTRY, INNER) else 0.0 for kind in kinds])
        block = BLOCK_RATE if BLOCK_DROPOUT in self.config.compat else 0.0
        return np.array([block if kind == INNER else 0.0 for kind in kinds])

    def row(self, loop: Loop, images: int) -> dict[str, Any]:
        """A row of metrics.csv; accuracies in percent, `images` is the number of validation images."""
        return {
            "meta_loop": loop.meta_loop,
            "mode": loop.mode,
            "trial": self.trial,
            "val_accuracy": 100 * loop.val_hits / images,
            "lkg_accuracy": 100 * loop.bounty_hits / images,
            "bounty_loop": loop.bounty_loop,
            "accepted": int(loop.accepted),
            "train_loss": loop.train_loss,
            "train_accuracy": loop.train_accuracy,
            "ablated_layer": loop.layer if loop.layer >= 0 else "",
            "ablated_neuron": loop.neuron if loop.layer >= 0 else "",
            "seconds": round(loop.seconds, 4),
        }
