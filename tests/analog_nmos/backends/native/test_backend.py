"""Replicas, warm starts, statuses: what the trainers rely on besides the right voltages."""

import importlib.util

import numpy as np
import pytest

from analog_nmos.backends.base import Status
from analog_nmos.backends.native import NativeBackend
from analog_nmos.cards.model_card import default_card_path, read_model_card
from analog_nmos.circuit import CircuitOptions
from analog_nmos.circuit.netlist import Sources, write_netlist
from analog_nmos.topology import Topology, dense
from common.errors import InputError

CARD = read_model_card(default_card_path())
ON = np.array([True])
TIGHT = {"reltol": 1e-9, "abstol": 1e-14, "vntol": 1e-11, "itl1": 400}
TIES = ("floating", "ground", "source")


def ring(n_hidden=4):
    """Two inputs and two outputs on a ring with hidden nodes."""
    nodes = np.array([1, 5, 2, 6, 3, 4, *range(7, 7 + n_hidden)])
    return Topology(
        1, 2, np.array([5, 6]), np.array([3, 4]), nodes, np.roll(nodes, -1), hidden_nodes=np.arange(7, 7 + n_hidden)
    )


def pruned(seed):
    topology = dense(6, 3)
    return topology.keep(np.random.default_rng(seed).uniform(size=topology.n_edges) < 0.7)


def backend(topologies, tie="floating", options=None, **keywords):
    return NativeBackend(topologies, CARD, CircuitOptions(body_tie=tie, **(options or {})), **keywords)


def walk(solver, seeds, samples=4):
    """Node voltages of some free and clamped phases with moving gates, replica l driven by seeds[l]."""
    rngs = [np.random.default_rng(seed) for seed in seeds]
    n_edges = max(topology.n_edges for topology in solver.topologies)
    history = []
    for _ in range(samples):
        gate_V = np.array([rng.uniform(0.4, 8, n_edges) for rng in rngs])
        input_V = np.array([rng.uniform(0, 1, solver.topologies[0].n_inputs) for rng in rngs])
        target_V = np.array([rng.uniform(0, 0.5, solver.topologies[0].n_outputs) for rng in rngs])
        clamped = np.array([rng.uniform(size=target_V.shape[1]) < 0.5 for rng in rngs])
        replicas = np.ones(len(seeds), bool)
        solver.native.set_gates(gate_V)
        history.append(solver.native.solve_free(input_V, replicas).node_V.copy())
        history.append(solver.native.solve_clamped(input_V, target_V, clamped, replicas).node_V.copy())
    return np.array(history)


class Solver:
    def __init__(self, topologies, tie="floating", **keywords):
        self.topologies, self.native = topologies, backend(topologies, tie, **keywords)


@pytest.mark.parametrize("tie", TIES)
def test_replicas_have_the_numbers_they_have_alone(tie):
    topologies = [pruned(seed) for seed in range(4)]
    together = walk(Solver(topologies, tie), [0, 1, 2, 3])
    backwards = walk(Solver(topologies[::-1], tie), [3, 2, 1, 0])
    np.testing.assert_array_equal(together, backwards[:, ::-1])
    for replica in range(4):
        alone = Solver([topologies[replica]], tie)
        alone.topologies = topologies  # draws as many gate voltages as for the largest replica
        np.testing.assert_array_equal(together[:, replica], walk(alone, [replica])[:, 0])


def test_replicas_with_hidden_nodes_have_the_numbers_they_have_alone():
    together = walk(Solver([ring(), ring(2)]), [5, 6])
    alone = Solver([ring(2)])
    alone.topologies = [ring(), ring(2)]
    columns = ring(2).max_node + 1
    np.testing.assert_array_equal(together[:, 1, :columns], walk(alone, [6])[:, 0])


@pytest.mark.parametrize("topology", [pruned(0), ring()], ids=["alone", "coupled"])
def test_a_restored_replica_goes_on_bit_for_bit(topology):
    rng = np.random.default_rng(1)
    first, second = backend([topology]), backend([topology])
    gate_V = rng.uniform(0.4, 8, (1, topology.n_edges))
    inputs = rng.uniform(0, 1, (6, 1, topology.n_inputs))
    target_V, clamped = rng.uniform(0, 0.5, (1, topology.n_outputs)), rng.uniform(size=(1, topology.n_outputs)) < 0.5
    first.set_gates(gate_V)
    for input_V in inputs[:3]:
        first.solve_free(input_V, ON)
        first.solve_clamped(input_V, target_V, clamped, ON)
    first.solve_free(inputs[3], ON)
    state = first.state(0)
    second.restore(0, state)
    second.set_gates(gate_V)
    for input_V in inputs[3:]:
        for solver in (first, second):
            solver.answer = [solver.solve_clamped(input_V, target_V + 0.01, clamped, ON).node_V.copy()]
            solver.answer += [solver.solve_free(input_V, ON).node_V.copy(), solver.solve_many(0, inputs[:, 0])[0]]
        for a, b in zip(first.answer, second.answer, strict=True):
            np.testing.assert_array_equal(a, b)


