"""Many solves of networks with hidden nodes: the equations of every transistor, by the second solver of `level1`.

At the node voltages that the native solver calls converged, each transistor's own nodes are solved in long double with
`level1`, Kirchhoff's law is summed at every free node, and the Newton step that would mend the rest is measured in V.
"""

import runpy
from pathlib import Path

import numpy as np
import pytest

from analog_nmos.backends.base import Status
from analog_nmos.backends.native import NativeBackend
from analog_nmos.cards.model_card import ModelCard
from analog_nmos.circuit import BODY_TIES, GATE_REFS, CircuitOptions
from analog_nmos.topology import Topology

HERE = Path(__file__)
LEVEL1 = runpy.run_path(str(HERE.with_name("level1.py")))
CIRCUITS = runpy.run_path(str(HERE.with_name("test_random_circuits.py")))
MODEL, INSTANCE, ON = CIRCUITS["MODEL"], CIRCUITS["INSTANCE"], np.array([True])
BOUND_V = 1e-7
INNER = np.array([False, False, True, True, True])  # of one transistor's nodes: drain, source, and its own three


def torus(rng):
    """A square grid that is closed in both directions; inputs and outputs anywhere."""
    side = int(rng.integers(4, 7))
    at = np.arange(side * side).reshape(side, side)
    ends = np.concatenate([np.stack([at, np.roll(at, -1, axis)], -1).reshape(-1, 2) for axis in (0, 1)])
    return with_ends(rng, side * side, ends, int(rng.integers(2, 5)), int(rng.integers(1, 4)))


def layered(rng):
    """Inputs, one or two hidden layers, outputs; some edges to the rails."""
    sizes = rng.integers(2, 7, int(rng.integers(3, 5)))
    first = np.concatenate([[0], np.cumsum(sizes)])
    pairs = [
        np.stack(np.meshgrid(np.arange(first[k], first[k + 1]), np.arange(first[k + 1], first[k + 2])), -1)
        for k in range(len(sizes) - 1)
    ]
    ends = np.concatenate([pair.reshape(-1, 2) for pair in pairs]) + 1
    inner = rng.integers(first[1], first[-1], 3) + 1
    rails = np.full(3, first[-1]) + rng.integers(1, 3, 3)
    ends = np.concatenate([ends, np.stack([inner, rails], -1)])
    number = int(first[-1])
    inputs, outputs = np.arange(sizes[0]) + 1, np.arange(first[-2], first[-1]) + 1
    hidden = np.arange(first[1], first[-2]) + 1
    return Topology(number + 1, number + 2, inputs, outputs, ends[:, 0], ends[:, 1], hidden)


def anything(rng):
    """Up to forty edges between any two nodes of up to twenty."""
    sizes = (int(rng.integers(1, 6)), int(rng.integers(1, 5)), int(rng.integers(1, 12)), int(rng.integers(8, 41)))
    return CIRCUITS["random_topology"](rng, *sizes)


def with_ends(rng, count, ends, n_inputs, n_outputs):
    """Nodes 0 .. count - 1 with these edges; which are rails, inputs and outputs is drawn."""
    nodes = rng.permutation(count) + 1
    numbered = nodes[np.where(rng.random(len(ends))[:, None] < 0.5, ends, ends[:, ::-1])]
    inputs, outputs, hidden = np.split(nodes[2:], [n_inputs, n_inputs + n_outputs])
    return Topology(int(nodes[0]), int(nodes[1]), inputs, outputs, numbered[:, 0], numbered[:, 1], hidden)


def solved(rng, topology, options, largest_V, gates, solves):
    """Free and clamped phases in turns: gates, node voltages, far ends and resistors of the outputs, statuses."""
    backend = NativeBackend([topology], ModelCard(Path("test.lib"), MODEL, INSTANCE), options)
    found = []
    sink_V = np.zeros(topology.n_outputs)
    for number in range(solves):
        if number % 4 == 0:
            gate_V = rng.uniform(*gates, topology.n_edges)
            backend.set_gates(gate_V[None])
        clamped = np.zeros(topology.n_outputs, bool)
        if number % 2 == 0:
            input_V = rng.uniform(0.0, largest_V, topology.n_inputs)
            solution = backend.solve_free(input_V[None], ON)
        else:
            clamped = rng.random(topology.n_outputs) < 0.6
            target_V = rng.uniform(0.0, largest_V, topology.n_outputs)
            sink_V = np.where(clamped, target_V, sink_V)
            solution = backend.solve_clamped(input_V[None], target_V[None], clamped[None], ON)
        ohm = np.where(clamped, options.rs_clamp, options.rs_free)
        status = int(solution.status[0])
        found.append((gate_V, solution.node_V[0].copy(), sink_V, ohm, status))  # a free output keeps its last target
    gate_V, node_V, far_V, ohm, status = map(np.array, zip(*found, strict=True))
    fixed = np.concatenate([[topology.negref, topology.posref], topology.input_nodes])
    assert np.isfinite(node_V[:, fixed][status == Status.CONVERGED]).all()
    return gate_V, node_V, far_V, ohm, status


