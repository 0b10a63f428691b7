"""Learning rules in training: written out by hand, and compiled epochs against the Python loop."""

import copy

import numpy as np
import pytest

from analog_nmos.backends.native import NativeBackend
from analog_nmos.backends.native.transistor.parameters import device_parameters
from analog_nmos.chips.draw import Mismatch, draw_chip
from analog_nmos.data.split import Data, Split
from analog_nmos.objectives.hinge import Hinge
from analog_nmos.objectives.mean_squared_error import MeanSquaredError
from analog_nmos.readouts import Highest, Readout, Value
from analog_nmos.rules import QUANTITIES
from analog_nmos.rules.ends import EdgeEnds
from analog_nmos.rules.transistors import Transistors
from analog_nmos.topology import dense
from analog_nmos.topology.torus import Torus
from analog_nmos.training.compiled import train_replicas
from analog_nmos.training.config import TrainerConfig
from analog_nmos.training.copies import Copies
from analog_nmos.training.epoch import train_epoch
from analog_nmos.training.opening import load_card
from analog_nmos.training.replica import RULE, new_replica

INPUTS, CLASSES, SAMPLES = 5, 3, 12
RULES = {
    "published": {},
    "device-aware": {"quantity": "device-aware", "phases": "centred", "nudge_mode": "current", "optimizer": "adam"},
    "terms": {"phases": "centred", "terms": "power=0.2 homeostasis=0.01", "optimizer": "sign"},
    "vector-field": {"quantity": "vector-field", "phases": "negative", "nudge_mode": "held", "optimizer": "momentum"},
    "adjoint": {"rule": "adjoint", "nudge_conductance": 2e-4, "terms": "power=0.3"},
}


def nothing(samples):
    pass


def layered(seeds=(1, 2), **options):
    """Replicas without hidden nodes, with hinge."""
    made = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        part = Split(rng.uniform(0, 0.5, (SAMPLES, INPUTS)), rng.integers(0, CLASSES, SAMPLES))
        data = Data(part, part, part, tuple("abc"), "mine", read=Readout(Highest(CLASSES)))
        config = TrainerConfig(seed=seed, gamma=3.0 * seed, backend="native", **options)
        network = dense(INPUTS, CLASSES)
        network = network.keep(np.arange(network.n_edges) != 4) if seed == 2 else network
        mismatch = Mismatch(vto_sigma=0.1, kp_sigma=0.1)
        chip = draw_chip(network, load_card(config), mismatch, seed) if config.two_circuits else None
        made.append(new_replica(config, data, network, chip))
    return made, Hinge(np.full(len(seeds), 0.2), np.full(len(seeds), 0.05))


def torus(seeds=(1, 2), **options):
    """Replicas with hidden nodes, a value between two outputs, and mse."""
    made = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        part = Split(rng.choice([0, 0.45], (SAMPLES, 2)), rng.uniform(-0.1, 0, (SAMPLES, 1)))
        data = Data(part, part, part, (), "mine", read=Readout(Value(), pairs=True))
        places = {"vminus": 0.11, "vplus": 0.33, "body_res": 0.0, "rs_free": 1e12, "rs_clamp": 1.0}
        config = TrainerConfig(seed=seed, gamma=0.5 * seed, vg_init_lo=0.5, backend="native", **places, **options)
        made.append(new_replica(config, data, Torus(side=4).build()))
    return made, MeanSquaredError(np.full(len(seeds), 0.3), answer=Value())


NETWORKS = {"layered": layered, "torus": torus}


def copies_of(replicas):
    return Copies.of(replicas, load_card(replicas[0].config))


def ends(way, replicas, objective, epochs=2):
    mine = copy.deepcopy(replicas)
    copies = copies_of(mine)
    for _ in range(epochs):
        sums = way(mine, np.ones(len(mine), bool), copies, objective, nothing)
    copies.close()
    return mine, sums


@pytest.mark.parametrize(
    ("name", "network"), [*((name, "layered") for name in RULES), ("device-aware", "torus"), ("adjoint", "torus")]
)
def test_compiled_epochs_have_the_numbers_of_the_loop(name, network, monkeypatch):
    replicas, objective = NETWORKS[network](**RULES[name])
    loop, sums = ends(train_epoch, replicas, objective)

    def refuse(*words):
        raise AssertionError("not compiled")

    monkeypatch.setattr("analog_nmos.training.compiled.train_epoch", refuse)
    compiled, other = ends(train_replicas, replicas, objective)
    for one, two, start in zip(loop, compiled, replicas, strict=True):
        np.testing.assert_array_equal(one.gate_V, two.gate_V)
        assert not np.array_equal(one.gate_V, start.gate_V)
        assert (RULE in one.memory) == (RULE in two.memory) == (RULES[name].get("optimizer") in ("adam", "momentum"))
        if RULE in one.memory:
            np.testing.assert_array_equal(one.memory[RULE], two.memory[RULE])
    np.testing.assert_array_equal(sums.solves, other.solves)
    np.testing.assert_array_equal(sums.loss, other.loss)


def test_rules_on_noisy_chips_have_the_numbers_of_the_loop():
    options = {"quantity": "device-aware", "phases": "centred", "two_circuits": True, "read_noise": "0.002"}
    options |= {"update_edges": "clamped", "optimizer": "momentum", "update_noise": 1e-4, "gate_noise": 1e-3}
    replicas, objective = layered(**options)
    (loop, _), (compiled, _) = (ends(way, replicas, objective) for way in (train_epoch, train_replicas))
    for one, two in zip(loop, compiled, strict=True):
        np.testing.assert_array_equal(one.gate_V, two.gate_V)
        np.testing.assert_array_equal(one.memory[RULE], two.memory[RULE])


