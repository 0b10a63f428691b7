"""Random circuits against the second solver of `level1`, which is itself held to ngspice here.

Every answer of the native solver that is called converged is finite and within 1e-7 V of the solution.
"""

import runpy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from analog_nmos.backends.base import Status
from analog_nmos.backends.native import NativeBackend
from analog_nmos.cards.model_card import ModelCard
from analog_nmos.circuit import CircuitOptions
from analog_nmos.circuit.deviations import Deviations
from analog_nmos.topology import Topology

HERE = Path(__file__)
LEVEL1 = runpy.run_path(str(HERE.with_name("level1.py")))
NETLIST = runpy.run_path(str(HERE.with_name("test_against_ngspice.py")))["netlist"]
MODEL = {"level": 1.0, "vto": 0.75, "gamma": 1.09, "phi": 0.95, "kp": 6.25e-5, "lambda": 0.2, "rsh": 73.2, "is": 1e-14}
INSTANCE = {"l": 7.8e-6, "w": 0.138e-3, "nrd": 0.3, "nrs": 1.0}
ON = np.array([True])
BOUND_V = 1e-7
ACCURATE_V = 1e-11  # last step of the second solver


def power(rng, low, high):
    return float(10.0 ** rng.uniform(low, high))


def ordinary(rng):
    """Circuits as they are trained: what may vary, the largest voltage, the range of gate voltages."""
    return {}, 1.0, (0.4, 8.0)


def wide(rng):
    """What a data sheet would allow."""
    drawn = {"gmin": power(rng, -12, -6), "rshunt": power(rng, 6, 12)}
    drawn |= {"temp": rng.uniform(-55, 125), "tnom": rng.uniform(0, 50)}
    return some(rng, drawn, 0.4), rng.choice([1.0, 5.0]), (0.4, 8.0)


def extreme(rng):
    """What nobody would build."""
    drawn = {"gmin": power(rng, -15, -3), "rshunt": power(rng, 3, 15), "body_res": power(rng, -2, 8)}
    drawn |= {"rs_free": power(rng, 2, 13), "rs_clamp": power(rng, -2, 6)}
    drawn |= {"temp": rng.uniform(-190, 250), "tnom": rng.uniform(0, 100)}
    gates = [(0.4, 8.0), (-5.0, 20.0), (-1e3, 1e3), (0.7, 0.8)]
    return some(rng, drawn, 0.4), rng.choice([1e-6, 1e-2, 1.0, 5.0, 30.0, 1e3]), gates[rng.integers(4)]


KINDS = {"ordinary": ordinary, "wide": wide, "extreme": extreme}


def some(rng, drawn, share):
    return {name: value for name, value in drawn.items() if rng.random() < share}


def random_topology(rng, n_inputs, n_outputs, n_hidden, n_edges):
    """Any edges between any nodes: parallel ones, nodes without an edge, networks in several parts."""
    nodes = rng.permutation(np.arange(1, 3 + n_inputs + n_outputs + n_hidden))
    inputs, outputs, hidden = np.split(nodes[2:], [n_inputs, n_inputs + n_outputs])
    if n_hidden == 0 or rng.random() < 0.15:
        drains, sources = rng.choice(inputs, n_edges), rng.choice(outputs, n_edges)
    else:
        first = rng.integers(0, nodes.size, n_edges)
        second = (first + rng.integers(1, nodes.size, n_edges)) % nodes.size
        drains, sources = nodes[first], nodes[second]
    return Topology(int(nodes[0]), int(nodes[1]), inputs, outputs, drains, sources, hidden)


@dataclass
class Circuit:
    """One circuit in a free or a clamped phase, and what the native solver makes of it."""

    topology: Topology
    options: CircuitOptions
    gate_V: np.ndarray
    input_V: np.ndarray
    sink_V: np.ndarray
    series_ohm: np.ndarray
    status: int
    found_V: np.ndarray  # outputs and hidden nodes
    free_nodes: np.ndarray
    ends: np.ndarray  # (E, 2), free nodes before rails and inputs
    fixed_V: np.ndarray
    own: Deviations


