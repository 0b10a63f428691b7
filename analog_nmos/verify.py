"""Solve the same samples in ngspice and natively, and report how far they differ (`nmos-verify`)."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.backends.base import Backend
from analog_nmos.backends.ngspice import NgspiceBackend
from analog_nmos.cards.model_card import ModelCard, default_card_path, read_model_card
from analog_nmos.chips import load_chip
from analog_nmos.circuit import CircuitOptions
from analog_nmos.circuit.deviations import Deviations
from analog_nmos.objectives.base import highest
from analog_nmos.rules.options import RuleOptions
from analog_nmos.topology import Topology, find_topology, load_topology, shipped
from analog_nmos.training.checkpoint import read_gates
from analog_nmos.training.record import CARD, CHIP, TOPOLOGY
from common.cli import Parser, add_options, build, option, run_command
from common.errors import InputError, RunError
from common.runs import load_run

FloatArray = NDArray[np.float64]
CONDUCTANCE_S = RuleOptions.nudge_conductance  # its default
TIGHT: dict[str, Any] = {"reltol": 1e-9, "abstol": 1e-14, "vntol": 1e-11, "itl1": 400}
DESCRIPTION = """\
Solve the same samples in ngspice and natively, free and clamped, and report the largest difference of an output
voltage, the predictions that differ, and the ratio of times. Exit code 1 if the solvers disagree.

