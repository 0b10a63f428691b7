"""--dry-run: how many operating points a training needs, and how long it takes here."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from analog_nmos.backends import make_backend
from analog_nmos.digits.data import Digits
from analog_nmos.training.config import TrainerConfig
from analog_nmos.training.epoch import train_epoch, validate
from analog_nmos.training.replica import Replica
from analog_nmos.training.rule import Rule
from analog_nmos.training.trainer import load_card, load_replica

PROBES = 10


def describe(rule: Rule[Any], configs: Sequence[TrainerConfig]) -> str:
    """Train and validate on a few samples of the first configuration and say what the whole will take.

    The samples of a first epoch nearly all need their clamped phase, so the time is an upper bound.
    """
    config, replica = configs[0], load_replica(configs[0])
    n_train, n_val = len(replica.data.train.y), len(replica.data.val.y)
    train_s, val_s, solver = _seconds_per_sample(rule, config, replica)
    least = n_val + config.epochs * (n_train + n_val)
    most = least + config.epochs * n_train
    seconds = n_val * val_s + config.epochs * (n_train * train_s + n_val * val_s)
    shape = f"{replica.topology.n_edges} edges, {n_train} training and {n_val} validation samples"
    return (
        f"{rule.prog}: {len(configs)} run(s) of {config.epochs} epochs, {shape}, {solver}\n"
        f"{len(configs) * least} to {len(configs) * most} operating points, {1e3 * val_s:.3g} ms each: "
        f"about {_clock(len(configs) * seconds)} at most; "
        f"about {_files_MiB(replica.topology.n_edges, n_val, config.epochs) * len(configs):.1f} MiB of files"
    )


def _seconds_per_sample(rule: Rule[Any], config: TrainerConfig, replica: Replica) -> tuple[float, float, str]:
    """Seconds to train on one sample and to validate one, and the solver's name and version."""
    few = replica.data.train.first(PROBES)
    probe = dataclasses.replace(replica, data=Digits(few, few, few))
    backend = make_backend(config.backend, [replica.topology], load_card(config), config)
    objective, gate_V = rule.objective.of([config]), replica.gate_V[None].copy()
    for _ in range(2):  # loading and compiling are paid once
        start = time.perf_counter()
        train_epoch([probe], np.ones(1, bool), backend, objective, gate_V, _nothing)
        train_s = time.perf_counter() - start
        val_s = validate(backend, 0, few, _nothing).seconds
    backend.close()
    return train_s / len(few.y), val_s / len(few.y), f"backend {config.backend} {backend.version}"


def _nothing() -> None:
    pass


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def _files_MiB(edges: int, samples: int, epochs: int) -> float:
    return float(np.ceil(8 * epochs * (edges + 10 * samples + 500) / 2**20 * 10) / 10)