def deviations(seed, n_edges):
    """Of transistors that differ a little, a lot, or by magnitudes; none where there is no seed."""
    if seed is None:
        return Deviations(np.zeros(n_edges), np.ones(n_edges))
    rng = np.random.default_rng(seed)
    vto_V, decades = [(0.01, 0.02), (0.1, 0.2), (1.0, 3.0)][rng.integers(3)]
    return Deviations(rng.normal(0.0, vto_V, n_edges), 10.0 ** np.clip(rng.normal(0.0, decades, n_edges), -5, 5))


def draw(rng, sizes, kind, model=MODEL, seed=None):
    """A random circuit, solved; its transistors differ if there is a seed for it."""
    topology = random_topology(rng, *sizes)
    drawn, largest_V, gates = KINDS[kind](rng)
    if rng.random() < 0.5:
        drawn |= {"vminus": rng.uniform(-largest_V, 0.0), "vplus": float(rng.uniform(0.01, 1.0) * largest_V)}
    options = CircuitOptions(body_tie=str(rng.choice(["source", "ground", "floating"])), **drawn)
    gate_V = rng.uniform(*gates, topology.n_edges)
    input_V = rng.uniform(-largest_V if rng.random() < 0.3 else 0.0, largest_V, topology.n_inputs)
    target_V = rng.uniform(0.0, largest_V, topology.n_outputs)
    clamped = rng.random(topology.n_outputs) < 0.5
    own, card = deviations(seed, topology.n_edges), ModelCard(Path("test.lib"), model, INSTANCE)
    backend = NativeBackend([topology], card, options, deviations=None if seed is None else [own])
    backend.set_gates(gate_V[None])
    phase = rng.integers(3)  # free, clamped from a cold start, clamped after free
    if phase != 1:
        solution = backend.solve_free(input_V[None], ON)
    if phase != 0:
        solution = backend.solve_clamped(input_V[None], target_V[None], clamped[None], ON)
    clamped &= phase != 0
    free = np.concatenate([topology.out_nodes, topology.hidden_nodes])
    order = np.concatenate([free, [topology.negref, topology.posref], topology.input_nodes])
    number = np.zeros(topology.max_node + 1, int)
    number[order] = np.arange(order.size)
    return Circuit(
        topology, options, gate_V, input_V, np.where(clamped, target_V, 0.0),
        np.where(clamped, options.rs_clamp, options.rs_free), int(solution.status[0]), solution.node_V[0, free].copy(),
        free, np.stack([number[topology.edges_D], number[topology.edges_S]], axis=1),
        np.concatenate([[options.vminus, options.vplus], input_V]), own,
    )  # fmt: skip


def batch(circuits, model=MODEL):
    """The circuits as `level1` takes them."""
    n_free, n_outputs = circuits[0].found_V.size, circuits[0].sink_V.size

    def padded(values):  # hidden nodes have no series resistor
        return np.pad(np.array(values), ((0, 0), (0, n_free - n_outputs)))

    numbers = ("gmin", "rshunt", "body_res", "temp", "tnom")
    card = {name: model[name] for name in ("vto", "kp", "gamma", "phi", "lambda", "is")}
    card |= {"rd": model["rsh"] * INSTANCE["nrd"], "rs": model["rsh"] * INSTANCE["nrs"]}
    card["w_l"] = INSTANCE["w"] / INSTANCE["l"]
    return LEVEL1["Batch"](
        n_free=n_free,
        ends=np.array([one.ends for one in circuits]),
        fixed_V=np.array([one.fixed_V for one in circuits]),
        gate_V=np.array([one.gate_V for one in circuits]),
        series_S=padded([1.0 / one.series_ohm for one in circuits]),
        sink_V=padded([one.sink_V for one in circuits]),
        options={name: np.array([getattr(one.options, name) for one in circuits]) for name in numbers}
        | {"tie": np.array([one.options.body_tie for one in circuits])}
        | {"gate_ref": np.array([one.options.gate_ref for one in circuits])},
        card={name: np.full(len(circuits), value) for name, value in card.items()}
        | {"vto": np.array([card["vto"] + one.own.vto_offset_V for one in circuits])}
        | {"kp": np.array([card["kp"] * one.own.kp_factor for one in circuits])},
    )


