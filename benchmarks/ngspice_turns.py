"""What a solve in ngspice costs when several circuits take turns, beside one circuit alone, in one process.

Each circuit is the 640-transistor digit network with deviations of its own, and every solve is a free phase of new
inputs, or a training step. Ways take turns too; the shortest of several rounds counts.

python -m benchmarks.ngspice_turns           a minute
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

import numpy as np

from analog_nmos.backends.ngspice import NgspiceBackend
from analog_nmos.backends.ngspice_library import ngspice
from analog_nmos.cards.model_card import default_card_path, read_model_card
from analog_nmos.circuit import BODY_TIES, CircuitOptions
from analog_nmos.circuit.deviations import Deviations
from analog_nmos.topology import shipped
from benchmarks.turns import Way, in_turns, print_table
from common.errors import InputError

TOPOLOGY = shipped()
EVERYONE = np.ones(1, bool)
TWO = np.arange(TOPOLOGY.n_outputs)[None] < 2


def chip(seed: int, tie: str) -> NgspiceBackend:
    """A circuit whose transistors deviate by 0.01 V and 0.5 % (standard deviations), ready to solve."""
    rng, edges = np.random.default_rng(seed), TOPOLOGY.n_edges
    own = Deviations(0.01 * rng.standard_normal(edges), 1 + 0.005 * rng.standard_normal(edges))
    card = read_model_card(default_card_path())
    backend = NgspiceBackend([TOPOLOGY], card, CircuitOptions(body_tie=tie), deviations=[own])
    backend.set_gates(gates(0))
    backend.solve_free(inputs(1)[0], EVERYONE)
    return backend


def gates(step: int) -> np.ndarray:
    """Gate voltages between 1 and 3 V, all a little higher at each step, as training moves them."""
    return np.random.default_rng(0).uniform(1, 3, (1, TOPOLOGY.n_edges)) + 1e-6 * step


def inputs(samples: int) -> np.ndarray:
    """Inputs between 0 and 1 V, shape (samples, 1, inputs)."""
    return np.random.default_rng(1).uniform(0, 1, (samples, 1, TOPOLOGY.n_inputs))


def free(circuits: Sequence[NgspiceBackend], samples: int) -> Callable[[], None]:
    """Free phases: each sample in the next circuit."""

    def work() -> None:
        for sample, row in enumerate(inputs(samples)):
            circuits[sample % len(circuits)].solve_free(row, EVERYONE)

    return work


def trained(circuits: Sequence[NgspiceBackend], samples: int) -> Callable[[], None]:
    """Training steps: free in the first circuit, clamped in the last one, then new gates for both."""
    first, last = circuits[0], circuits[-1]

    def work() -> None:
        for sample, row in enumerate(inputs(samples)):
            for circuit in dict.fromkeys((first, last)):
                circuit.set_gates(gates(sample))
            out_V = first.solve_free(row, EVERYONE).node_V[:, TOPOLOGY.out_nodes]
            last.solve_clamped(row, out_V + 0.025, TWO, EVERYONE)

    return work


def loaded_anew(circuits: Sequence[NgspiceBackend], samples: int) -> Callable[[], None]:
    """Free phases of circuits that have a single place between them: each is loaded before its solve."""

    def work() -> None:
        for sample, row in enumerate(inputs(samples)):
            circuits[sample % len(circuits)].reload(0)
            circuits[sample % len(circuits)].solve_free(row, EVERYONE)

    return work


def ways(tie: str, samples: int) -> dict[str, list[Way]]:
    """By table; the first way of each is the one that the others are compared with."""
    three = [chip(seed, tie) for seed in range(3)]
    few = max(samples // 10, 1)
    return {
        "a free phase": [
            Way("one circuit alone", free(three[:1], samples), samples),
            Way("two in turns", free(three[:2], samples), samples),
            Way("three in turns", free(three, samples), samples),
            Way("two, loaded anew each time", loaded_anew(three[:2], few), few),
        ],
        "a training step: both phases, all gates altered": [
            Way("both phases in one circuit", trained(three[:1], samples), samples),
            Way("free in one, clamped in another", trained(three[:2], samples), samples),
        ],
    }


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=60, metavar="N", help="solves a round (default: 60)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="rounds (default: 5)")
    parser.add_argument("--body-tie", choices=BODY_TIES, action="append", help="only this one (may be repeated)")
    arguments = parser.parse_args(argv)
    if arguments.samples < 1 or arguments.rounds < 1:
        parser.error("samples and rounds must be 1 or more")
    try:
        print(f"ngspice {ngspice().version}, {TOPOLOGY.n_edges} transistors; seconds of one solve or step")
        for tie in arguments.body_tie or BODY_TIES:
            for title, rows in ways(tie, arguments.samples).items():
                print_table(f"body {tie}, {title}", rows, in_turns(rows, arguments.rounds))
    except InputError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