def test_state_is_a_copy_and_many_samples_leave_it_alone():
    solver = backend([pruned(0)])
    solver.set_gates(np.full((1, 18), 3.0))
    solver.solve_free(np.full((1, 6), 0.5), ON)
    before = solver.state(0)
    solver.solve_many(0, np.random.default_rng(0).uniform(size=(5, 6)))
    for name, array in solver.state(0).items():
        np.testing.assert_array_equal(array, before[name])
    before["sink_V"][:] = 9.0
    assert not solver.state(0)["sink_V"].any()


def test_reload_keeps_vout_and_finds_the_same_voltages():
    solver, input_V = backend([pruned(0)], tolerance_V=1e-10), np.linspace(0, 1, 6)[None]
    solver.set_gates(np.full((1, 18), 2.0))
    solver.solve_clamped(input_V, np.full((1, 3), 0.2), np.ones((1, 3), bool), ON)
    expected = solver.solve_free(input_V, ON).node_V.copy()
    solver.reload(0)
    np.testing.assert_allclose(solver.state(0)["sink_V"], 0.2)
    np.testing.assert_allclose(solver.solve_free(input_V, ON).node_V, expected, atol=1e-9)


def test_free_outputs_of_a_clamped_phase_are_those_of_the_free_phase():
    solver, input_V = backend([pruned(0)]), np.linspace(0, 1, 6)[None]
    solver.set_gates(np.full((1, 18), 2.0))
    free_V = solver.solve_free(input_V, ON).node_V.copy()
    passes = solver.passes
    clamped_V = solver.solve_clamped(input_V, free_V[:, 3:6] + 0.1, np.array([[True, False, False]]), ON).node_V
    assert (clamped_V[0] != free_V[0]).nonzero()[0].tolist() == [3]
    assert solver.passes - passes < 8
    solver.set_gates(np.full((1, 18), 2.5))  # now they must be solved anew
    assert (
        solver.solve_clamped(input_V, free_V[:, 3:6], np.array([[True, False, False]]), ON).node_V[0, 4:6]
        != free_V[0, 4:6]
    ).all()


def test_skipped_replicas_are_skipped():
    solver = backend([pruned(0), pruned(1)])
    solver.set_gates(np.full((2, 18), 2.0))
    solution = solver.solve_free(np.full((2, 6), 0.3), np.array([False, True]))
    assert solution.status.tolist() == [Status.SKIPPED, Status.CONVERGED]
    assert np.isnan(solution.node_V[0]).all()
    assert np.isfinite(solution.node_V[1]).all()


@pytest.mark.parametrize("topology", [pruned(0), ring()], ids=["alone", "coupled"])
def test_a_failed_solve_is_reported_and_gives_nan(topology):
    solver = backend([topology], max_passes=1)
    solver.set_gates(np.full((1, topology.n_edges), 1.3))
    input_V = np.linspace(0.1, 1, topology.n_inputs)[None]
    solution = solver.solve_free(input_V, ON)
    assert solution.status.tolist() == [Status.NO_CONVERGENCE]
    assert np.isnan(solution.node_V).all()
    out_V, status = solver.solve_many(0, input_V)
    assert status.tolist() == [Status.NO_CONVERGENCE]
    assert np.isnan(out_V).all()