def transistors(topology, options, gate_V, node_V):
    """Every transistor of every solve as a circuit of its own, its drain and source at the voltages found."""
    ends = np.stack([topology.edges_D, topology.edges_S], -1)
    held_V = node_V[:, ends].reshape(-1, 2)
    count = len(held_V)
    card = {name: MODEL[name] for name in ("vto", "kp", "gamma", "phi", "lambda", "is")}
    card |= {"rd": MODEL["rsh"] * INSTANCE["nrd"], "rs": MODEL["rsh"] * INSTANCE["nrs"]}
    card["w_l"] = INSTANCE["w"] / INSTANCE["l"]
    numbers = ("gmin", "rshunt", "body_res", "temp", "tnom")
    batch = LEVEL1["Batch"](
        n_free=2,
        ends=np.tile([[0, 1]], (count, 1, 1)),
        fixed_V=np.zeros((count, 0)),
        gate_V=gate_V.reshape(-1, 1),
        series_S=np.zeros((count, 2)),
        sink_V=np.zeros((count, 2)),
        options={name: np.full(count, getattr(options, name)) for name in numbers}
        | {"tie": np.full(count, options.body_tie), "gate_ref": np.full(count, options.gate_ref)},
        card={name: np.full(count, value) for name, value in card.items()},
    )
    return batch, held_V


def terminals(batch, held_V, shunt_S):
    """Currents (C, 2) into a transistor from its drain and source, and their derivatives (C, 2, 2) by the voltages.

    NaN where a floating body lies in the jump that a body diode's current makes at -3 Vt: no voltage solves it there.
    """
    p, real = LEVEL1["device"](batch), LEVEL1["REAL"]
    tie = batch.options["tie"]
    body_V = np.select([tie == "source", tie == "drain"], [held_V[:, 1], held_V[:, 0]], 0.0)
    body_V = np.minimum(body_V, held_V.min(axis=1) + 0.3)
    start = np.concatenate([held_V, held_V, body_V[:, None]], axis=1).astype(real)
    x, step = LEVEL1["_newton"](batch, p, start, INNER, 150)
    in_jump = ~(step < 1e-13)
    lowest_V = x[:, 4:] - x[:, 2:4] + 3 * p["vt"]
    assert (np.abs(lowest_V[in_jump]).min(axis=1, initial=1.0) < 1e-4).all()
    assert (tie[in_jump] == "floating").all()
    residual, jacobian = LEVEL1["equations"](batch, p, x)
    residual[in_jump] = np.nan
    ends, inner = jacobian[:, :2], jacobian[:, 2:]
    reply = [LEVEL1["eliminate"](inner[:, :, 2:], inner[:, :, k]) for k in range(2)]
    condensed = ends[:, :, :2] - ends[:, :, 2:] @ np.stack(reply, axis=-1)
    # Its two ends belong to the network, which has one shunt a node and not one an edge.
    return residual[:, :2] - shunt_S * x[:, :2], condensed - shunt_S * np.eye(2)