example: nmos-verify results/analog_nmos/latest      (a run's circuit with its last gate voltages and its test set)
         nmos-verify --body-tie floating             (the shipped network with random gate voltages and inputs)
"""


@dataclass(frozen=True, kw_only=True)
class VerifyConfig(CircuitOptions):
    """What to compare."""

    run_dir: Path | None = option(
        None, "run folder whose circuit options, gate voltages and test set are used", positional=True
    )
    topology: Path | None = option(None, "without a run: NPZ file of the network (default: the shipped dense one)")
    model_card: Path | None = option(None, "without a run: SPICE model card (default: the shipped ALD1106)")
    chip: Path | None = option(None, "NPZ or CSV file of the chip in place of the run's own, if it has one")
    seed: int = option(0, "without a run: seed of gate voltages and inputs", low=0)
    vg_lo: float = option(0.75, "without a run: lower end of random gate voltages", unit="V")
    vg_hi: float = option(6.0, "without a run: upper end of random gate voltages", unit="V")
    samples: int = option(20, "how many samples to solve", low=1)
    nudge: float = option(
        0.05,
        "how far the clamped phase moves the two highest outputs; with --nudge-mode current, what drives them, over "
        "the run's --nudge-conductance (1 mS without a run)",
        unit="V",
        above=0.0,
    )
    limit: float = option(1e-8, "largest difference allowed at tight tolerances", unit="V", above=0.0)

    def check(self) -> None:
        """Raise InputError where options contradict each other."""
        super().check()
        if self.vg_lo >= self.vg_hi:
            raise InputError(f"--vg-lo {self.vg_lo:g} must lie below --vg-hi {self.vg_hi:g}")


@dataclass(frozen=True, eq=False)
class Circuit:
    """A network with gate voltages (edges,) and inputs (samples, inputs), in volts.

    `free` and `clamped` say how the transistors of the circuits of both phases differ from the card; where they are one
    object there is one circuit. `conductance_S` is for nudges by currents.
    """

    topology: Topology
    card: ModelCard
    options: CircuitOptions
    gate_V: FloatArray
    input_V: FloatArray
    free: Deviations | None = None
    clamped: Deviations | None = None
    conductance_S: float = CONDUCTANCE_S


@dataclass(frozen=True)
class Comparison:
    """One tolerance setting: largest difference in volts, predictions that differ, failed solves, seconds per solve."""

    largest_V: float
    flips: int
    failed: int
    solves: int
    ngspice_s: float
    native_s: float


def compare(circuit: Circuit, nudge_V: float) -> Comparison:
    """Solve every sample free, then with its two highest outputs pulled apart, on both backends.

    Raises:
        InputError: libngspice is missing, or native does not model the card.
    """
    from analog_nmos.backends.native import NativeBackend

    parts = ([circuit.topology], circuit.card, circuit.options)
    tolerance_V = min(1e-7, 1e-3 * circuit.options.reltol)  # tightened along with ngspice's
    results: list[tuple[FloatArray, float]] = []
    backends: list[Callable[[Deviations | None], Backend]] = [
        lambda own: NgspiceBackend(*parts, deviations=[own]),
        lambda own: NativeBackend(*parts, tolerance_V=tolerance_V, deviations=[own]),
    ]
    for make in backends:
        first = make(circuit.free)
        backends_of_phases = (first, first if circuit.clamped is circuit.free else make(circuit.clamped))
        for backend in set(backends_of_phases):
            backend.set_gates(circuit.gate_V[None])
        one_sample = dataclasses.replace(circuit, input_V=circuit.input_V[:1])
        _solve_all(backends_of_phases, one_sample, None, nudge_V)  # not timed: loading and compiling
        results.append(_solve_all(backends_of_phases, circuit, results[0][0] if results else None, nudge_V))
        for backend in set(backends_of_phases):
            backend.close()
    (spice_V, spice_s), (native_V, native_s) = results
    both = np.asarray(np.isfinite(spice_V + native_V).all(axis=2))
    difference = np.abs(spice_V - native_V)[both]
    flips = np.count_nonzero(both[0] & np.not_equal(highest(spice_V[0]), highest(native_V[0])))
    largest = float(difference.max()) if difference.size else float("nan")
    return Comparison(largest, int(flips), int((~both).sum()), both.size, spice_s, native_s)


def _solve_all(
    backends: tuple[Backend, Backend], circuit: Circuit, other: FloatArray | None, nudge_V: float
) -> tuple[FloatArray, float]:
    """Outputs (2, samples, outputs) in volts, free and clamped, and seconds a solve, by the backends of both phases.

    Targets are nudged from the free outputs of `other`, the other backend's result, or from its own if None.
    """
    outputs, mask = circuit.topology.out_nodes, np.ones(1, bool)
    shape = (2, len(circuit.input_V), outputs.size)
    found, seconds = np.full(shape, np.nan), 0.0
    for sample, row in enumerate(circuit.input_V):
        start = time.perf_counter()
        found[0, sample] = backends[0].solve_free(row[None], mask).node_V[0, outputs]
        seconds += time.perf_counter() - start
        free_V = found[0, sample] if other is None else other[0, sample]
        driven, clamped = _pull_apart(circuit, free_V, nudge_V)
        start = time.perf_counter()
        solution = backends[1].solve_clamped(row[None], driven[None], clamped[None], mask)
        found[1, sample] = solution.node_V[0, outputs]
        seconds += time.perf_counter() - start
    return found, seconds / found[..., 0].size


def _pull_apart(circuit: Circuit, out_V: FloatArray, nudge_V: float) -> tuple[FloatArray, NDArray[np.bool_]]:
    """What `solve_clamped` takes: targets in V, or currents in A."""
    by_current = circuit.options.nudge_mode == "current"
    driven, clamped = np.zeros(out_V.size) if by_current else out_V.copy(), np.zeros(out_V.size, bool)
    for output, sign in zip(np.argsort(out_V)[-2:], (-1, 1), strict=False):
        driven[output] += sign * nudge_V * (circuit.conductance_S if by_current else 1.0)
        clamped[output] = True
    return driven, clamped


def load(config: VerifyConfig) -> tuple[str, Circuit]:
    """The circuit of a run folder as its last epoch left it, or a network with random gate voltages and inputs."""
    if config.run_dir is not None:
        return _of_run(config.run_dir, config.samples, config.chip)
    topology = find_topology(config.topology) if config.topology else shipped()
    rng = np.random.default_rng(config.seed)
    gate_V = rng.uniform(config.vg_lo, config.vg_hi, topology.n_edges)
    input_V = rng.uniform(0.0, 1.0, (config.samples, topology.n_inputs))
    card = read_model_card(config.model_card or default_card_path())
    name = str(config.topology or "the shipped network")
    chip = load_chip(config.chip, topology) if config.chip else None
    both = (chip.free(), chip.clamp()) if chip else ()
    return f"{name}, random gate voltages", Circuit(topology, card, config, gate_V, input_V, *both)


def _of_run(folder: Path, samples: int, chip_file: Path | None) -> tuple[str, Circuit]:
    record = load_run(folder)
    epoch, edge_uid, gate_V = read_gates(folder)
    start = load_topology(folder / TOPOLOGY)
    topology = start.keep(edge_uid)
    names = {field.name for field in dataclasses.fields(CircuitOptions)}
    options = build(CircuitOptions, {name: value for name, value in record.config.items() if name in names})
    card = read_model_card(folder / CARD)
    conductance_S = record.config.get("nudge_conductance", CONDUCTANCE_S)  # a run before there were such nudges
    circuit = Circuit(topology, card, options, gate_V, record.array("test_x")[:samples], conductance_S=conductance_S)
    file = chip_file or (folder / CHIP if record.config.get("chip") else None)
    if file is not None:
        chip = load_chip(file, start).scaled(1.0 if chip_file else record.config["chip_scale"])
        free = chip.free().keep(edge_uid)
        clamped = free if record.config["one_circuit"] else chip.clamp().keep(edge_uid)
        circuit = dataclasses.replace(circuit, free=free, clamped=clamped)
    return f"{folder}, epoch {epoch}", circuit


def report(config: VerifyConfig) -> str:
    """Compare at the tolerances of the circuit and at tight ones; the table as text.

    Raises:
        RunError: a prediction differs, a solve failed, or the difference at tight tolerances is too large.
    """
    name, circuit = load(config)
    tight = dataclasses.replace(circuit, options=dataclasses.replace(circuit.options, **TIGHT))
    kinds = {f"reltol {circuit.options.reltol:g}": circuit, f"reltol {TIGHT['reltol']:g}": tight}
    found = {kind: compare(one, config.nudge) for kind, one in kinds.items()}
    samples = len(circuit.input_V)
    chip = "" if circuit.free is None else "on its chip, " if config.chip is None else f"on {config.chip}, "
    body = f"body {circuit.options.body_tie}, {_reference(circuit.options)}"
    lines = [
        f"{name}: {circuit.topology.n_edges} edges, {chip}{body}{samples} samples free and clamped",
        f"{'ngspice at':<14}{'largest difference':>20}{'label flips':>13}{'ngspice':>12}{'native':>12}{'ratio':>8}",
    ]
    for kind, one in found.items():
        times = f"{1e3 * one.ngspice_s:>9.2f} ms{1e3 * one.native_s:>9.4f} ms{one.ngspice_s / one.native_s:>8.0f}"
        lines.append(f"{kind:<14}{one.largest_V:>18.1e} V{one.flips:>9}/{samples}{times}")
    text = "\n".join(lines)
    last = found[f"reltol {TIGHT['reltol']:g}"]
    problems = [f"{one.failed} solves failed" for one in found.values() if one.failed]
    problems += [f"{one.flips} predictions differ" for one in found.values() if one.flips]
    if not last.largest_V <= config.limit:
        problems.append(f"the largest difference is {last.largest_V:.1e} V, the limit {config.limit:g} V")
    if problems:
        raise RunError(f"the solvers disagree: {'; '.join(problems)}\n{text}")
    return text


def _reference(options: CircuitOptions) -> str:
    return "" if options.gate_ref == "ground" else f"gate on {options.gate_ref}, "


def main(argv: Sequence[str] | None = None) -> int:
    """The command `nmos-verify`; see DESCRIPTION."""
    parser = Parser(prog="nmos-verify", description=DESCRIPTION)
    add_options(parser, VerifyConfig)
    arguments = vars(parser.parse_args(argv))

    def work() -> int:
        print(report(build(VerifyConfig, arguments)))
        return 0

    return run_command("nmos-verify", work)


if __name__ == "__main__":
    sys.exit(main())
