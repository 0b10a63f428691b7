"""Seconds for an epoch of the hinge trainer: native alone, native replicas, and ngspice, measured in one process.

python -m benchmarks.nmos_epoch
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

import numpy as np

from analog_nmos.backends.make import make_backend
from analog_nmos.dense_trainer import HingeConfig
from analog_nmos.objectives.hinge import Hinge
from analog_nmos.objectives.settings import hyperparameters
from analog_nmos.training.epoch import train_epoch, validate
from analog_nmos.training.opening import load_card, load_replica
from analog_nmos.training.replica import padded_gates

SETTINGS = {"gamma": 0.3, "delta": 0.1, "margin": 0.02, "vg_init": "fixed", "vg_init_fixed": 4.0}


def seconds_per_epoch(backend_name: str, tie: str, replicas: int, epochs: int, limit: int = 0) -> tuple[float, float]:
    """Median seconds a replica to train and validate one epoch after a first one, and its share of active samples.

    `limit` cuts the samples and scales the seconds to all of them.
    """
    configs = [
        HingeConfig(seed=seed, body_tie=tie, backend=backend_name, train_limit=limit, test_limit=limit // 4, **SETTINGS)
        for seed in range(1, replicas + 1)
    ]
    states = [load_replica(config) for config in configs]
    backend = make_backend(backend_name, [state.topology for state in states], load_card(configs[0]), configs[0])
    objective = Hinge.of([hyperparameters(Hinge, config) for config in configs])
    everyone, taken = np.ones(replicas, bool), []
    for _ in range(epochs + 1):
        start = time.perf_counter()
        sums = train_epoch(states, everyone, backend, objective, _nothing)
        backend.set_gates(padded_gates(states))
        for row, state in enumerate(states):
            validate(backend, row, state.data.val, _nothing)
        taken.append((time.perf_counter() - start) / replicas)
    backend.close()
    samples = len(states[0].data.train.y)
    return float(np.median(taken[1:])) * (1437 / samples), float(sums.active.mean() / samples)


def _nothing() -> None:
    pass


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=3, metavar="N", help="epochs to take the median of (default: 3)")
    parser.add_argument(
        "--ngspice-samples",
        type=int,
        default=200,
        metavar="N",
        help="training samples on ngspice (default: 200; 0: all)",
    )
    arguments = parser.parse_args(argv)
    print("640 edges, gates at 4 V, 1437 training and 360 test samples; seconds an epoch, without writing files")
    print(f"{'body':<10}{'ngspice':>10}{'native':>10}{'ratio':>8}   active")
    for tie in ("floating", "ground", "source"):
        spice_s, _ = seconds_per_epoch("ngspice", tie, 1, arguments.epochs, arguments.ngspice_samples)
        native_s, active = seconds_per_epoch("native", tie, 1, arguments.epochs)
        print(f"{tie:<10}{spice_s:>10.2f}{native_s:>10.3f}{spice_s / native_s:>8.0f}   {active:.2f}")
    print("native replicas, floating body: seconds an epoch and replica, and what a core gains")
    alone_s = 0.0
    for replicas in (1, 2, 4, 8, 16, 32):
        replica_s, _ = seconds_per_epoch("native", "floating", replicas, arguments.epochs)
        alone_s = alone_s or replica_s
        print(f"{replicas:>4} replicas {replica_s:>8.3f} s   {alone_s / replica_s:.2f} times")
    return 0


if __name__ == "__main__":
    sys.exit(main())