def by_hand(replica, objective, work):
    """One epoch of one replica on a native backend; `work` says what gates move by, over -gamma."""
    config, gate_V, network = replica.config, replica.gate_V.copy(), replica.topology
    backend = NativeBackend([network], load_card(config), config)
    order = np.arange(len(replica.data.train.y))
    np.random.RandomState(config.seed)  # the gates were the first draw
    replica.rng.shuffle(order)
    yes = np.ones(1, bool)
    for n in order:
        x = replica.data.train.x_V[n : n + 1]
        backend.set_gates(gate_V[None])
        free = backend.solve_free(x, yes).node_V[0].copy()
        out_V = free[None, network.out_nodes]
        found = objective.evaluate(out_V, replica.data.train.y[n : n + 1])
        if not found.active[0]:
            continue

        def nudged(away, x=x, out_V=out_V, held=found.clamped):
            """Node voltages with outputs at `away` volts from the free ones, or with these currents."""
            target = away if config.nudge_mode == "current" else out_V + away
            return backend.solve_clamped(x, target, held, yes).node_V[0].copy()

        change = work(free, nudged, found.target_V - out_V, gate_V, network)
        gate_V = np.clip(gate_V - config.gamma * change, 0.4, 8.0)
    return gate_V


def drop(node_V, network):
    return node_V[network.edges_D] - node_V[network.edges_S]


def negative(free, nudged, nudge_V, gate_V, network):
    return drop(free, network) ** 2 - drop(nudged(-nudge_V), network) ** 2


def centred_currents(free, nudged, nudge_V, gate_V, network):
    up, down = nudged(2e-5 * nudge_V), nudged(-2e-5 * nudge_V)
    return 0.5 * (drop(up, network) ** 2 - drop(down, network) ** 2)


@pytest.mark.parametrize(
    ("options", "work"),
    [
        ({"phases": "negative"}, negative),
        ({"phases": "centred", "nudge_mode": "current", "nudge_conductance": 2e-5}, centred_currents),
    ],
)
def test_an_epoch_written_out(options, work):
    [replica], objective = layered(seeds=(1,), **options)
    expected = by_hand(copy.deepcopy(replica), objective, work)
    [found], _ = ends(train_replicas, [replica], objective, epochs=1)
    np.testing.assert_allclose(found.gate_V, expected, atol=1e-12)


@pytest.mark.parametrize("name", ["device-aware", "co-content", "vector-field"])
@pytest.mark.parametrize("phases", ["positive", "negative", "centred"])
def test_with_two_circuits_every_state_is_judged_by_its_own_transistors(name, phases):
    [replica], _ = layered(seeds=(1,), quantity=name, phases=phases, two_circuits=True)
    copies, rng = copies_of([replica]), np.random.default_rng(1)
    device = device_parameters(load_card(replica.config), replica.config)
    first, second = (Transistors.of(device, [own], replica.gate_V.size) for own in replica.deviations)
    nodes = replica.topology.max_node + 1
    free_V, up_V, down_V = rng.uniform(0, 0.5, (3, 1, nodes))
    kind = QUANTITIES.get(name)
    states, circuits = {
        "positive": ((free_V, up_V), (first, second)),
        "negative": ((down_V, free_V), (second, first)),
        "centred": ((down_V, up_V), (second, second)),
    }[phases]
    clamped_V = {"positive": [up_V], "negative": [down_V], "centred": [up_V, down_V]}[phases]
    ends = EdgeEnds([replica.topology])
    gate_V = replica.gate_V[None]
    expected = kind(*circuits, free=first).change(*map(ends.of, (free_V, *states)), gate_V)
    found = copies.rule.change_V2(free_V, clamped_V, None, gate_V)
    np.testing.assert_array_equal(found, expected * (0.5 if phases == "centred" else 1.0))


def test_the_adjoint_is_the_limit_of_small_nudges_where_networks_are_reciprocal():
    """High gates: every transistor conducts linearly, and all rules are near the gradient; the body effect remains."""
    steps = {}
    for name, options in {
        "adjoint": {"rule": "adjoint"},
        "published": {"nudge_mode": "current"},
        "device-aware": {"nudge_mode": "current", "quantity": "device-aware", "phases": "centred"},
        "vector-field": {"nudge_mode": "current", "quantity": "vector-field"},
        "co-content": {"nudge_mode": "current", "quantity": "co-content", "phases": "centred"},
    }.items():
        [replica], _ = torus(seeds=(1,), nudge_conductance=1e-5, **options)
        replica.gate_V = replica.gate_V + 4.0
        [found], _ = ends(train_replicas, [replica], MeanSquaredError(np.array([1.0]), answer=Value()), epochs=1)
        steps[name] = found.gate_V - replica.gate_V
    size = np.linalg.norm(steps["adjoint"])
    assert size > 0
    for name, step in steps.items():
        cosine = step @ steps["adjoint"] / np.linalg.norm(step) / size
        assert cosine > 0.99, name
    # The others know nothing of the series resistances, which take half of the drop here.
    assert np.linalg.norm(steps["co-content"]) == pytest.approx(size, rel=0.02)
    assert np.linalg.norm(steps["published"]) > 1.5 * size
