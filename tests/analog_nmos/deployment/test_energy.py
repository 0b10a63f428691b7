"""The energy of runs: the states are those of the run, their costs those of `energy.costs`, and every kind works."""

import dataclasses

import numpy as np
import pytest

from analog_nmos.backends.native import NativeBackend
from analog_nmos.deployment import Point, load_trained, measure
from analog_nmos.deployment.energy import energy_of
from analog_nmos.energy.options import CapacitanceOptions
from analog_nmos.energy.power import free_loads
from analog_nmos.tasks.regression import Regression
from analog_nmos.train import run
from common.errors import InputError

HELD = CapacitanceOptions(node_cap=2e-12, gate_cap=1e-12)


@pytest.mark.parametrize("name", ["iris", "on_chip", "xor", "regression", "pmos"])
def test_inferences_are_those_of_the_test(runs, name):
    trained = load_trained(runs[name])
    found = energy_of(trained, HELD, 100)
    size = len(trained.replica.data.test.y)
    assert found.inference.sample.tolist() == list(range(size))
    # A measured point at the run's own chip gives the recorded outputs, and the same score.
    [measured] = measure(trained, [Point(trained.chip)])
    assert found.inference.answer.mean() == pytest.approx(measured.value, rel=1e-6)
    costs = found.inference.costs
    np.testing.assert_allclose(costs.energy_J, costs.power.total_W * costs.settling_s)
    assert (costs.power.total_W > 0.0).all()
    assert ((costs.settling_s > 1e-12) & (costs.settling_s < 1e-3)).all()


def test_the_circuit_of_an_inference_is_solved_with_the_runs_own_options(runs):
    """Power from voltages that are solved here anew."""
    trained = load_trained(runs["on_chip"])
    found = energy_of(trained, HELD, 5)
    replica, network = trained.replica, found.network
    backend = NativeBackend([replica.start], trained.card, trained.config, deviations=[replica.deviations[0]])
    backend.set_gates(trained.gates.gate_V[None])
    for sample, input_V in enumerate(replica.data.test.x_V[:5]):
        node_V = backend.solve_free(input_V[None], np.ones(1, bool)).node_V
        here = network.power(node_V, free_loads(trained.config, np.zeros((1, 3))))
        assert here.total_W[0] == pytest.approx(found.inference.costs.power.total_W[sample], rel=1e-6)
    bare = dataclasses.replace(network, deviations=None).power(node_V, free_loads(trained.config, np.zeros((1, 3))))
    assert bare.total_W[0] != pytest.approx(here.total_W[0], rel=1e-4)  # the chip counts


def test_updates_have_two_phases_and_gates_to_write(runs):
    trained = load_trained(runs["regression"])
    updates = energy_of(trained, HELD, 100).updates
    assert np.isfinite(np.array(updates)).all()
    energy_J = updates.free_W * updates.free_s + updates.clamped_W * updates.clamped_s + updates.writing_J
    np.testing.assert_allclose(updates.energy_J, energy_J)
    assert (updates.clamped_s < updates.free_s).all()  # the outputs are held by 10 ohm
    assert (updates.clamped_W != updates.free_W).all()
    assert (updates.writing_J > 0.0).all()
    without = energy_of(trained, CapacitanceOptions(node_cap=2e-12), 100).updates
    assert (without.writing_J == 0.0).all()


