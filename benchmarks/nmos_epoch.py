"""Seconds for an epoch on the native solver, compiled and as a loop, of replicas, and on ngspice, in one process.

python -m benchmarks.nmos_epoch
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from analog_nmos.dense_trainer import HingeConfig
from analog_nmos.dense_trainer_cross_entropy import CrossEntropyConfig
from analog_nmos.objectives.settings import hyperparameters, objective_class
from analog_nmos.training.compiled import train_replicas
from analog_nmos.training.config import TrainerConfig
from analog_nmos.training.copies import Copies
from analog_nmos.training.epoch import train_epoch, validate
from analog_nmos.training.opening import load_card, load_replica

GATES = {"gamma": 0.3, "vg_init": "fixed", "vg_init_fixed": 4.0}
TRAINERS: dict[str, tuple[type[TrainerConfig], dict[str, Any]]] = {
    "hinge": (HingeConfig, {**GATES, "delta": 0.1, "margin": 0.02}),
    "cross-entropy": (CrossEntropyConfig, {**GATES, "val_split": 0.0}),
}
TARGETS_S = {"hinge": 0.035, "cross-entropy": 0.060}
SAMPLES = 1437


class Epoch(NamedTuple):
    """Median seconds of an epoch and a replica, and the share of active samples."""

    whole_s: float
    free_s: float
    clamp_s: float
    update_s: float
    validation_s: float
    active: float

    @property
    def rest_s(self) -> float:
        """Outside the solver."""
        return self.whole_s - self.free_s - self.clamp_s - self.validation_s


class Circuits:
    """Replicas of one trainer on one backend; seeds count from 1.

    `limit` cuts the samples and scales the seconds to all of them.
    """

    def __init__(self, objective: str, backend_name: str, tie: str, replicas: int, limit: int = 0) -> None:
        kind, settings = TRAINERS[objective]
        common = {"body_tie": tie, "backend": backend_name, "train_limit": limit, "test_limit": limit // 4}
        configs = [kind(seed=seed, **common, **settings) for seed in range(1, replicas + 1)]
        self.states = [load_replica(config) for config in configs]
        self.copies = Copies.of(self.states, load_card(configs[0]))
        trains = objective_class(objective)
        self.objective = trains.of([hyperparameters(trains, config) for config in configs])

    def epoch(self, way: Callable[..., Any]) -> Epoch:
        """Train and validate one epoch, by `train_epoch` or by `train_replicas`."""
        replicas, start = len(self.states), time.perf_counter()
        sums = way(self.states, np.ones(replicas, bool), self.copies, self.objective, lambda samples: None)
        trained = time.perf_counter()
        for row, state in enumerate(self.states):
            validate(self.copies.test(row, state.gate_V), row, state.data.val, lambda: None, state.periphery)
        end, samples = time.perf_counter(), len(self.states[0].data.train.y)
        seconds = np.array([end - start, sums.free_s, sums.clamp_s, sums.update_s, end - trained])
        return Epoch(*(seconds / replicas * (SAMPLES / samples)), float(sums.active.mean() / samples))


def median(epochs: Sequence[Epoch]) -> Epoch:
    """Of each number by itself."""
    return Epoch(*np.median(epochs, axis=0))


def measured(objective: str, backend_name: str, tie: str, replicas: int, epochs: int, limit: int = 0) -> Epoch:
    """The median of some epochs after a first one."""
    circuits = Circuits(objective, backend_name, tie, replicas, limit)
    found = median([circuits.epoch(train_replicas) for _ in range(epochs + 1)][1:])
    circuits.copies.close()
    return found


def both_ways(objective: str, epochs: int) -> tuple[Epoch, Epoch]:
    """Loop and compiled epoch in turns, body on ground, each on a circuit of its own; the gates must end the same."""
    ways = [(way, Circuits(objective, "native", "ground", 1)) for way in (train_epoch, train_replicas)]
    rounds = [[circuits.epoch(way) for way, circuits in ways] for _ in range(epochs + 1)]
    loop_V, compiled_V = (circuits.states[0].gate_V for _, circuits in ways)
    if not np.array_equal(loop_V, compiled_V):
        raise AssertionError(f"{objective}: the compiled epoch has other numbers than the loop")
    loop, compiled = zip(*rounds[1:], strict=True)
    return median(loop), median(compiled)


def print_split(epochs: int) -> None:
    """Where an epoch's time goes, in milliseconds, and what it may take."""
    print("native, body on ground, milliseconds an epoch; the same bits both ways")
    print(f"{'':<25}{'epoch':>8}{'free':>8}{'clamped':>9}{'validation':>12}{'rest':>7}{'target':>8}   active")
    for objective, target_s in TARGETS_S.items():
        for name, e in zip(("loop", "compiled"), both_ways(objective, epochs), strict=True):
            ms = [1e3 * value for value in (e.whole_s, e.free_s, e.clamp_s, e.validation_s, e.rest_s, target_s)]
            print(
                f"{objective:<15}{name:<10}{ms[0]:>8.1f}{ms[1]:>8.1f}{ms[2]:>9.1f}{ms[3]:>12.1f}{ms[4]:>7.1f}"
                f"{ms[5]:>8.0f}   {e.active:.2f}"
            )


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=5, metavar="N", help="epochs to take the median of (default: 5)")
    parser.add_argument("--only-split", action="store_true", help="loop against compiled only, without ngspice")
    parser.add_argument(
        "--ngspice-samples",
        type=int,
        default=200,
        metavar="N",
        help="training samples on ngspice (default: 200; 0: all)",
    )
    arguments = parser.parse_args(argv)
    print("640 edges, gates at 4 V, 1437 training and 360 test samples; without writing files")
    print_split(arguments.epochs)
    if arguments.only_split:
        return 0
    print("hinge, seconds an epoch")
    print(f"{'body':<10}{'ngspice':>10}{'native':>10}{'ratio':>8}   active")
    for tie in ("floating", "ground", "source"):
        spice_s = measured("hinge", "ngspice", tie, 1, arguments.epochs, arguments.ngspice_samples).whole_s
        native = measured("hinge", "native", tie, 1, arguments.epochs)
        print(f"{tie:<10}{spice_s:>10.2f}{native.whole_s:>10.3f}{spice_s / native.whole_s:>8.0f}   {native.active:.2f}")
    print("native replicas, floating body: seconds an epoch and replica, and what a core gains")
    alone_s = 0.0
    for replicas in (1, 2, 4, 8, 16, 32):
        replica_s = measured("hinge", "native", "floating", replicas, arguments.epochs).whole_s
        alone_s = alone_s or replica_s
        print(f"{replicas:>4} replicas {replica_s:>8.3f} s   {alone_s / replica_s:.2f} times")
    return 0


if __name__ == "__main__":
    sys.exit(main())
