"""What one operating point costs in ngspice: the published way, this project's backend, and other ways to use ngspice.

Every way solves the same free phases of the 640-transistor digit network. Ways take turns within a round, and a
figure is the median over all its solves of all rounds, since other processes disturb. "off" is the largest
distance of an output voltage from the plain `op` with default tolerances and from the exact solution (reltol 1e-9).
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.backends.native import NativeBackend
from analog_nmos.backends.ngspice import NgspiceBackend
from analog_nmos.backends.ngspice_library import Ngspice, ngspice
from analog_nmos.cards.model_card import default_card_path, read_model_card
from analog_nmos.circuit import BODY_TIES, CircuitOptions
from analog_nmos.circuit.netlist import Sources, write_netlist
from analog_nmos.topology import Topology, shipped
from common.cli import Parser
from common.errors import InputError

FloatArray = NDArray[np.float64]
EXACT: dict[str, Any] = {"reltol": 1e-9, "abstol": 1e-14, "vntol": 1e-11}
EVERYONE = np.ones(1, bool)


@dataclass(frozen=True)
class Case:
    """What is solved: a network with its gate voltages (volts), and inputs (samples, inputs), one row a solve."""

    topology: Topology
    options: CircuitOptions
    gate_V: FloatArray
    input_V: FloatArray


Solve = Callable[[int], FloatArray]  # from a sample's index to the output voltages


class Plain:
    """A circuit solved by commands of ngspice, `op` unless told otherwise."""

    def __init__(
        self,
        case: Case,
        *,
        alter_all: bool = False,
        printed: bool = False,
        save: bool = False,
        pivrel: float = 1e-3,
        reload: bool = False,
        nodeset: bool = False,
        sweep: str = "",
        **options: Any,
    ) -> None:
        self._spice, self._case = ngspice(), replace(case, options=replace(case.options, **options))
        self._alter_all, self._printed, self._reload, self._sweep = alter_all, printed, reload, sweep
        self._vectors = [self._spice.vector(f"v({node})") for node in case.topology.out_nodes]
        self._extra = "".join(f".nodeset v({node})=0.3\n" for node in case.topology.out_nodes) if nodeset else ""
        self._setup = [f"option pivrel={pivrel!r}"]
        if save or sweep:
            self._setup.append("save " + " ".join(f"v({node})" for node in case.topology.out_nodes))
        self._points = 0
        if not reload:
            self._read(case.input_V[0])

    def __call__(self, sample: int) -> FloatArray:
        """Alter, solve, read."""
        input_V = self._case.input_V[sample]
        if self._reload:
            self._read(input_V)
        else:
            self._alter("vin", input_V)
            if self._alter_all:
                self._alter("vg", self._case.gate_V)
                self._alter("vout", np.zeros(len(self._vectors)))
        if self._sweep:
            self._next_point()
        else:
            self._spice.command("destroy all")
            self._spice.command("op")
            self._points = 1
        values = self._print() if self._printed else self._values()
        self._spice.forget()
        return values

    def _read(self, input_V: FloatArray) -> None:
        case = self._case
        sources = Sources(input_V, case.gate_V, np.zeros(case.topology.n_outputs))
        netlist = write_netlist(case.topology, read_model_card(default_card_path()), case.options, sources)
        self._spice.read(netlist.replace(".op\n", f"{self._extra}.op\n"))
        for command in self._setup:
            self._spice.command(command)

    def _alter(self, name: str, values: FloatArray) -> None:
        for index, value in enumerate(values.tolist()):
            self._spice.command(f"alter {name}{index} = {value!r}")

    def _next_point(self) -> None:
        if self._points == 0:
            self._spice.command("stop after 1")
        self._spice.command("step" if self._points else f"dc {self._sweep}")
        self._points += 1

    def _values(self) -> FloatArray:
        values = [self._spice.last_value(vector, self._points) for vector in self._vectors]
        return np.array([np.nan if value is None else value for value in values])

    def _print(self) -> FloatArray:
        self._spice.drain()
        for node in self._case.topology.out_nodes:
            self._spice.command(f"print v({node})")
        return np.array([float(line.split("=")[1]) for line in self._spice.drain()])


class Ours:
    """The backend, with the gates of each sample moved a little (as training does) or not."""

    def __init__(self, case: Case, *, train: bool = False) -> None:
        self._case, self._train = case, train
        self._backend = NgspiceBackend([case.topology], read_model_card(default_card_path()), case.options)
        self._backend.set_gates(case.gate_V[None])

    def __call__(self, sample: int) -> FloatArray:
        """Free phase; if training, a clamped phase with two outputs held and new gates after it."""
        case = self._case
        solution = self._backend.solve_free(case.input_V[sample][None], EVERYONE)
        outputs: FloatArray = solution.node_V[0, case.topology.out_nodes].copy()
        if self._train:
            two = np.arange(case.topology.n_outputs) < 2
            self._backend.solve_clamped(case.input_V[sample][None], outputs[None] + 0.025, two[None], EVERYONE)
            self._backend.set_gates(case.gate_V[None] + 1e-6 * (sample + 1))
            return np.full_like(outputs, np.nan)  # of other gates, so not to be compared
        return outputs


class Native:
    """The native solver, each sample starting from the one before."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._backend = NativeBackend([case.topology], read_model_card(default_card_path()), case.options)
        self._backend.set_gates(case.gate_V[None])

    def __call__(self, sample: int) -> FloatArray:
        """Free phase."""
        solution = self._backend.solve_free(self._case.input_V[sample][None], EVERYONE)
        outputs: FloatArray = solution.node_V[0, self._case.topology.out_nodes].copy()
        return outputs


