"""The compiled epoch against the Python loop on chips: the same numbers to the last bit, whatever is switched on."""

import copy
import dataclasses
from pathlib import Path

import numpy as np
import pytest

from analog_nmos.chips import Chip
from analog_nmos.chips.periphery import Reads
from analog_nmos.data.split import Data, Split
from analog_nmos.objectives.hinge import Hinge
from analog_nmos.readouts import Highest, Readout
from analog_nmos.topology import dense
from analog_nmos.topology.layered import Layered
from analog_nmos.training.compiled import train_replicas
from analog_nmos.training.config import TrainerConfig
from analog_nmos.training.copies import Copies
from analog_nmos.training.epoch import train_epoch
from analog_nmos.training.opening import load_card
from analog_nmos.training.replica import STUCK, new_replica

CLASSES, INPUTS, SAMPLES = 3, 5, 30
ALL = {
    "read_noise": "2%",
    "gate_bits": 5,
    "gate_noise": 0.02,
    "update_bias": 1e-3,
    "update_noise": 1e-3,
    "update_edges": "clamped",
}


class OutputsFirst(TrainerConfig):
    """Reads outputs and then all nodes, from one stream for everything."""

    def reads(self):
        generator = np.random.default_rng(self.noise_seed + 3)
        return Reads(generator, generator, generator, outputs_first=True, tests_all=True)


def make(seed, network, kind=TrainerConfig, pairs=False, chip=True, **options):
    rng = np.random.default_rng(seed)
    part = Split(rng.uniform(0, 0.5, (SAMPLES, INPUTS)), rng.integers(0, CLASSES, SAMPLES))
    data = Data(part, part, part, ("a", "b", "c"), "mine", read=Readout(Highest(CLASSES), pairs))
    file = Path("mine.npz") if chip else None
    config = kind(seed=seed, gamma=3.0, body_tie="floating", backend="native", noise_seed=seed, chip=file, **options)
    edges = network.n_edges
    offsets = rng.normal(0, 0.05, (2, edges))
    own = Chip(offsets[0], offsets[1], *rng.uniform(0.8, 1.2, (2, edges))) if chip else None
    return new_replica(config, data, network, own)


def trained(way, replicas, epochs=2):
    mine = copy.deepcopy(replicas)
    card = load_card(mine[0].config)
    copies = Copies.of(mine, card)
    rule = Hinge(np.full(len(mine), 0.05), np.full(len(mine), 0.2))
    sums = [way(mine, np.ones(len(mine), bool), copies, rule, lambda samples: None) for _ in range(epochs)]
    return mine, copies, sums


def assert_same(replicas):
    loop, compiled = trained(train_epoch, replicas), trained(train_replicas, replicas)
    for row in range(len(replicas)):
        one, other = loop[0][row], compiled[0][row]
        assert np.array_equal(one.gate_V, other.gate_V)
        assert not np.array_equal(replicas[row].gate_V, other.gate_V)
        ours, states = one.periphery.state(), other.periphery.state()
        assert ours.keys() == states.keys()
        after = [[replica.periphery.streams[name].take(5) for name in ours] for replica in (one, other)]
        assert np.array_equal(*after)
        for name, array in loop[1].state(row).items():
            assert np.array_equal(array, compiled[1].state(row)[name], equal_nan=True), name
    for one, other in zip(loop[2], compiled[2], strict=True):
        assert np.array_equal(one.loss, other.loss)
        assert np.array_equal(one.correct, other.correct)
    return compiled[0]


@pytest.fixture(autouse=True)
def no_loop(monkeypatch):
    """The compiled way must not fall back to the loop."""

    def refuse(*words):
        raise AssertionError("not compiled")

    monkeypatch.setattr("analog_nmos.training.compiled.train_epoch", refuse)


@pytest.mark.parametrize("name", ALL)
def test_each_effect_alone(name):
    network = dense(INPUTS, CLASSES)
    [plain] = assert_same([make(1, network)])
    [changed] = assert_same([make(1, network, **{name: ALL[name]})])
    assert not np.array_equal(plain.gate_V, changed.gate_V)


@pytest.mark.parametrize("chip", [False, True])
@pytest.mark.parametrize("pairs", [False, True])
@pytest.mark.parametrize("kind", [TrainerConfig, OutputsFirst])
def test_all_at_once_in_two_circuits_or_one(kind, pairs, chip):
    network = dense(INPUTS, 2 * CLASSES if pairs else CLASSES)
    fewer = network.keep(np.arange(network.n_edges) % 4 != 1)
    replicas = [make(1, network, kind, pairs, chip, **ALL), make(2, fewer, kind, pairs, chip, **ALL)]
    together = assert_same(replicas)
    for replica, end in zip(replicas, together, strict=True):
        [alone], _, _ = trained(train_replicas, [replica])
        assert np.array_equal(alone.gate_V, end.gate_V)


@pytest.mark.parametrize("kind", [TrainerConfig, OutputsFirst])
def test_hidden_nodes(kind):
    network = Layered(layers=(INPUTS, 2, CLASSES)).build()
    assert_same([make(1, network, kind, **ALL), make(2, network, kind)])


def test_the_first_circuit_alone_on_request():
    network = dense(INPUTS, CLASSES)
    two, one = make(1, network), make(1, network, one_circuit=True)
    assert trained(train_replicas, [two])[1].are_two
    assert not trained(train_replicas, [one])[1].are_two
    [one], [two] = assert_same([one]), assert_same([two])
    assert not np.array_equal(one.gate_V, two.gate_V)


def test_two_like_circuits_differ_by_what_free_outputs_hang_on_alone():
    network = dense(INPUTS, CLASSES)
    [one] = assert_same([make(1, network, chip=False)])
    [two] = assert_same([make(1, network, chip=False, two_circuits=True)])
    assert 0 < np.abs(one.gate_V - two.gate_V).max() < 1e-3


def test_stuck_transistors_stay_where_they_are():
    replica = make(1, dense(INPUTS, CLASSES), **ALL)
    replica.memory[STUCK] = np.arange(replica.gate_V.size) % 3 == 0
    [end] = assert_same([replica])
    assert np.array_equal(replica.gate_V[::3], end.gate_V[::3])
    assert (replica.gate_V != end.gate_V)[1::3].any()


def test_many_samples_draw_ahead_in_several_calls():
    replica = make(1, dense(INPUTS, CLASSES), **ALL)
    rng = np.random.default_rng(0)
    part = Split(rng.uniform(0, 0.5, (700, INPUTS)), rng.integers(0, CLASSES, 700))
    replica.data = dataclasses.replace(replica.data, train=part)
    assert_same([replica])


def test_failed_solves_draw_no_reading_and_reload_their_own_circuit():
    replica = make(1, dense(INPUTS, CLASSES), **ALL)
    replica.data.train.x_V[[3, 17]] = np.nan
    assert_same([replica])
