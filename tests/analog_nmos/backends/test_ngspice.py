"""The ngspice backend against the published way (a plain `op`, printed voltages), and what it must survive."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from analog_nmos.backends import ngspice_library
from analog_nmos.backends.base import Status
from analog_nmos.backends.ngspice import NgspiceBackend
from analog_nmos.backends.ngspice_library import Ngspice
from analog_nmos.circuit import BODY_TIES
from analog_nmos.circuit.netlist import Sources
from analog_nmos.topology import Topology, dense, shipped

EVERYONE = np.ones(1, bool)
NEVER_EXACT = {"reltol": 1e-18, "vntol": 1e-30, "abstol": 1e-30}  # rounding keeps Newton's method from ending
Make = Callable[..., NgspiceBackend]


def random_case(topology: Topology, seed: int = 0, low_V: float = 0.4, high_V: float = 8.0) -> Sources:
    rng = np.random.RandomState(seed)
    return Sources(
        rng.uniform(0, 1, topology.n_inputs),
        rng.uniform(low_V, high_V, topology.n_edges),
        rng.uniform(0, 0.5, topology.n_outputs),
    )


def free(backend: NgspiceBackend, topology: Topology, case: Sources) -> np.ndarray:
    backend.set_gates(case.gate_V[None])
    solution = backend.solve_free(case.input_V[None], EVERYONE)
    assert solution.status[0] == Status.CONVERGED
    return solution.node_V[0, [*topology.out_nodes, *topology.hidden_nodes]].copy()


def clamp(backend: NgspiceBackend, topology: Topology, case: Sources, clamped: np.ndarray) -> np.ndarray:
    backend.restore(0, {"sink_V": case.sink_V})  # those of outputs that are not clamped too
    backend.set_gates(case.gate_V[None])
    solution = backend.solve_clamped(case.input_V[None], case.sink_V[None], clamped[None], EVERYONE)
    assert solution.status[0] == Status.CONVERGED
    return solution.node_V[0, topology.out_nodes].copy()


def hidden_network() -> Topology:
    """Two inputs (5, 6), two outputs (3, 4) and two hidden nodes (7, 8), joined to each other and to a rail."""
    return Topology(
        negref=1,
        posref=2,
        input_nodes=np.array([5, 6]),
        out_nodes=np.array([3, 4]),
        edges_D=np.array([5, 6, 7, 7, 8, 8, 6, 2]),
        edges_S=np.array([7, 8, 8, 3, 3, 4, 4, 7]),
        hidden_nodes=np.array([7, 8]),
    )


@pytest.mark.parametrize("body_tie", BODY_TIES)
@pytest.mark.parametrize("gates_V", [(0.4, 8.0), (0.4, 1.2), (4.0, 4.0)])
def test_voltages_equal_the_printed_ones(make_ngspice, printed_op, body_tie, gates_V) -> None:
    topology = dense(12, 4)
    backend = make_ngspice(topology, body_tie=body_tie)
    masks = np.array([[False] * 4, [True, False, False, True], [True] * 4])
    for seed, mask in enumerate(masks):
        case = random_case(topology, seed, *gates_V)
        ours = clamp(backend, topology, case, mask)
        theirs = printed_op(topology, case, mask, body_tie=body_tie)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("body_tie", BODY_TIES)
def test_whole_network_equals_the_printed_voltages(make_ngspice, printed_op, body_tie) -> None:
    topology = shipped()
    case = random_case(topology)
    backend = make_ngspice(topology, body_tie=body_tie)
    ours = clamp(backend, topology, case, np.arange(10) < 2)
    theirs = printed_op(topology, case, np.arange(10) < 2, body_tie=body_tie)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("options", [{"temp": 50.0}, {"vplus": 0.3, "vminus": -0.2}, {"solver": "sparse"}])
def test_options_reach_the_circuit(make_ngspice, printed_op, options) -> None:
    topology = dense(4, 3)
    case = random_case(topology)
    backend = make_ngspice(topology, **options)
    ours = clamp(backend, topology, case, np.ones(3, bool))
    theirs = printed_op(topology, case, np.ones(3, bool), **options)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("body_tie", BODY_TIES)
def test_hidden_nodes_are_solved(make_ngspice, printed_op, body_tie) -> None:
    topology = hidden_network()
    case = random_case(topology, low_V=2.0)
    backend = make_ngspice(topology, body_tie=body_tie)
    case.sink_V[:] = 0
    ours = free(backend, topology, case)
    np.testing.assert_allclose(ours, printed_op(topology, case, None, body_tie=body_tie), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("gate_V", "smallest_V", "largest_V"), [(4.0, 1e-10, 1e-8), (0.75, 1e-6, 1e-2)])
def test_vout_stays_in_later_free_phases(make_ngspice, gate_V, smallest_V, largest_V) -> None:
    topology = dense(64, 2)
    case = random_case(topology, low_V=gate_V, high_V=gate_V)
    case.input_V[:] = np.where(case.input_V > 0.5, case.input_V, 0.5)  # source side above ground: nearer to cutoff
    backend = make_ngspice(topology)
    before = free(backend, topology, case)
    clamp(backend, topology, case, np.ones(2, bool))
    moved = np.abs(free(backend, topology, case) - before)
    assert (moved > smallest_V).all()
    assert (moved < largest_V).all()


def test_skipped_replica_is_left_alone(make_ngspice) -> None:
    topology = dense(2, 2)
    case = random_case(topology)
    backend = make_ngspice(topology)
    before = backend.state(0)["sink_V"]
    nobody = np.zeros(1, bool)
    solution = backend.solve_clamped(case.input_V[None], case.sink_V[None], np.ones((1, 2), bool), nobody)
    assert solution.status[0] == Status.SKIPPED
    np.testing.assert_array_equal(backend.state(0)["sink_V"], before)


@pytest.mark.parametrize("body_tie", BODY_TIES)
def test_history_and_reload_change_no_bit(make_ngspice, body_tie) -> None:
    topology = dense(16, 3)
    cases = [random_case(topology, seed, *span) for seed, span in enumerate([(0.4, 8.0), (0.4, 1.2), (6.0, 8.0)] * 2)]
    masks = np.random.RandomState(1).rand(len(cases), 3) < 0.5
    backend = make_ngspice(topology, body_tie=body_tie)
    forwards = [clamp(backend, topology, case, mask) for case, mask in zip(cases, masks, strict=True)]
    order = list(range(len(cases)))[::-1]
    backwards = [clamp(backend, topology, cases[n], masks[n]) for n in order]
    np.testing.assert_array_equal(np.array(forwards)[order], backwards)
    for n in order:
        backend.reload(0)
        np.testing.assert_array_equal(clamp(backend, topology, cases[n], masks[n]), forwards[n])


def test_restored_state_changes_no_bit(make_ngspice) -> None:
    topology = dense(8, 2)
    case = random_case(topology, low_V=0.5, high_V=1.0)
    backend = make_ngspice(topology)
    clamp(backend, topology, case, np.ones(2, bool))
    state, before = backend.state(0), free(backend, topology, case)
    other = make_ngspice(topology)
    other.restore(0, state)
    np.testing.assert_array_equal(free(other, topology, case), before)


def test_full_sweep_is_loaded_anew_without_a_trace(make_ngspice, monkeypatch) -> None:
    topology = dense(8, 2)
    cases = [random_case(topology, seed) for seed in range(12)]
    backend = make_ngspice(topology)
    before = [free(backend, topology, case) for case in cases]
    monkeypatch.setattr(ngspice_library, "MAX_POINTS", 5)
    np.testing.assert_array_equal([free(backend, topology, case) for case in cases], before)


def test_two_circuits_take_turns(make_ngspice) -> None:
    small, large = dense(3, 2), dense(8, 2)
    of_small, of_large = random_case(small), random_case(large)
    first = make_ngspice(small)
    before = free(first, small, of_small)
    second = make_ngspice(large)
    there = free(second, large, of_large)
    np.testing.assert_array_equal(free(first, small, of_small), before)
    np.testing.assert_array_equal(free(second, large, of_large), there)
    first.close()  # not its circuit any more
    assert second._circuit.is_ready


def test_only_what_changed_is_altered(make_ngspice, spice: Ngspice, monkeypatch) -> None:
    topology = dense(3, 2)
    case = random_case(topology)
    backend = make_ngspice(topology)
    free(backend, topology, case)
    commands: list[str] = []
    send = spice.command
    monkeypatch.setattr(spice, "command", lambda text: (commands.append(text), send(text))[1])
    free(backend, topology, case)
    assert commands == ["step"]
    case.gate_V[4] = 3.25
    free(backend, topology, case)
    assert commands[1:] == ["alter vg4=3.25", "step"]


def test_solve_many_equals_one_by_one(make_ngspice) -> None:
    topology = dense(6, 3)
    case = random_case(topology)
    backend = make_ngspice(topology, body_tie="floating")
    input_V = np.random.RandomState(3).uniform(0, 1, (5, 6))
    input_V[2, 4] = np.nan
    backend.set_gates(case.gate_V[None])
    out_V, status = backend.solve_many(0, input_V)
    assert status.tolist() == [0, 0, Status.NOT_FINITE, 0, 0]
    assert np.isnan(out_V[2]).all()
    for row, expected in zip(input_V[[0, 1, 3, 4]], out_V[[0, 1, 3, 4]], strict=True):
        solution = backend.solve_free(row[None], EVERYONE)
        np.testing.assert_array_equal(solution.node_V[0, topology.out_nodes], expected)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e20])  # 1e20 V can crash ngspice
def test_impossible_values_leave_the_circuit_unharmed(make_ngspice, value) -> None:
    topology = dense(4, 2)
    case = random_case(topology)
    backend = make_ngspice(topology)
    before, circuit = free(backend, topology, case), backend._circuit
    backend.set_gates(np.full((1, 8), value))
    solution = backend.solve_free(case.input_V[None], EVERYONE)
    assert solution.status[0] == Status.NOT_FINITE
    assert np.isnan(solution.node_V).all()
    np.testing.assert_array_equal(free(backend, topology, case), before)
    assert backend._circuit is circuit


@pytest.mark.parametrize("reload", [True, False])
def test_failed_operating_point_is_seen_and_the_circuit_goes_on(make_ngspice, reload) -> None:
    topology = dense(4, 2)
    case = random_case(topology, low_V=1.0, high_V=3.0)
    backend = make_ngspice(topology, **NEVER_EXACT)
    idle = Sources(np.zeros(4), np.zeros(8), np.zeros(2))
    before = free(backend, topology, idle)  # all zero, therefore exact
    for _ in range(2):
        backend.set_gates(case.gate_V[None])
        solution = backend.solve_free(case.input_V[None], EVERYONE)
        assert solution.status[0] == Status.NO_CONVERGENCE
        assert np.isnan(solution.node_V).all()
        if reload:
            backend.reload(0)
    np.testing.assert_array_equal(free(backend, topology, idle), before)


def test_memory_does_not_grow(make_ngspice, spice: Ngspice) -> None:
    statm = Path("/proc/self/statm")
    if not statm.exists():
        pytest.skip("no /proc")
    topology = dense(4, 2)
    backend = make_ngspice(topology)
    input_V = np.random.RandomState(0).uniform(0, 1, (11_000, 4))
    backend.set_gates(random_case(topology).gate_V[None])
    backend.solve_many(0, input_V[:500])
    before = int(statm.read_text().split()[1])
    backend.solve_many(0, input_V)
    backend.reload(0)
    pages = int(statm.read_text().split()[1]) - before
    assert pages * 4096 < 2_000_000  # 25 MB if ngspice kept its commands
    assert spice.drain() == []


def test_a_hidden_node_without_an_edge_is_at_0_V(make_ngspice):
    topology = Topology(1, 2, [4], [3], edges_D=[4], edges_S=[3], hidden_nodes=[5, 7])
    backend = make_ngspice(topology)
    backend.set_gates(np.array([[3.0]]))
    solution = backend.solve_free(np.array([[0.5]]), np.ones(1, bool))
    assert solution.status.tolist() == [Status.CONVERGED]
    assert solution.node_V[0, [5, 7]].tolist() == [0.0, 0.0]
    assert solution.node_V[0, 3] == pytest.approx(0.5, abs=1e-3)
