"""What a clamped phase does to an output: joined to its target, held there, or driven by a current."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from analog_nmos.backends.base import Backend, Status
from analog_nmos.backends.native import NativeBackend
from analog_nmos.backends.ngspice import NgspiceBackend
from analog_nmos.backends.ngspice_library import Ngspice
from analog_nmos.cards.model_card import default_card_path, read_model_card
from analog_nmos.circuit import NUDGE_MODES, CircuitOptions
from analog_nmos.topology import Topology, dense

CARD = read_model_card(default_card_path())
TIGHT: dict[str, Any] = {"reltol": 1e-9, "abstol": 1e-14, "vntol": 1e-11, "itl1": 2000}
ON = np.ones(1, bool)


def grid(side: int = 4) -> Topology:
    """A periodic grid of side x side nodes joined to their right and lower neighbours: rails, 4 inputs, 3 outputs."""
    node = np.arange(1, side * side + 1).reshape(side, side)
    drains = np.concatenate([node.ravel(), node.ravel()])
    sources = np.concatenate([np.roll(node, -1, 1).ravel(), np.roll(node, -1, 0).ravel()])
    flat = node.ravel()
    return Topology(1, 2, flat[5:9], flat[2:5], drains, sources, hidden_nodes=flat[9:])


NETWORKS = {"alone": dense(12, 4), "coupled": grid(), "large": grid(8)}
everywhere = pytest.mark.parametrize("topology", NETWORKS.values(), ids=NETWORKS)


def walk(backend: Backend, topology: Topology, mode: str, sign: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Node voltages of free and nudged phases in turn, nudges small and large, and how far clamped outputs are off."""
    rng, n = np.random.default_rng(3), topology.n_outputs
    clamped = np.arange(n) % 2 == 0
    backend.set_gates(sign * rng.uniform(0.6, 5.0, (1, topology.n_edges)))
    input_V = sign * rng.uniform(0.0, 1.0, (1, topology.n_inputs))
    found, off_V = [], []
    for nudge_V in (0.02, -0.05, 0.8):
        free = backend.solve_free(input_V, ON)
        assert free.status.tolist() == [Status.CONVERGED]
        found.append(free.node_V[0].copy())
        nudge = sign * nudge_V * rng.uniform(0.5, 1.0, n)
        target = 2e-3 * nudge if mode == "current" else free.node_V[0, topology.out_nodes] + nudge
        solution = backend.solve_clamped(input_V, target[None], clamped[None], ON)
        assert solution.status.tolist() == [Status.CONVERGED]
        found.append(solution.node_V[0].copy())
        off_V.append(np.abs(solution.node_V[0, topology.out_nodes] - target)[clamped].max())
    return np.array(found), np.array(off_V)


@everywhere
@pytest.mark.parametrize("tie", ["ground", "floating"])
@pytest.mark.parametrize("mode", NUDGE_MODES)
def test_both_solvers_nudge_alike(spice: Ngspice, topology: Topology, tie: str, mode: str) -> None:
    options = CircuitOptions(nudge_mode=mode, body_tie=tie, **TIGHT)
    backend = NgspiceBackend([topology], CARD, options)
    expected, expected_off_V = walk(backend, topology, mode)
    backend.close()
    found, off_V = walk(NativeBackend([topology], CARD, options, tolerance_V=1e-11), topology, mode)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8)
    if mode == "held":
        assert max(off_V[0], expected_off_V[0]) < 1e-9
    moved_V = np.abs(found[1::2] - found[::2])[:, topology.out_nodes].max(1)
    assert (moved_V > 1e-3).all()


def test_a_pmos_is_driven_alike(spice: Ngspice, tmp_path) -> None:
    text = default_card_path().read_text().replace("nmos", "pmos").replace("vto=0.75", "vto=-0.75")
    (tmp_path / "card.lib").write_text(text)
    card, options = read_model_card(tmp_path / "card.lib"), CircuitOptions(nudge_mode="current", **TIGHT)
    for topology in (dense(12, 4), grid()):
        backend = NgspiceBackend([topology], card, options)
        expected, _ = walk(backend, topology, "current", card.sign)
        backend.close()
        found, _ = walk(NativeBackend([topology], card, options, tolerance_V=1e-11), topology, "current", card.sign)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8)