class PerOutput:
    """A circuit of its own for every output (outputs that share no hidden node are independent of each other).

    Each is loaded for a sample and its solve timed by itself, and a sample costs the sum.
    """

    def __init__(self, case: Case) -> None:
        self._case = case
        self.seconds = 0.0

    def __call__(self, sample: int) -> FloatArray:
        """All outputs of one sample; only the solves themselves count as `seconds`."""
        case, self.seconds = self._case, 0.0
        values = np.empty(case.topology.n_outputs)
        for k, node in enumerate(case.topology.out_nodes):
            chosen = np.flatnonzero(case.topology.edges_S == node)
            own = replace(
                case.topology,
                out_nodes=np.array([node]),
                edges_D=case.topology.edges_D[chosen],
                edges_S=case.topology.edges_S[chosen],
            )
            solve = Ours(replace(case, topology=own, gate_V=case.gate_V[chosen]))
            solve(sample - 1)
            start = time.perf_counter()
            values[k] = solve(sample)[0]
            self.seconds += time.perf_counter() - start
        return values


def ways(case: Case, quick: bool) -> dict[str, Callable[[], Solve]]:
    """The ways by name; each makes its circuit when called, since most use the one in `ngspice()`."""
    rail = f"vplus {case.options.vplus!r} {case.options.vplus!r} 1e-300"
    cold = f"temp {case.options.temp!r} {case.options.temp + 0.5!r} 1 {rail}"
    chosen: dict[str, Callable[[], Solve]] = {
        "published: alter all, op, print": partial(Plain, case, alter_all=True, printed=True),
        "op: alter inputs, read vectors": partial(Plain, case),
        "THIS BACKEND, free phase": partial(Ours, case),
        "THIS BACKEND, training step: 2 ops, 640 gates": partial(Ours, case, train=True),
        "native solver": partial(Native, case),
    }
    others: dict[str, Callable[[], Solve]] = {
        "op: alter inputs, print": partial(Plain, case, printed=True),
        "op: save outputs only": partial(Plain, case, save=True),
        "op: solver sparse": partial(Plain, case, solver="sparse"),
        "op: pivrel 1e-9": partial(Plain, case, save=True, pivrel=1e-9),
        "op: load the netlist each time, pivrel 1e-9": partial(Plain, case, reload=True, pivrel=1e-9),
        "paused cold sweep, pivrel 1e-3": partial(Plain, case, sweep=cold),
        "this backend, one circuit per output": partial(PerOutput, case),
    }
    for reltol in (5e-3, 1e-4, 1e-6, 1e-8):
        tight: dict[str, Any] = {"reltol": reltol, "vntol": 2e-3 * reltol, "abstol": 2e-6 * reltol, "pivrel": 1e-9}
        others[f"nodeset 0.3 V, op, reltol {reltol:g}"] = partial(Plain, case, nodeset=True, **tight)
        others[f"paused cold sweep, reltol {reltol:g}"] = partial(Plain, case, sweep=cold, **tight)
        others[f"paused warm sweep, reltol {reltol:g}"] = partial(Plain, case, sweep=rail, **tight)
    return chosen if quick else chosen | others


