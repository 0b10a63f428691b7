"""The training loop on a circuit that can be solved by hand: every edge a conductor g = VG."""

import numpy as np
import pytest

from analog_nmos.backends.base import Backend, Solution, Status
from analog_nmos.digits.data import Digits, Split
from analog_nmos.objectives.hinge import Hinge
from analog_nmos.topology import dense
from analog_nmos.training.config import TrainerConfig
from analog_nmos.training.copies import Copies
from analog_nmos.training.epoch import train_epoch, validate
from analog_nmos.training.replica import new_replica, padded_gates


class Conductors(Backend):
    """Outputs are the mean of their inputs weighted by gate voltage; a clamped output sits at its target.

    `fail` maps (phase, number of the call) to a status that replica 0 returns instead.
    """

    def __init__(self, replicas, fail=None):
        self.replicas, self.n_replicas = replicas, len(replicas)
        self.fail, self.calls, self.reloads = fail or {}, {"free": 0, "clamped": 0}, []

    def set_gates(self, gate_V):
        self.gate_V = gate_V.copy()

    def outputs(self, replica, x):
        network = self.replicas[replica].topology
        g = self.gate_V[replica, : network.n_edges]
        out = []
        for node in network.out_nodes:
            edges = network.edges_S == node
            voltages = x[np.searchsorted(network.input_nodes, network.edges_D[edges])]
            out.append((g[edges] * voltages).sum() / g[edges].sum())
        return np.array(out)

    def _solve(self, phase, x, replicas, target=None, clamped=None):
        self.calls[phase] += 1
        node_V = np.zeros((self.n_replicas, 1 + max(replica.topology.max_node for replica in self.replicas)))
        status = np.full(self.n_replicas, Status.SKIPPED)
        for replica in np.flatnonzero(replicas):
            network = self.replicas[replica].topology
            out = self.outputs(replica, x[replica])
            if clamped is not None:
                out = np.where(clamped[replica], target[replica], out)
            node_V[replica, network.input_nodes], node_V[replica, network.out_nodes] = x[replica], out
            status[replica] = Status.CONVERGED
        wanted = self.fail.get((phase, self.calls[phase]))
        if wanted is not None:
            status[0], node_V[0] = wanted, np.nan
        return Solution(node_V, status)

    def solve_free(self, x, replicas):
        return self._solve("free", x, replicas)

    def solve_clamped(self, x, target, clamped, replicas):
        return self._solve("clamped", x, replicas, target, clamped)

    def solve_many(self, replica, x):
        return np.array([self.outputs(replica, row) for row in x]), np.zeros(len(x), np.int64)

    def reload(self, replica):
        self.reloads.append(replica)


def make_replica(seed, gamma=0.3, samples=12, inputs=4, network=None):
    rng = np.random.default_rng(seed)
    part = Split(rng.uniform(0, 1, (samples, inputs)), rng.integers(0, 3, samples))
    config = TrainerConfig(seed=seed, gamma=gamma)
    return new_replica(config, Digits(part, part, part), network or dense(inputs, 3))


def by_hand(replica, margin, delta, order):
    """Coupled learning with the hinge, written out for one conductor network."""
    network, gate = replica.topology, replica.gate_V.copy()
    correct = 0
    for index in order:
        x, label = replica.data.train.x_V[index], replica.data.train.y[index]
        out = {}
        for k, node in enumerate(network.out_nodes):
            edges = [e for e in range(network.n_edges) if network.edges_S[e] == node]
            weights = [gate[e] for e in edges]
            voltages = [x[list(network.input_nodes).index(network.edges_D[e])] for e in edges]
            out[k] = sum(w * v for w, v in zip(weights, voltages, strict=True)) / sum(weights)
        rival = max((k for k in out if k != label), key=out.get)
        correct += max(out, key=out.get) == label
        if margin - (out[label] - out[rival]) <= 0:
            continue
        clamped = {**out, label: out[label] + delta / 2, rival: out[rival] - delta / 2}
        for e in range(network.n_edges):
            v = x[list(network.input_nodes).index(network.edges_D[e])]
            k = list(network.out_nodes).index(network.edges_S[e])
            gate[e] = min(8.0, max(0.4, gate[e] - replica.config.gamma * ((v - clamped[k]) ** 2 - (v - out[k]) ** 2)))
    return gate, correct


def conducting(replica):
    return Copies([replica], Conductors([replica]))


@pytest.fixture
def nothing():
    return lambda samples: None