@everywhere
def test_a_current_leaves_no_trace(topology: Topology) -> None:
    """VOUT stays, and the next free phase has the same bits; a current of 0 A moves nothing."""
    backend = NativeBackend([topology], CARD, CircuitOptions(nudge_mode="current"), tolerance_V=1e-11)
    found, _ = walk(backend, topology, "current")
    assert not backend.state(0)["sink_V"].any()
    again, _ = walk(backend, topology, "current")
    np.testing.assert_allclose(found[::2], again[::2], rtol=0, atol=1e-11)
    input_V, none = np.full((1, topology.n_inputs), 0.3), np.zeros((1, topology.n_outputs))
    free_V = backend.solve_free(input_V, ON).node_V.copy()
    still = backend.solve_clamped(input_V, none, none == 0.0, ON)
    np.testing.assert_allclose(still.node_V, free_V, rtol=0, atol=1e-11)


@everywhere
def test_currents_are_for_the_outputs_of_the_mask(topology: Topology) -> None:
    """The numbers of other outputs mean nothing, and one that is not finite is reported."""
    backend = NativeBackend([topology], CARD, CircuitOptions(nudge_mode="current"), tolerance_V=1e-11)
    backend.set_gates(np.full((1, topology.n_edges), 3.0))
    input_V, clamped = np.full((1, topology.n_inputs), 0.3), np.arange(topology.n_outputs)[None] == 1
    some = np.where(clamped, 1e-5, 7.0)
    expected = backend.solve_clamped(input_V, np.where(clamped, 1e-5, 0.0), clamped, ON).node_V.copy()
    np.testing.assert_array_equal(backend.solve_clamped(input_V, some, clamped, ON).node_V, expected)
    assert backend.solve_clamped(input_V, some * np.nan, clamped, ON).status[0] == Status.NOT_FINITE
    assert backend.solve_free(input_V, ON).status[0] == Status.CONVERGED


@pytest.mark.parametrize(("name", "most_A"), [("alone", 1e-2), ("coupled", 2e-3)])
def test_a_node_far_from_its_sources_is_as_accurate(name: str, most_A: float) -> None:
    """A current takes an output 2 V out of the span of rails and inputs, for which accuracy is promised at first."""
    topology, options = NETWORKS[name], CircuitOptions(nudge_mode="current", body_tie="ground")
    rough, fine = (NativeBackend([topology], CARD, options, tolerance_V=each) for each in (1e-7, 1e-12))
    rng, everyone = np.random.default_rng(1), np.ones((1, topology.n_outputs), bool)
    farthest_V = 0.0
    for _ in range(20):
        gate_V, input_V = rng.uniform(2.0, 3.0, (1, topology.n_edges)), rng.uniform(0, 1, (1, topology.n_inputs))
        current_A = rng.uniform(0.1, 1.0, (1, topology.n_outputs)) * most_A
        found = []
        for backend in (rough, fine):
            backend.set_gates(gate_V)
            backend.solve_free(input_V, ON)
            found.append(backend.solve_clamped(input_V, current_A, everyone, ON).node_V[0].copy())
        np.testing.assert_allclose(*found, rtol=0, atol=1e-7)
        farthest_V = max(farthest_V, float(found[1].max()))
    assert farthest_V > 2.0


@pytest.mark.parametrize("name", ["alone", "large"])
def test_compiled_phases_have_the_bits_of_the_methods(name: str) -> None:
    topology, options = NETWORKS[name], CircuitOptions(nudge_mode="current")
    ours, theirs = (NativeBackend([topology], CARD, options) for _ in range(2))
    rng, n = np.random.default_rng(2), topology.n_outputs
    gate_V, input_V = rng.uniform(0.6, 5.0, (1, topology.n_edges)), rng.uniform(0, 1, topology.n_inputs)
    current_A, clamped = rng.uniform(-1e-5, 1e-5, n), np.arange(n) < 2
    for backend in (ours, theirs):
        backend.set_gates(gate_V)
    solver, node_V = theirs.compiled(), np.empty(topology.max_node + 1)
    assert solver.free(solver.memory, 0, input_V, node_V) == Status.CONVERGED
    np.testing.assert_array_equal(node_V, ours.solve_free(input_V[None], ON).node_V[0])
    assert solver.clamped(solver.memory, 0, input_V, current_A, clamped, node_V) == Status.CONVERGED
    expected = ours.solve_clamped(input_V[None], current_A[None], clamped[None], ON)
    np.testing.assert_array_equal(node_V, expected.node_V[0])