def measure(case: Case, rounds: int, quick: bool) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Seconds of all solves, and the outputs (samples - 1, K) of the last round, by way."""
    seconds: dict[str, list[float]] = {}
    outputs: dict[str, FloatArray] = {}
    for _ in range(rounds):
        for name, make in ways(case, quick).items():
            solve = make()
            solve(0)
            rows = []
            for sample in range(1, len(case.input_V)):
                start = time.perf_counter()
                rows.append(solve(sample))
                spent = time.perf_counter() - start
                seconds.setdefault(name, []).append(solve.seconds if isinstance(solve, PerOutput) else spent)
            outputs[name] = np.array(rows)
    return {name: (np.array(seconds[name]), outputs[name]) for name in seconds}


def iterations(spice: Ngspice) -> int:
    """Newton iterations since the circuit was loaded."""
    spice.drain()
    spice.command("rusage totiter")
    return int(re.findall(r"Total iterations = (\d+)", " ".join(spice.drain()))[0])


def report(case: Case, rounds: int, quick: bool) -> None:
    """Measure one body tie and print its table."""
    results = measure(case, rounds, quick)
    samples = range(1, len(case.input_V))
    plain, tight = Plain(case), Plain(case, pivrel=1e-9, **EXACT)
    exact = np.array([tight(sample) for sample in samples])
    plain = Plain(case)
    before = iterations(ngspice())
    default = np.array([plain(sample) for sample in samples])
    newton = (iterations(ngspice()) - before) / len(samples)
    published = np.median(next(iter(results.values()))[0])
    print(f"\nbody tie {case.options.body_tie}: {newton:.1f} Newton iterations an op")
    print(f"{'':46}{'median':>9}{'fastest':>9}{'ratio':>8}{'off from op':>15}{'from exact':>15}")
    for name, (seconds, outputs) in results.items():
        line = f"{name:46}{np.median(seconds) * 1e3:6.3f} ms{seconds.min() * 1e3:6.3f} ms"
        line += f"{published / np.median(seconds):7.1f}x"
        if np.isfinite(outputs).all():
            line += "".join(f"{np.abs(outputs - other).max():13.1e} V" for other in (default, exact))
        print(line)


def main() -> int:
    """Measure all body ties, or those named."""
    parser = Parser(description=__doc__.split("\n\n")[0], epilog=__doc__.split("\n\n")[1])
    parser.add_argument("--body-tie", choices=BODY_TIES, action="append", help="only this one (may be repeated)")
    parser.add_argument("--gates", choices=("random", "fixed"), default="random", help="1 to 3 V at random, or 4 V")
    parser.add_argument("--samples", type=int, default=20, help="solves a round (default: 20)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds in which all ways take a turn (default: 3)")
    parser.add_argument("--quick", action="store_true", help="the main ways only, one short round")
    arguments = parser.parse_args()
    samples, rounds = (6, 1) if arguments.quick else (arguments.samples, arguments.rounds)
    if samples < 1 or rounds < 1:
        parser.error("samples and rounds must be 1 or more")
    rng = np.random.default_rng(0)
    topology = shipped()
    gate_V = rng.uniform(1, 3, topology.n_edges) if arguments.gates == "random" else np.full(topology.n_edges, 4.0)
    input_V = rng.uniform(0, 1, (samples + 1, topology.n_inputs))
    try:
        print(f"ngspice {ngspice().version}, {topology.n_edges} transistors, {samples} samples x {rounds} rounds")
        for tie in arguments.body_tie or BODY_TIES:
            report(Case(topology, CircuitOptions(body_tie=tie), gate_V, input_V), rounds, arguments.quick)
    except InputError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
