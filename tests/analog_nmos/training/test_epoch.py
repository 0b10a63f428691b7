"""The training loop on a circuit that can be solved by hand: every edge a conductor g = VG."""

import numpy as np
import pytest

from analog_nmos.backends.base import Solution, Status
from analog_nmos.digits.data import Digits, Split
from analog_nmos.objectives.hinge import Hinge
from analog_nmos.topology import dense
from analog_nmos.training.config import TrainerConfig
from analog_nmos.training.epoch import train_epoch, validate
from analog_nmos.training.replica import new_lane


class Conductors:
    """Outputs are the mean of their inputs weighted by gate voltage; a clamped output sits at its target.

    `fail` maps (phase, number of the call) to a status that lane 0 returns instead.
    """

    name, version = "conductors", "0"

    def __init__(self, lanes, fail=None):
        self.lanes, self.n_lanes = lanes, len(lanes)
        self.fail, self.calls, self.reloads = fail or {}, {"free": 0, "clamped": 0}, []

    def set_gates(self, gate_V):
        self.gate_V = gate_V.copy()

    def outputs(self, lane, x):
        network = self.lanes[lane].topology
        g = self.gate_V[lane, : network.n_edges]
        out = []
        for node in network.out_nodes:
            edges = network.edges_S == node
            voltages = x[np.searchsorted(network.input_nodes, network.edges_D[edges])]
            out.append((g[edges] * voltages).sum() / g[edges].sum())
        return np.array(out)

    def _solve(self, phase, x, lanes, target=None, clamped=None):
        self.calls[phase] += 1
        node_V = np.zeros((self.n_lanes, 1 + max(lane.topology.max_node for lane in self.lanes)))
        status = np.full(self.n_lanes, Status.SKIPPED)
        for lane in np.flatnonzero(lanes):
            network = self.lanes[lane].topology
            out = self.outputs(lane, x[lane])
            if clamped is not None:
                out = np.where(clamped[lane], target[lane], out)
            node_V[lane, network.input_nodes], node_V[lane, network.out_nodes] = x[lane], out
            status[lane] = Status.CONVERGED
        wanted = self.fail.get((phase, self.calls[phase]))
        if wanted is not None:
            status[0], node_V[0] = wanted, np.nan
        return Solution(node_V, status)

    def solve_free(self, x, lanes):
        return self._solve("free", x, lanes)

    def solve_clamped(self, x, target, clamped, lanes):
        return self._solve("clamped", x, lanes, target, clamped)

    def solve_many(self, lane, x):
        return np.array([self.outputs(lane, row) for row in x]), np.zeros(len(x), np.int64)

    def reload(self, lane):
        self.reloads.append(lane)


def make_lane(seed, gamma=0.3, samples=12, inputs=4, network=None):
    rng = np.random.default_rng(seed)
    part = Split(rng.uniform(0, 1, (samples, inputs)), rng.integers(0, 3, samples))
    config = TrainerConfig(seed=seed, gamma=gamma)
    return new_lane(config, Digits(part, part, part), network or dense(inputs, 3))


def padded(lanes):
    rows = np.zeros((len(lanes), max(lane.gate_V.size for lane in lanes)))
    for row, lane in zip(rows, lanes, strict=True):
        row[: lane.gate_V.size] = lane.gate_V
    return rows


def by_hand(lane, margin, delta, order):
    """Coupled learning with the hinge, written out for one conductor network."""
    network, gate = lane.topology, lane.gate_V.copy()
    correct = 0
    for index in order:
        x, label = lane.data.train.x_V[index], lane.data.train.y[index]
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
            gate[e] = min(8.0, max(0.4, gate[e] - lane.config.gamma * ((v - clamped[k]) ** 2 - (v - out[k]) ** 2)))
    return gate, correct


@pytest.fixture
def nothing():
    return lambda: None


def test_an_epoch_is_coupled_learning_written_out(nothing):
    lane = make_lane(3, gamma=5.0)
    order = np.arange(12)
    twin = np.random.RandomState(3)
    twin.uniform(1.0, 3.0, 12)
    twin.shuffle(order)
    expected, correct = by_hand(lane, 0.05, 0.2, order)
    gate_V = padded([lane])
    sums = train_epoch(
        [lane], np.ones(1, bool), Conductors([lane]), Hinge(np.array([0.05]), np.array([0.2])), gate_V, nothing
    )
    assert np.allclose(gate_V[0], expected, rtol=0, atol=1e-12)
    assert not np.allclose(expected, lane.gate_V, atol=1e-3)
    assert sums.correct[0] == correct
    assert sums.judged[0] == 12
    assert 0 < sums.active[0] <= 12
    assert sums.solves[0] == 12 + sums.active[0]