def test_writing_is_what_the_run_would_write(runs):
    """C |V_G| |dV| of the change that an epoch of one sample makes."""
    trained = load_trained(runs["xor"], "last")
    updates = energy_of(trained, HELD, 1).updates
    replica, config = trained.replica, trained.config
    backend = NativeBackend([replica.start], trained.card, config)
    gate_V, on, drop = trained.gates.gate_V, np.ones(1, bool), []
    backend.set_gates(gate_V[None])
    backend.restore(0, {"sink_V": trained.state["sink_V"]})
    input_V, data = replica.data.train.x_V[:1], replica.data
    free_V = backend.solve_free(input_V, on).node_V.copy()
    out_V = free_V[:, replica.start.out_nodes]
    score_V = data.readout.scores_V(out_V)
    evaluation = trained.objective().evaluate(score_V, data.train.y[:1])
    target_V, held = data.readout.clamps(out_V, score_V, evaluation.target_V, evaluation.clamped)
    clamped_V = backend.solve_clamped(input_V, target_V, held, on).node_V
    for node_V in (free_V, clamped_V):
        drop.append((node_V[0, replica.start.edges_D] - node_V[0, replica.start.edges_S]) ** 2)
    moved_V = (gate_V - config.gamma * (drop[1] - drop[0])).clip(0.4, 8.0) - gate_V
    assert updates.writing_J[0] == pytest.approx((1e-12 * np.abs(gate_V * moved_V)).sum(), rel=1e-5)


def test_skipped_samples_have_a_free_phase_only(pruned):
    trained = load_trained(pruned, "last")
    updates = energy_of(trained, HELD, 40).updates
    skipped = np.isnan(updates.clamped_W)
    assert 0 < skipped.sum() < 40
    np.testing.assert_allclose(updates.energy_J[skipped], (updates.free_W * updates.free_s)[skipped])
    assert (updates.writing_J[skipped] == 0.0).all()
    assert (updates.writing_J[~skipped] > 0.0).all()


@pytest.mark.parametrize(
    ("options", "phases"),
    [
        ({"phases": "centred"}, 2),
        ({"phases": "negative", "nudge_mode": "held"}, 1),
        ({"nudge_mode": "current"}, 1),
        ({"rule": "adjoint"}, 0),
        ({"quantity": "device-aware"}, 1),
    ],
    ids=str,
)
def test_updates_are_those_of_the_runs_own_rule(tmp_path, options, phases):
    trained = load_trained(run(Regression(epochs=2, plots=False, quiet=True, **options), tmp_path / "run"))
    updates = energy_of(trained, HELD, 100).updates
    assert len(updates.sample) == 8
    assert (updates.writing_J > 0.0).all()
    assert np.isnan(updates.clamped_s).all() == (phases == 0)
    assert (updates.energy_J > updates.free_W * updates.free_s).all()
    if phases:
        assert (updates.clamped_W > 0.5 * updates.free_W).all()
        assert (updates.clamped_W < 2.0 * updates.free_W).all()


def test_centred_phases_take_the_time_of_both(tmp_path):
    one, two = (
        energy_of(
            load_trained(run(Regression(epochs=1, plots=False, quiet=True, phases=name), tmp_path / name)), HELD, 8
        )
        for name in ("positive", "centred")
    )
    assert two.updates.clamped_s == pytest.approx(2.0 * one.updates.clamped_s, rel=0.3)
    both_J = two.updates.clamped_W * two.updates.clamped_s
    assert both_J == pytest.approx(2.0 * one.updates.clamped_W * one.updates.clamped_s, rel=0.4)


def test_gates_of_earlier_epochs_and_prototypes(pruned, prototype):
    first, last = (energy_of(load_trained(pruned, epoch), HELD, 3) for epoch in ("1", "last"))
    assert first.network.topology.n_edges > last.network.topology.n_edges
    assert np.isfinite(energy_of(load_trained(prototype), HELD, 3).inference.costs.energy_J).all()


def test_ngspice_and_native_voltages_agree(runs, needs_ngspice):
    one, other = (energy_of(load_trained(runs["iris"], backend=name), HELD, 4) for name in ("native", "ngspice"))
    theirs = other.inference.costs
    np.testing.assert_allclose(one.inference.costs.power.total_W, theirs.power.total_W, rtol=1e-3)
    np.testing.assert_allclose(one.inference.costs.settling_s, theirs.settling_s, rtol=1e-3)


def test_a_card_that_native_does_not_model_is_named(runs):
    trained = load_trained(runs["iris"])
    card = dataclasses.replace(trained.card, model={**trained.card.model, "tox": 1e-7})
    with pytest.raises(InputError, match="does not model model parameter 'tox'"):
        energy_of(dataclasses.replace(trained, card=card), HELD, 1)