@pytest.mark.parametrize("topology", [pruned(0), ring()], ids=["alone", "coupled"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_sources_that_are_not_finite_are_reported_and_do_no_harm(topology, bad):
    solver, good_V = backend([topology]), np.full((1, topology.n_inputs), 0.5)
    gate_V = np.full((1, topology.n_edges), 2.0)
    bad_input_V, bad_gate_V = good_V.copy(), gate_V.copy()
    bad_input_V[0, 0] = bad_gate_V[0, -1] = bad
    solver.set_gates(gate_V)
    assert solver.solve_free(bad_input_V, ON).status.tolist() == [Status.NOT_FINITE]
    solver.set_gates(bad_gate_V)
    solution = solver.solve_free(good_V, ON)
    assert solution.status.tolist() == [Status.NOT_FINITE]
    assert np.isnan(solution.node_V).all()
    solver.set_gates(gate_V)
    assert solver.solve_free(good_V, ON).status.tolist() == [Status.CONVERGED]
    assert solver.solve_many(0, np.concatenate([bad_input_V, good_V]))[1].tolist() == [
        Status.NOT_FINITE,
        Status.CONVERGED,
    ]


@pytest.mark.parametrize("tie", TIES)
@pytest.mark.parametrize("gates", [(0.4, 8.0), (0.4, 1.2)])
@pytest.mark.parametrize("inputs", [(0.0, 1.0), (-2.0, 5.0)])
def test_no_failures_and_the_promised_accuracy_at_random(tie, gates, inputs):
    """Thousands of hard operating points: all converge, within the default tolerance of a far tighter one."""
    rng = np.random.default_rng(9)
    topology = dense(3, 5)
    loose, tight = backend([topology], tie), backend([topology], tie, tolerance_V=1e-11)
    worst = 0.0
    for _ in range(12):
        gate_V = rng.uniform(*gates, (1, 15))
        input_V = rng.uniform(*inputs, (80, 3))
        answers = []
        for solver in (loose, tight):
            solver.set_gates(gate_V)
            out_V, status = solver.solve_many(0, input_V)
            assert not status.any()
            answers.append(out_V)
        worst = max(worst, np.abs(answers[0] - answers[1]).max())
    assert worst < 1.5e-7


@pytest.mark.parametrize(
    ("tie", "options"),
    [("source", {"body_res": 1e7}), ("ground", {"temp": 150.0}), ("floating", {"temp": -100.0})],
    ids=["loose body", "hot", "cold"],
)
def test_the_promised_accuracy_where_curvature_is_high(tie, options):
    rng, topology = np.random.default_rng(9), dense(3, 5)
    loose = backend([topology], tie, options)
    tight = backend([topology], tie, options, tolerance_V=1e-11)
    for _ in range(8):
        gate_V, input_V = rng.uniform(0.4, 8, (1, 15)), rng.uniform(0, 5, (100, 3))
        for solver in (loose, tight):
            solver.set_gates(gate_V)
        (loose_V, status), (tight_V, _) = loose.solve_many(0, input_V), tight.solve_many(0, input_V)
        assert not status.any()
        assert np.abs(loose_V - tight_V).max() < 1e-7


@pytest.mark.parametrize("tie", TIES)
@pytest.mark.parametrize("topology", [pruned(0), ring()], ids=["alone", "coupled"])
def test_bodies_that_are_forward_biased_by_volts(tie, topology):
    solver, rng = backend([topology], tie), np.random.default_rng(4)
    solver.set_gates(rng.uniform(0.4, 8, (1, topology.n_edges)))
    input_V = rng.uniform(-5, 5, (50, topology.n_inputs))
    assert solver.solve_many(0, input_V)[1].tolist() == [Status.CONVERGED] * 50


def test_a_node_that_rounding_moves_by_more_than_the_tolerance_is_reported():
    """The 10 ohm of a body tie beside 1e15 ohm to ground: double precision cannot tell where the node lies."""
    solver = backend([dense(1, 1)], "source", {"rshunt": 1e15, "rs_free": 1e15, "gmin": 1e-18})
    solver.set_gates(np.array([[0.5]]))
    solution = solver.solve_free(np.array([[1.0]]), ON)
    assert solution.status.tolist() == [Status.SINGULAR]
    assert "rshunt" in Status.SINGULAR.advice


UNTOUCHED = {
    "hidden nodes": Topology(1, 2, [4], [3], edges_D=[4], edges_S=[3], hidden_nodes=[5, 7]),
    "hidden node among edges": Topology(1, 2, [4], [3], edges_D=[4, 5], edges_S=[5, 3], hidden_nodes=[5, 6]),
    "output": Topology(1, 2, [4], [3, 5], edges_D=[4], edges_S=[3]),
    "input": Topology(1, 2, [4, 5], [3], edges_D=[4], edges_S=[3]),
    "second part": Topology(1, 2, [4], [3], edges_D=[4, 5, 7], edges_S=[3, 6, 6], hidden_nodes=[5, 6, 7]),
    "outputs": Topology(1, 2, [4], [3], edges_D=[1], edges_S=[2], hidden_nodes=[5]),
}


@pytest.mark.parametrize("topology", UNTOUCHED.values(), ids=UNTOUCHED.keys())
@pytest.mark.parametrize("tie", TIES)
def test_what_no_edge_touches_is_finite_and_as_in_ngspice(topology, tie, ngspice):
    solver = backend([topology], tie)
    input_V, gate_V = np.full((1, topology.n_inputs), 0.5), np.full((1, topology.n_edges), 3.0)
    solver.set_gates(gate_V)
    solution = solver.solve_free(input_V, ON)
    assert solution.status.tolist() == [Status.CONVERGED]
    text = write_netlist(
        topology,
        CARD,
        CircuitOptions(body_tie=tie, **TIGHT),
        Sources(input_V[0], gate_V[0], np.zeros(topology.n_outputs)),
    )
    expected = ngspice(text)
    for node in topology.numbered_nodes():
        assert solution.node_V[0, node] == pytest.approx(expected.get(str(node), 0.0), abs=1e-7)
    assert np.isfinite(solver.solve_many(0, input_V)[0]).all()


@pytest.mark.parametrize("name", ["input", "second part"])
def test_a_bad_input_counts_even_where_it_has_no_edge(name):
    topology = UNTOUCHED[name]
    solver, input_V = backend([topology]), np.full((1, topology.n_inputs), 0.5)
    input_V[0, -1] = np.nan
    solver.set_gates(np.full((1, topology.n_edges), 3.0))
    targets, clamped = np.full((1, topology.n_outputs), 0.2), np.ones((1, topology.n_outputs), bool)
    assert solver.solve_free(input_V, ON).status.tolist() == [Status.NOT_FINITE]
    assert solver.solve_clamped(input_V, targets, clamped, ON).status.tolist() == [Status.NOT_FINITE]
    assert solver.solve_many(0, input_V)[1].tolist() == [Status.NOT_FINITE]


@pytest.mark.parametrize("options", [{"temp": 800.0}, {"temp": -272.0}, {"temp": 300.0, "tnom": -200.0}])
def test_a_temperature_without_a_transistor_is_refused(options):
    with pytest.raises(InputError, match="describes no transistor at --temp"):
        backend([dense(2, 2)], options=options)


@pytest.mark.parametrize("tie", TIES)
def test_source_stepping_alone_finds_the_same_solution(tie):
    """The last resort of a network with hidden nodes."""
    topology, rng = ring(), np.random.default_rng(2)
    solver = backend([topology], tie, tolerance_V=1e-10)
    solver.set_gates(rng.uniform(0.6, 5, (1, topology.n_edges)))
    expected = solver.solve_free(np.array([[0.9, 0.1]]), ON).node_V.copy()
    device, bounds, settings, book = solver._engine._circuit
    solver._engine._circuit = (device, bounds, settings._replace(passes=-1), book)
    stepped = solver.solve_free(np.array([[0.9, 0.1]]), ON)
    assert stepped.status.tolist() == [Status.CONVERGED]
    np.testing.assert_allclose(stepped.node_V, expected, atol=1e-9)


def test_a_long_ring_of_hidden_nodes():
    topology = ring(250)
    solver = backend([topology])
    solver.set_gates(np.full((1, topology.n_edges), 4.0))
    solution = solver.solve_free(np.array([[1.0, 0.2]]), ON)
    assert solution.status.tolist() == [Status.CONVERGED]
    # Along the chain from negref (0 V) through the inputs and posref the rest of the ring falls back to 0 V.
    assert (np.diff(solution.node_V[0, 7:]) < 0).all()


def test_what_does_not_fit_is_refused():
    with pytest.raises(InputError, match="mixed"):
        backend([dense(2, 2), ring()])
    with pytest.raises(InputError, match="same"):
        backend([dense(2, 2), dense(3, 2)])
    with pytest.raises(InputError, match="at least one replica"):
        backend([])
    solver = backend([dense(2, 2)])
    with pytest.raises(InputError, match="gate_V must have shape"):
        solver.set_gates(np.zeros((1, 3)))
    with pytest.raises(InputError, match="input_V must have shape"):
        solver.solve_free(np.zeros((1, 3)), ON)
    with pytest.raises(InputError, match="state has"):
        solver.restore(0, {"sink_V": np.zeros(7)})


def test_importing_the_package_compiles_nothing(monkeypatch):
    from analog_nmos.backends.native.decoupled import phases

    fresh = importlib.util.spec_from_file_location("phases_again", phases.__file__)
    module = importlib.util.module_from_spec(fresh)
    fresh.loader.exec_module(module)
    assert not module.solve_free.overloads