def group(seed, kind, count, model=MODEL, differ=False):
    """Circuits of the same size, and how far each native answer lies from the solution nearest to it in V.

    NaN where the second solver finds none; the start is the native answer, or 0 V where there is none.
    """
    rng = np.random.default_rng([seed, list(KINDS).index(kind)])
    sizes = (rng.integers(1, 5), rng.integers(1, 4), rng.integers(0, 5), rng.integers(1, 13))
    circuits = [draw(rng, sizes, kind, model, [seed, number] if differ else None) for number in range(count)]
    found_V = np.array([one.found_V for one in circuits])
    with np.errstate(all="ignore"):
        exact_V, step_V = LEVEL1["solve"](batch(circuits, model), np.nan_to_num(found_V))
    error_V = np.abs(exact_V[:, : found_V.shape[1]] - found_V).max(axis=1).astype(float)
    return circuits, np.where(step_V < ACCURATE_V, error_V, np.nan), exact_V.astype(float)


def tally(kind, seeds, count, differ=False):
    """Circuits, those that the native solver gives up, those that the second solver cannot decide, and the worst error.

    Asserts that no converged answer is wrong.
    """
    failed = undecided = 0
    worst_V = 0.0
    for seed in seeds:
        circuits, error_V, _ = group(seed, kind, count, differ=differ)
        converged = np.array([one.status == Status.CONVERGED for one in circuits])
        finite = np.array([np.isfinite(one.found_V).all() for one in circuits])
        assert (finite == converged).all()
        decided = converged & np.isfinite(error_V)
        wrong = np.flatnonzero(decided & ~(error_V <= BOUND_V))
        assert not wrong.size, (seed, wrong[0], circuits[wrong[0]], error_V[wrong[0]])
        failed += int((~converged).sum())
        undecided += int((converged & ~decided).sum())
        worst_V = max(worst_V, float(error_V[decided].max(initial=0.0)))
    return len(seeds) * count, failed, undecided, worst_V


@pytest.mark.parametrize("kind", ["ordinary", "wide"])
@pytest.mark.parametrize("rsh", [MODEL["rsh"], 0.0])
def test_the_second_solver_is_equal_to_ngspice(ngspice, kind, rsh):
    model, compared = {**MODEL, "rsh": rsh}, 0
    for seed in range(3):
        circuits, _, exact_V = group(seed, kind, 4, model)
        for one, solution_V in zip(circuits, exact_V, strict=True):
            card = ModelCard(Path("test.lib"), model, INSTANCE)
            parts = (one.topology, card, one.options, one.input_V, one.gate_V, one.sink_V, one.series_ohm.tolist())
            answer = ngspice(NETLIST(*parts))
            if answer is None:  # bodies forward biased by volts, which the native solver manages
                continue
            compared += 1
            for node, voltage in zip(one.free_nodes, solution_V, strict=False):
                # A hidden node without an edge is not in the netlist; rshunt would hold it at 0 V.
                assert answer.get(str(node), 0.0) == pytest.approx(voltage, abs=2e-8, rel=1e-8)
    assert compared >= 9


@pytest.mark.parametrize(("kind", "most_failed"), [("ordinary", 0), ("wide", 0), ("extreme", 8)])
def test_random_circuits(kind, most_failed):
    count, failed, undecided, _ = tally(kind, range(2), 60)
    assert (count, undecided) == (120, 0)
    assert failed <= most_failed


@pytest.mark.parametrize(("kind", "most_failed"), [("ordinary", 0), ("wide", 0), ("extreme", 8)])
def test_random_circuits_whose_transistors_differ(kind, most_failed):
    count, failed, undecided, _ = tally(kind, range(10, 12), 60, differ=True)
    assert (count, undecided) == (120, 0)
    assert failed <= most_failed


@pytest.mark.long
@pytest.mark.parametrize("differ", [False, True])
@pytest.mark.parametrize(
    ("kind", "groups", "most_failed"), [("ordinary", 40, 0), ("wide", 60, 10), ("extreme", 100, 300)]
)
def test_twenty_thousand_random_circuits(kind, groups, most_failed, differ):
    count, failed, undecided, worst_V = tally(kind, range(100, 100 + groups), 100, differ)
    kind += ", different" if differ else ", alike"
    print(f"{kind}: {count} circuits, {failed} given up, {undecided} undecided, largest error {worst_V:.1e} V")
    assert failed <= most_failed
    assert undecided <= most_failed // 10