def test_an_epoch_is_coupled_learning_written_out(nothing):
    replica = make_replica(3, gamma=5.0)
    order = np.arange(12)
    twin = np.random.RandomState(3)
    twin.uniform(1.0, 3.0, 12)
    twin.shuffle(order)
    expected, correct = by_hand(replica, 0.05, 0.2, order)
    start_V = replica.gate_V.copy()
    sums = train_epoch(
        [replica],
        np.ones(1, bool),
        conducting(replica),
        Hinge(np.array([0.05]), np.array([0.2])),
        nothing,
    )
    assert np.allclose(replica.gate_V, expected, rtol=0, atol=1e-12)
    assert not np.allclose(expected, start_V, atol=1e-3)
    assert sums.correct[0] == correct
    assert sums.evaluated[0] == 12
    assert 0 < sums.active[0] <= 12
    assert sums.solves[0] == 12 + sums.active[0]


def test_random_numbers_come_in_the_published_order():
    replica = make_replica(7)
    twin = np.random.RandomState(7)
    assert np.array_equal(replica.gate_V, twin.uniform(1.0, 3.0, 12))
    order = np.arange(12)
    twin.shuffle(order)
    mine = np.arange(12)
    replica.rng.shuffle(mine)
    assert np.array_equal(mine, order)
    fixed = new_replica(TrainerConfig(seed=7, vg_init="fixed", vg_init_fixed=4.0), replica.data, replica.topology)
    assert np.array_equal(fixed.rng.uniform(size=3), np.random.RandomState(7).uniform(size=3))


def test_replicas_do_not_touch_each_other(nothing):
    def replicas():
        smaller = dense(4, 3).keep(np.arange(12) != 5)
        return [make_replica(1, 2.0), make_replica(2, 4.0, network=smaller), make_replica(3, 1.0)]

    margin, delta = np.array([0.05, 0.1, 0.2]), np.array([0.2, 0.1, 0.3])
    together = replicas()
    train_epoch(together, np.ones(3, bool), Copies(together, Conductors(together)), Hinge(margin, delta), nothing)
    for row, replica in enumerate(replicas()):
        hinge = Hinge(margin[row : row + 1], delta[row : row + 1])
        train_epoch([replica], np.ones(1, bool), conducting(replica), hinge, nothing)
        assert np.array_equal(replica.gate_V, together[row].gate_V)


def test_a_replica_that_does_not_take_part_stays_as_it_is(nothing):
    replicas = [make_replica(1), make_replica(2)]
    before = [replica.gate_V.copy() for replica in replicas]
    state = replicas[0].rng.get_state()[1].copy()
    hinge = Hinge(np.array([0.1, 0.1]), np.array([0.2, 0.2]))
    sums = train_epoch(replicas, np.array([False, True]), Copies(replicas, Conductors(replicas)), hinge, nothing)
    assert np.array_equal(replicas[0].gate_V, before[0])
    assert not np.array_equal(replicas[1].gate_V, before[1])
    assert np.array_equal(replicas[0].rng.get_state()[1], state)
    assert sums.solves[0] == 0


@pytest.mark.parametrize(
    ("phase", "status", "counter"),
    [
        ("free", Status.NO_CONVERGENCE, "reload_free"),
        ("free", Status.NOT_FINITE, "nonfinite_free"),
        ("clamped", Status.SINGULAR, "reload_clamp"),
        ("clamped", Status.NOT_FINITE, "nonfinite_clamp"),
    ],
)
def test_failed_solves_are_counted_reloaded_and_skipped(phase, status, counter, nothing):
    replica = make_replica(3)
    backend = Conductors([replica], fail={(phase, 2): status})
    sums = train_epoch(
        [replica], np.ones(1, bool), Copies([replica], backend), Hinge(np.array([9.0]), np.array([0.2])), nothing
    )
    counts = {
        name: int(getattr(sums, name)[0])
        for name in ("reload_free", "reload_clamp", "nonfinite_free", "nonfinite_clamp")
    }
    assert counts == {**dict.fromkeys(counts, 0), counter: 1}
    assert backend.reloads == [0]
    assert np.isfinite(replica.gate_V).all()
    assert np.isfinite(sums.loss).all()
    assert sums.evaluated[0] == (11 if phase == "free" else 12)
    assert sums.failures()[0] == 1


def test_gate_voltages_stay_in_their_range(nothing):
    replica = make_replica(3, gamma=1e4)
    train_epoch(
        [replica],
        np.ones(1, bool),
        conducting(replica),
        Hinge(np.array([9.0]), np.array([0.5])),
        nothing,
    )
    assert replica.gate_V.min() == 0.4
    assert replica.gate_V.max() == 8.0


def test_validation_counts_failures():
    replica = make_replica(3)
    backend = Conductors([replica])
    backend.set_gates(padded_gates([replica]))
    backend.solve_many = lambda _, x: (np.full((len(x), 3), np.nan), np.array([3, 1, 2, 0] * 3))
    found = validate(backend, 0, replica.data.val, lambda: None, replica.periphery)
    assert (found.reloads, found.nonfinite) == (6, 3)
    assert "not finite" in found.advice() or "itl1" in found.advice() or "rshunt" in found.advice()