def test_random_numbers_come_in_the_published_order():
    lane = make_lane(7)
    twin = np.random.RandomState(7)
    assert np.array_equal(lane.gate_V, twin.uniform(1.0, 3.0, 12))
    order = np.arange(12)
    twin.shuffle(order)
    mine = np.arange(12)
    lane.rng.shuffle(mine)
    assert np.array_equal(mine, order)
    fixed = new_lane(TrainerConfig(seed=7, vg_init="fixed", vg_init_fixed=4.0), lane.data, lane.topology)
    assert np.array_equal(fixed.rng.uniform(size=3), np.random.RandomState(7).uniform(size=3))


def test_lanes_do_not_touch_each_other(nothing):
    def lanes():
        smaller = dense(4, 3).keep(np.arange(12) != 5)
        return [make_lane(1, 2.0), make_lane(2, 4.0, network=smaller), make_lane(3, 1.0)]

    margin, delta = np.array([0.05, 0.1, 0.2]), np.array([0.2, 0.1, 0.3])
    together = lanes()
    gate_V = padded(together)
    train_epoch(together, np.ones(3, bool), Conductors(together), Hinge(margin, delta), gate_V, nothing)
    for row, lane in enumerate(lanes()):
        alone = padded([lane])
        hinge = Hinge(margin[row : row + 1], delta[row : row + 1])
        train_epoch([lane], np.ones(1, bool), Conductors([lane]), hinge, alone, nothing)
        assert np.array_equal(alone[0], gate_V[row, : alone.shape[1]])


def test_a_lane_that_does_not_take_part_stays_as_it_is(nothing):
    lanes = [make_lane(1), make_lane(2)]
    gate_V = padded(lanes)
    before = gate_V.copy()
    state = lanes[0].rng.get_state()[1].copy()
    hinge = Hinge(np.array([0.1, 0.1]), np.array([0.2, 0.2]))
    sums = train_epoch(lanes, np.array([False, True]), Conductors(lanes), hinge, gate_V, nothing)
    assert np.array_equal(gate_V[0], before[0])
    assert not np.array_equal(gate_V[1], before[1])
    assert np.array_equal(lanes[0].rng.get_state()[1], state)
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
    lane = make_lane(3)
    backend = Conductors([lane], fail={(phase, 2): status})
    gate_V = padded([lane])
    sums = train_epoch([lane], np.ones(1, bool), backend, Hinge(np.array([9.0]), np.array([0.2])), gate_V, nothing)
    counts = {
        name: int(getattr(sums, name)[0])
        for name in ("reload_free", "reload_clamp", "nonfinite_free", "nonfinite_clamp")
    }
    assert counts == {**dict.fromkeys(counts, 0), counter: 1}
    assert backend.reloads == [0]
    assert np.isfinite(gate_V).all()
    assert np.isfinite(sums.loss).all()
    assert sums.judged[0] == (11 if phase == "free" else 12)
    assert sums.failures()[0] == 1


def test_gate_voltages_stay_in_their_range(nothing):
    lane = make_lane(3, gamma=1e4)
    gate_V = padded([lane])
    train_epoch([lane], np.ones(1, bool), Conductors([lane]), Hinge(np.array([9.0]), np.array([0.5])), gate_V, nothing)
    assert gate_V.min() == 0.4
    assert gate_V.max() == 8.0


def test_validation_counts_failures():
    lane = make_lane(3)
    backend = Conductors([lane])
    backend.set_gates(padded([lane]))
    backend.solve_many = lambda _, x: (np.full((len(x), 3), np.nan), np.array([3, 1, 2, 0] * 3))
    found = validate(backend, 0, lane.data.val, lambda: None)
    assert (found.reloads, found.nonfinite) == (6, 3)
    assert "not finite" in found.advice() or "itl1" in found.advice() or "rshunt" in found.advice()
