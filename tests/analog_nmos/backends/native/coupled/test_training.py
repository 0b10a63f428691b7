"""Training networks with hidden nodes: the compiled phases against the backend's methods, replicas, and an anchor."""

import numpy as np
import pytest

from analog_nmos.backends.base import Status
from analog_nmos.backends.native import NativeBackend
from analog_nmos.cards.model_card import default_card_path, read_model_card
from analog_nmos.circuit import CircuitOptions
from analog_nmos.circuit.deviations import Deviations
from benchmarks.native_hidden import Xor, layered, nudge_pair, torus

CARD = read_model_card(default_card_path())
TABLE_V = np.array([[0.0, 0.0], [0.0, 0.45], [0.45, 0.0], [0.45, 0.45]])
XOR = Xor(np.array([0.0, -0.087]), 0.5)


def backend(topologies, deviations=None, **options):
    return NativeBackend(topologies, CARD, CircuitOptions(vminus=0.11, vplus=0.33, **options), deviations=deviations)


def train(solver, topology, gate_V, samples, evaluate):
    """One replica with the backend's methods, sample by sample: outputs of the free phases, and final gates."""
    seen, on = [], np.array([True])
    for input_V, label in samples:
        solver.set_gates(gate_V[None])
        free = solver.solve_free(input_V[None], on)
        assert free.status.tolist() == [Status.CONVERGED]
        free_V = free.node_V[0].copy()
        out_V = free_V[topology.out_nodes]
        target_V, clamped = out_V.copy(), np.zeros(out_V.size, bool)
        evaluate(out_V, label, XOR, target_V, clamped)
        clamped_V = solver.solve_clamped(input_V[None], target_V[None], clamped[None], on).node_V[0]
        drop, held = (v[topology.edges_D] - v[topology.edges_S] for v in (free_V, clamped_V))
        gate_V = np.clip(gate_V - 0.3 * (held * held - drop * drop), 0.4, 8.0)
        seen.append(out_V)
    return np.array(seen), gate_V


def test_the_recorded_first_epoch_of_xor():
    """Seed 3 of the published figure's program visits samples 2, 3, 1, 0 and sees these outputs (V)."""
    topology, rng = torus(4), np.random.RandomState(3)
    gate_V, order = rng.uniform(0.5, 3.0, 32), np.arange(4)
    rng.shuffle(order)
    assert order.tolist() == [2, 3, 1, 0]
    solver = backend([topology], rs_free=1e12, rs_clamp=1.0)
    samples = [(TABLE_V[n], [0, 1, 1, 0][n]) for n in order]
    seen, _ = train(solver, topology, gate_V, samples, nudge_pair)
    differences = np.empty(4)
    differences[order] = seen[:, 0] - seen[:, 1]
    np.testing.assert_allclose(differences, [0.01275, 0.06123, 0.02026, 0.08761], atol=6e-6)


@pytest.mark.parametrize("differ", [False, True])
@pytest.mark.parametrize(
    "topology", [torus(4), torus(12), layered(5, 11, 2), layered(5, 27, 3)], ids=["torus", "large", "layers", "bundles"]
)
def test_compiled_phases_and_replicas_have_the_numbers_of_the_methods_alone(topology, differ):
    rng = np.random.default_rng(0)
    gates_V = rng.uniform(0.5, 3.0, (2, topology.n_edges))
    inputs_V, labels = rng.uniform(0, 0.45, (2, 6, topology.n_inputs)), rng.integers(0, 2, (2, 6))
    own = [
        Deviations(rng.normal(0.0, 0.05, topology.n_edges), rng.uniform(0.5, 1.5, topology.n_edges)) if differ else None
        for _ in range(2)
    ]
    together = backend([topology, topology], own)
    solver = together.compiled()
    together.set_gates(gates_V)
    for replica in range(2):
        samples = list(zip(inputs_V[replica], labels[replica].tolist(), strict=True))
        seen, gate_V = train(backend([topology], [own[replica]]), topology, gates_V[replica], samples, nudge_pair)
        slots = solver.edges.slot[replica]
        for (input_V, label), expected_V in zip(samples, seen, strict=True):
            free_V, clamped_V = np.empty((2, topology.max_node + 1))
            assert solver.free(solver.memory, replica, input_V, free_V) == Status.CONVERGED
            out_V = free_V[topology.out_nodes]
            np.testing.assert_array_equal(out_V, expected_V)
            target_V, clamped = out_V.copy(), np.zeros(out_V.size, bool)
            nudge_pair(out_V, label, XOR, target_V, clamped)
            assert solver.clamped(solver.memory, replica, input_V, target_V, clamped, clamped_V) == Status.CONVERGED
            drop, held = (v[topology.edges_D] - v[topology.edges_S] for v in (free_V, clamped_V))
            moved_V = np.clip(solver.edges.gate_V[slots] - 0.3 * (held * held - drop * drop), 0.4, 8.0)
            solver.edges.gate_V[slots] = moved_V
        np.testing.assert_array_equal(solver.edges.gate_V[slots], gate_V)


@pytest.mark.parametrize("topology", [torus(10), layered(6, 30, 3)], ids=["torus", "layers"])
@pytest.mark.parametrize("tie", ["ground", "source", "floating"])
def test_a_clamped_phase_that_goes_on_from_the_free_one_finds_what_a_fresh_one_finds(topology, tie):
    rng = np.random.default_rng(1)
    gate_V, on = rng.uniform(0.5, 3.0, (1, topology.n_edges)), np.array([True])
    input_V = rng.uniform(0, 0.45, (1, topology.n_inputs))
    clamped = rng.uniform(size=(1, topology.n_outputs)) < 0.7
    going_on, fresh = backend([topology], body_tie=tie), backend([topology], body_tie=tie)
    for solver in (going_on, fresh):
        solver.set_gates(gate_V)
    free_V = going_on.solve_free(input_V, on).node_V[:, topology.out_nodes]
    target_V = free_V + rng.uniform(-0.1, 0.1, free_V.shape)
    found_V = going_on.solve_clamped(input_V, target_V, clamped, on).node_V.copy()
    expected_V = fresh.solve_clamped(input_V, target_V, clamped, on).node_V
    np.testing.assert_allclose(found_V, expected_V, atol=1e-7)
    assert going_on.passes < fresh.passes + 20