def correction(topology, options, gate_V, node_V, far_V, ohm):
    """The largest part (S,) of the Newton step in V that the whole network still asks for, from the voltages found.

    NaN where the equations of a transistor have no solution.
    """
    real, solves = LEVEL1["REAL"], len(node_V)
    shunt_S = 1 / real(options.rshunt)
    batch, held_V = transistors(topology, options, gate_V, node_V)
    current, conductance = terminals(batch, held_V, shunt_S)
    free = np.concatenate([topology.out_nodes, topology.hidden_nodes])
    place = np.full(node_V.shape[1], free.size)  # what is not free goes to a row that nobody reads
    place[free] = np.arange(free.size)
    ends = place[np.stack([topology.edges_D, topology.edges_S], -1)]
    residual = np.zeros((solves, free.size + 1), real)
    jacobian = np.zeros((solves, free.size + 1, free.size + 1), real)
    current, conductance = current.reshape(solves, -1, 2), conductance.reshape(solves, -1, 2, 2)
    for edge, pair in enumerate(ends):
        for one in range(2):
            residual[:, pair[one]] += current[:, edge, one]
            for other in range(2):
                jacobian[:, pair[one], pair[other]] += conductance[:, edge, one, other]
    residual[:, :-1] += shunt_S * node_V[:, free]
    outputs = np.arange(topology.n_outputs)
    residual[:, outputs] += (node_V[:, topology.out_nodes] - far_V) / ohm.astype(real)
    diagonal = np.arange(free.size)
    jacobian[:, diagonal, diagonal] += shunt_S
    jacobian[:, outputs, outputs] += 1 / ohm.astype(real)
    step_V = LEVEL1["eliminate"](jacobian[:, :-1, :-1], residual[:, :-1])
    return np.abs(step_V).max(axis=1).astype(float)


def group(seed, kind, solves, **links):
    """One network with new settings: how many of its solves are given up, how many without an exact solution are not,
    and the largest step that is left in V. `links` says where body and gate source are.
    """
    rng = np.random.default_rng([17, seed])
    topology = (torus, layered, anything)[seed % 3](rng)
    drawn, largest_V, gates = CIRCUITS["KINDS"][kind](rng)
    if rng.random() < 0.5:
        drawn |= {"vminus": rng.uniform(-largest_V, 0.0), "vplus": float(rng.uniform(0.01, 1.0) * largest_V)}
    drawn |= links or {"body_tie": ("source", "ground", "floating")[seed // 3 % 3]}
    options = CircuitOptions(**drawn)
    *parts, status = solved(rng, topology, options, largest_V, gates, solves)
    converged = status == Status.CONVERGED
    left_V = correction(topology, options, *(part[converged] for part in parts))
    wrong = np.flatnonzero(left_V > BOUND_V)
    assert not wrong.size, (seed, kind, np.flatnonzero(converged)[wrong[:3]], left_V[wrong[:3]])
    undecided = np.isnan(left_V)
    return int((~converged).sum()), int(undecided.sum()), float(left_V[~undecided].max(initial=0.0))


@pytest.mark.parametrize("kind", ["ordinary", "wide"])
def test_no_solve_with_hidden_nodes_is_wrong_in_silence(kind):
    given_up, undecided, worst_V = zip(*(group(seed, kind, 24) for seed in range(9)), strict=True)
    assert (sum(given_up), sum(undecided)) == (0, 0)
    assert max(worst_V) > 0  # the equations are not those of the solver itself, to the last digit


@pytest.mark.parametrize("body_res", [10.0, 0.0])
@pytest.mark.parametrize("tie", BODY_TIES)
def test_no_solve_is_wrong_in_silence_wherever_body_and_gate_are(tie, body_res):
    for place, gate_ref in enumerate(GATE_REFS):
        for seed in range(3 * place, 3 * place + 3):
            given_up, undecided, _ = group(seed, "ordinary", 8, body_tie=tie, gate_ref=gate_ref, body_res=body_res)
            assert (given_up, undecided) == (0, 0), (gate_ref, seed)


def test_a_wrong_voltage_is_seen():
    rng = np.random.default_rng(3)
    topology, options = torus(rng), CircuitOptions(body_tie="ground")
    *parts, status = solved(rng, topology, options, 1.0, (0.4, 8.0), 4)
    assert (status == Status.CONVERGED).all()
    assert correction(topology, options, *parts).max() < BOUND_V
    parts[1][2, topology.hidden_nodes[0]] += 2e-7
    assert correction(topology, options, *parts).argmax() == 2
    assert correction(topology, options, *parts)[2] == pytest.approx(2e-7, rel=0.5)


@pytest.mark.long
@pytest.mark.parametrize(("kind", "most_given_up"), [("ordinary", 0), ("wide", 100)])
def test_a_hundred_thousand_solves_with_hidden_nodes(kind, most_given_up):
    found = (group(seed, kind, 250) for seed in range(1000, 1200))
    given_up, undecided, worst_V = zip(*found, strict=True)
    gone = f"{sum(given_up)} given up, {sum(undecided)} in a jump of the model"
    print(f"{kind}: 50000 solves, {gone}, largest step left {max(worst_V):.1e} V")
    assert sum(given_up) <= most_given_up
    assert sum(undecided) <= most_given_up // 10
