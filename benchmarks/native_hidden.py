"""Networks with hidden nodes: native solves beside --backend ngspice, in one process, in CPU time of one thread.

python -m benchmarks.native_hidden                     some minutes; --ngspice-solves 0 leaves ngspice out
python -m benchmarks.native_hidden --only torus-4      one network
python -m benchmarks.native_hidden --growth            how cost grows with the network
python -m benchmarks.native_hidden --xor-seeds 100     XOR: epochs of four samples that never leave compiled code
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analog_nmos.backends.base import Backend, FloatArray
from analog_nmos.backends.make import make_backend
from analog_nmos.cards.model_card import default_card_path, read_model_card
from analog_nmos.circuit import CircuitOptions
from analog_nmos.topology import Topology, built
from analog_nmos.topology.layered import Layered
from analog_nmos.topology.torus import Torus
from analog_nmos.training.epoch_kernel import Samples, Sums, epoch_kernel
from common.kernels.jit import compiled

CARD = read_model_card(default_card_path())
ON = np.array([True])
RAILS = CircuitOptions(vminus=0.11, vplus=0.33)
TIGHT = dataclasses.replace(RAILS, reltol=1e-9, abstol=1e-14, vntol=1e-11)


@dataclass(frozen=True)
class Case:
    """A network, what its inputs are drawn from (None: anything up to 0.45 V), and what the issue asks for."""

    topology: Topology
    levels_V: tuple[float, ...] | None
    target: str


def torus(side: int) -> Topology:
    """A periodic grid with the terminals of the XOR experiment, 2 side^2 edges."""
    return built(Torus(side=side))


def layered(*layers: int) -> Topology:
    """Every node to every node of the next layer."""
    return built(Layered(layers=layers))


CASES = {
    "torus-4": lambda: Case(torus(4), (0.0, 0.45), "20 times"),
    "torus-10": lambda: Case(torus(10), (0.0, 0.45), ""),
    "torus-30": lambda: Case(torus(30), (0.0, 0.45), "25 times"),
    "torus-50": lambda: Case(torus(50), (0.0, 0.45), "150 times"),
    "torus-100": lambda: Case(torus(100), (0.0, 0.45), "update 250 ms"),
    "16-190-4": lambda: Case(layered(16, 190, 4), None, "0.3 ms"),
    "16-1000-4": lambda: Case(layered(16, 1000, 4), None, "0.7 ms"),
}


@dataclass(frozen=True)
class Timing:
    """Mean CPU milliseconds of a free phase, a clamped phase and changing all gates; outputs of the last free phase."""

    free_ms: float
    clamped_ms: float
    gates_ms: float
    out_V: FloatArray

    @property
    def mean_ms(self) -> float:
        """Of free and clamped phase."""
        return 0.5 * (self.free_ms + self.clamped_ms)

    @property
    def update_ms(self) -> float:
        """Of a whole update."""
        return self.free_ms + self.clamped_ms + self.gates_ms


def measure(backend: Backend, case: Case, solves: int) -> Timing:
    """Solve so many random samples, as in training: gates, free phase, all outputs nudged by a quarter."""
    topology, rng, spent = case.topology, np.random.default_rng(0), np.zeros(3)
    gate_V = rng.uniform(0.5, 3.0, (1, topology.n_edges))
    clamped = np.ones((1, topology.n_outputs), bool)
    out_V = np.zeros((1, topology.n_outputs))
    for turn in range(-2, solves):  # the first ones compile and start cold
        shape = (1, topology.n_inputs)
        input_V = rng.choice(case.levels_V, shape) if case.levels_V else rng.uniform(0.0, 0.45, shape)
        moved_V = gate_V + rng.normal(0.0, 1e-4, gate_V.shape)
        times = [time.process_time()]
        backend.set_gates(moved_V)
        times.append(time.process_time())
        out_V = backend.solve_free(input_V, ON).node_V[:, topology.out_nodes]
        times.append(time.process_time())
        target_V = out_V + 0.25 * (rng.choice([-0.087, 0.0], out_V.shape) - out_V)
        backend.solve_clamped(input_V, target_V, clamped, ON)
        times.append(time.process_time())
        if turn >= 0:
            spent += np.diff(times)
    gates_ms, free_ms, clamped_ms = (1e3 * spent / solves).tolist()
    return Timing(free_ms, clamped_ms, gates_ms, out_V)


def compare(name: str, solves: int, ngspice_solves: int) -> None:
    """Print one line of the table of targets."""
    case = CASES[name]()
    topology = case.topology
    native = measure(
        make_backend("native", [topology], CARD, RAILS), case, solves or max(12, 20_000 // topology.n_edges)
    )
    line = f"{name:10s}{topology.n_edges:7d}{native.free_ms:10.4f}{native.clamped_ms:10.4f}{native.mean_ms:10.4f}"
    line += f"{native.update_ms:10.4f}"
    n_ngspice = min(ngspice_solves, max(2, 20_000 // topology.n_edges))
    for options in (RAILS, TIGHT) if n_ngspice else ():
        backend = make_backend("ngspice", [topology], CARD, options)
        theirs = measure(backend, case, n_ngspice)
        line += f"{theirs.mean_ms:11.3f}{theirs.mean_ms / native.mean_ms:8.0f}"
        backend.close()
    print(f"{line}   {case.target}", flush=True)


def growth() -> None:
    """Print how the cost of an update grows with grids and with layers."""
    print("network        edges   unknowns   update ms   us an edge")
    sizes = [(f"torus-{side}", torus(side), (0.0, 0.45)) for side in (4, 7, 10, 15, 20, 30, 50, 70, 100)]
    sizes += [(f"16-{n}-4", layered(16, n, 4), None) for n in (10, 30, 100, 300, 1000)]
    for name, topology, levels_V in sizes:
        backend = make_backend("native", [topology], CARD, RAILS)
        found = measure(backend, Case(topology, levels_V, ""), max(8, 20_000 // topology.n_edges))
        unknowns = topology.n_outputs + topology.hidden_nodes.size
        each_us = 1e3 * found.update_ms / topology.n_edges
        print(f"{name:12s}{topology.n_edges:8d}{unknowns:11d}{found.update_ms:12.4f}{each_us:13.3f}", flush=True)


class Xor(NamedTuple):
    """Of the XOR experiment: what the difference of the outputs is to be for each label (V), and the nudge."""

    level_V: FloatArray
    eta: float


@compiled
def nudge_pair(out_V, label, own, target_V, clamped):  # type: ignore[no-untyped-def]
    """See `analog_nmos.objectives.base.SampleKernel`: both outputs go a share of the way to the level."""
    level_V = own.level_V[label]
    away_V = level_V - (out_V[0] - out_V[1])
    target_V[0] = out_V[0] + 0.5 * own.eta * away_V
    target_V[1] = out_V[1] - 0.5 * own.eta * away_V
    clamped[0] = clamped[1] = True
    nearest = 0
    for k in range(own.level_V.size):
        if abs(out_V[0] - out_V[1] - own.level_V[k]) < abs(out_V[0] - out_V[1] - own.level_V[nearest]):
            nearest = k
    return away_V * away_V, nearest, True


def xor(seeds: int, epochs: int) -> None:
    """Train the 4 x 4 torus on XOR from so many seeds, one after the other, and print CPU seconds and accuracy."""
    replicas = [torus(4)] * seeds
    backend = make_backend("native", replicas, CARD, dataclasses.replace(RAILS, rs_free=1e12, rs_clamp=1.0))
    solver = backend.compiled()
    assert solver is not None
    train = epoch_kernel(solver.free, solver.clamped, solver.forget, nudge_pair)
    counts = {name: np.zeros(seeds, np.int64) for name in Sums._fields}
    sums = Sums(**{**counts, "loss": np.zeros(seeds), "seconds": np.zeros(3)})
    table_V = np.array([[0.0, 0.0], [0.0, 0.45], [0.45, 0.0], [0.45, 0.45]])
    samples = Samples(table_V, np.array([0, 1, 1, 0]), replicas[0].out_nodes, replicas[0].max_node + 1, 0.3)
    own, rngs = Xor(np.array([0.0, -0.087]), 0.5), [np.random.RandomState(seed) for seed in range(seeds)]
    backend.set_gates(np.stack([rng.uniform(0.5, 3.0, replicas[0].n_edges) for rng in rngs]))
    spent, right, order = 0.0, np.zeros(seeds, np.int64), np.arange(4)
    for turn in (1, epochs):  # the first call compiles
        orders = [np.concatenate([_shuffled(rng, order) for _ in range(turn)]) for rng in rngs]
        start = time.process_time()
        for seed in range(seeds):
            train(solver.memory, solver.edges, seed, samples, orders[seed][:-4], own, sums)
            before = sums.correct[seed]
            train(solver.memory, solver.edges, seed, samples, orders[seed][-4:], own, sums)
            right[seed] = sums.correct[seed] - before
        spent = time.process_time() - start
    failed = sum(int(getattr(sums, name).sum()) for name in sums._fields[4:8])
    each_us = 1e6 * spent / (8 * seeds * epochs)
    print(f"XOR, {seeds} seeds of {epochs} epochs: {spent:.2f} s of a core, {each_us:.2f} us a solve with its update")
    print(f"{(right == 4).sum()} seeds end with all four right, {failed} solves failed")


def _shuffled(rng: np.random.RandomState, order: NDArray[np.int64]) -> NDArray[np.int64]:
    rng.shuffle(order)
    return order.copy()


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables; returns 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=CASES, help="one network (default: all)")
    parser.add_argument("--solves", type=int, default=0, help="native samples of each (default 0: by the size)")
    parser.add_argument("--ngspice-solves", type=int, default=50, help="most samples of ngspice (default 50; 0: none)")
    parser.add_argument("--growth", action="store_true", help="the growth table instead")
    parser.add_argument("--xor-seeds", type=int, default=0, help="train XOR from so many seeds instead")
    parser.add_argument("--epochs", type=int, default=10_000, help="of XOR (default 10000)")
    arguments = parser.parse_args(argv)
    if arguments.xor_seeds:
        xor(arguments.xor_seeds, arguments.epochs)
        return 0
    if arguments.growth:
        growth()
        return 0
    print("network     edges      free   clamped      mean    update    ngspice   times  reltol 1e-9   wanted")
    for name in [arguments.only] if arguments.only else CASES:
        compare(name, arguments.solves, arguments.ngspice_solves)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
