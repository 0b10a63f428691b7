"""An adjoint beside a free phase, a clamped one, and the finite differences that it stands for, natively.

python -m benchmarks.adjoint                 CPU microseconds of one thread, the best of several rounds in turns
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Callable, Sequence

import numpy as np

from analog_nmos.backends.native import NativeBackend
from analog_nmos.cards.model_card import default_card_path, read_model_card
from analog_nmos.circuit import CircuitOptions
from analog_nmos.topology import Topology, built, dense
from analog_nmos.topology.layered import Layered
from analog_nmos.topology.torus import Torus

CARD = read_model_card(default_card_path())
ON = np.ones(1, bool)
OPTIONS = dataclasses.replace(CircuitOptions(), vminus=0.11, vplus=0.33)
NETWORKS: dict[str, Callable[[], Topology]] = {
    "torus-4 (XOR)": lambda: built(Torus(side=4)),
    "64-10 (digits)": lambda: dense(64, 10),
    "torus-20": lambda: built(Torus(side=20)),
    "16-190-4": lambda: built(Layered(layers=(16, 190, 4))),
}


class Turns:
    """One network and its samples: what each way does for one of them, after a free phase of the same inputs."""

    def __init__(self, topology: Topology, samples: int) -> None:
        rng = np.random.default_rng(0)
        self._backend = NativeBackend([topology], CARD, OPTIONS)
        self._backend.set_gates(rng.uniform(0.5, 3.0, (1, topology.n_edges)))
        self._inputs_V = rng.uniform(0.0, 0.45, (samples, 1, topology.n_inputs))
        self._weight = rng.normal(size=(1, topology.n_outputs))
        self._everyone = np.ones((1, topology.n_outputs), bool)
        self._out = topology.out_nodes
        self.edges = topology.n_edges

    def round(self) -> np.ndarray:
        """CPU seconds of a free phase, an adjoint and a clamped phase: means over the samples."""
        spent, clock = np.zeros(3), time.process_time
        for input_V in self._inputs_V:
            start = clock()
            free_V = self._backend.solve_free(input_V, ON).node_V[:, self._out]
            freed = clock()
            found = self._backend.adjoint(input_V, self._weight, ON)
            answered = clock()
            self._backend.solve_clamped(input_V, free_V + 0.01, self._everyone, ON)
            spent += (freed - start, answered - freed, clock() - answered)
            assert not found.status.any()
        return spent / len(self._inputs_V)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table; returns 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=50, help="of a round (default 50)")
    parser.add_argument("--rounds", type=int, default=7, help="the best of which counts (default 7)")
    arguments = parser.parse_args(argv)
    print("network           edges   free us   adjoint us   clamped us   adjoint/clamped   differences/adjoint")
    for name, make in NETWORKS.items():
        turns = Turns(make(), arguments.samples)
        turns.round()  # compiles
        free, adjoint, clamped = 1e6 * np.min([turns.round() for _ in range(arguments.rounds)], axis=0)
        differences = 2 * turns.edges * free / adjoint  # a free phase for each side of each gate
        print(
            f"{name:16s}{turns.edges:7d}{free:10.1f}{adjoint:13.1f}{clamped:13.1f}{adjoint / clamped:18.2f}"
            f"{differences:22.0f}",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
