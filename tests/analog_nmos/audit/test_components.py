"""Components against published cosines, an analytic case, finite differences, and the training that they describe."""

import dataclasses

import numpy as np
import pytest

from analog_nmos.audit import components
from analog_nmos.audit.components import COMPONENTS
from analog_nmos.audit.measures import cosine, length
from analog_nmos.audit.table import ALL, lines_of
from analog_nmos.data.split import Split
from analog_nmos.deployment.trained import at_epoch, load_trained
from analog_nmos.training.copies import SINKS, Copies
from analog_nmos.training.epoch import train_epoch


def cosines(found, rule, component):
    return cosine(found.taken[rule].update[component], found.gradient)


def lines(found, component, name):
    return {line.sample: getattr(line, name) for line in lines_of(found) if line.component == component}


@pytest.mark.parametrize(
    ("run", "rule", "expected"),
    [
        ("high", "squared-drop", [0.991, 0.986, 0.988, 0.990]),
        ("high", "device-aware", [0.991, 0.986, 0.988, 0.990]),
        ("xor", "squared-drop", [0.887, 0.509, 0.592, 0.618]),
        ("xor", "device-aware", [0.962, 0.848, 0.799, 0.564]),
    ],
)
def test_cosines_of_the_exclusive_or_that_finite_differences_gave(runs, audit, run, rule, expected):
    """Outputs held exactly; samples in the order of the truth table. 1 ohm changes four of these by 1 in the last."""
    np.testing.assert_array_equal(cosines(audit(runs[run], rules=(rule,)), rule, "rule").round(3), expected)


def test_a_torus_of_resistors_is_the_case_of_theory(runs, audit):
    """Injection gives the gradient whatever the quantity, and its length; clamping two outputs weights their errors."""
    found = audit(runs["resistors"])
    shares = {line[-3:] for line in lines_of(found)}
    assert shares == {(0.0, 1.0, 0.0)}
    clamped = np.array([cosines(found, "run", name) for name in ("rule", "small nudge")])
    assert clamped.max() < 0.99
    np.testing.assert_allclose(clamped[0], clamped[1], atol=1e-4)
    for name in ("injected", "co-content"):
        np.testing.assert_allclose(cosines(found, "run", name), 1.0, atol=1e-6)
        np.testing.assert_allclose(list(lines(found, name, "ratio").values()), 1.0, atol=5e-3)


def test_one_output_that_is_held_is_injected_into(runs, audit):
    """Then both are the same direction, and of the same length for the same drop of the loss."""
    found = audit(runs["one_output"])
    for name, tolerance in (("cosine", 2e-5), ("ratio", 2e-3)):
        kinds = ("rule", "small nudge", "injected")
        held, small, injected = (np.array(list(lines(found, which, name).values())[:-1]) for which in kinds)
        np.testing.assert_allclose(held, injected, rtol=tolerance)
        np.testing.assert_allclose(small, injected, rtol=tolerance)
        np.testing.assert_allclose(held, 1.0, atol=0.06)  # it is no resistor up to 0.45 V, quite


def test_p_channel_transistors_are_moved_the_right_way(runs, audit):
    for name in COMPONENTS:
        assert cosines(audit(runs["pmos"], epoch=1, samples=6), "run", name).min() > 0.8


def test_a_small_nudge_is_small_enough(runs, audit, monkeypatch):
    for run in ("xor", "high", "on_chip", "centred"):
        whole = cosines(audit(runs[run]), "run", "small nudge")
        with monkeypatch.context() as halved:
            halved.setattr(components, "SMALL", components.SMALL / 2)
            half = cosines(audit(runs[run]), "run", "small nudge")
        assert not np.array_equal(half, whole)
        np.testing.assert_allclose(half, whole, rtol=0, atol=1e-6)


def test_an_injection_is_small_enough(runs, audit, monkeypatch):
    for run in ("xor", "on_chip"):
        whole = [cosines(audit(runs[run]), "run", name) for name in ("injected", "co-content")]
        with monkeypatch.context() as halved:
            halved.setattr(components, "MOVE_V", components.MOVE_V / 2)
            halved.setattr(components, "TRIAL_A", components.TRIAL_A / 2)
            half = [cosines(audit(runs[run]), "run", name) for name in ("injected", "co-content")]
        np.testing.assert_allclose(half[0], whole[0], rtol=0, atol=1e-6)
        np.testing.assert_allclose(half[1], whole[1], rtol=0, atol=1e-4)  # the integral has an error of its own


@pytest.mark.parametrize("run", ["xor", "on_chip", "iris", "pmos"])
def test_the_gradient_is_that_of_the_loss(runs, audit, loss, run):
    found = audit(runs[run], epoch=1, samples=6)  # after 0, as iris begins with equal scores
    value, gate_V = loss(runs[run], 1, found.sample)
    for edge in range(0, gate_V.size, 5):
        step_V = np.zeros(gate_V.size)
        step_V[edge] = 1e-4
        slope = (value(gate_V + step_V) - value(gate_V - step_V)) / 2e-4
        np.testing.assert_allclose(found.gradient[:, edge], -slope, atol=1e-5 * length(found.gradient).max())


TRAINED = ("xor", "clamped", "loaded", "negative", "centred", "on_chip", "adjoint", "iris", "pmos")


@pytest.mark.parametrize("run", TRAINED)
def test_the_first_component_is_what_training_does(runs, audit, run):
    """One sample alone is trained by the Python loop, whose solver ends at 1e-7 V and the audit's at 1e-13 V."""
    trained = at_epoch(load_trained(runs[run], "last"), 1)
    found = audit(runs[run], epoch=1, samples=8)
    config, data = dataclasses.replace(trained.config, epochs=1), trained.replica.data
    for row, sample in enumerate(found.sample[:3]):
        one = [sample, sample + 1]
        train = Split(data.train.x_V[one[:1]], data.train.y[one[:1]])
        replica = dataclasses.replace(trained.replica, config=config, data=dataclasses.replace(data, train=train))
        replica.take(trained.gates.gate_V, trained.gates.edge_uid)
        replica.memory = {}
        copies = Copies.of([replica], trained.card)
        copies.restore(0, {name: array for name, array in trained.state.items() if name.endswith(SINKS)})
        train_epoch([replica], np.ones(1, bool), copies, trained.objective(), lambda samples: None)
        update = (replica.gate_V - trained.gates.gate_V) / config.gamma
        expected = found.taken["run"].update["rule"][row]
        np.testing.assert_allclose(update, expected, atol=1e-6)
        assert np.abs(expected).max() > 1e-4


def test_a_run_by_the_exact_gradient_has_nothing_to_take_apart(runs, audit):
    found = audit(runs["adjoint"])
    assert list(found.taken["run"].update) == ["rule", "adjoint"]
    assert set(lines(found, "rule", "sign_agreement").values()) == {1.0}
    for name in ("cosine", "ratio"):
        np.testing.assert_allclose(list(lines(found, "rule", name).values()), 1.0, rtol=1e-9)


def test_each_component_stands_on_the_one_before(runs, audit):
    """At seed 3 the quantity is what costs most; the exact one leaves what is not reciprocal."""
    found = audit(runs["xor"])
    mean = {name: cosines(found, "run", name).mean() for name in COMPONENTS}
    assert mean["rule"] < mean["small nudge"] < mean["injected"] < mean["co-content"] < mean["adjoint"]
    np.testing.assert_allclose(cosines(found, "run", "adjoint"), 1.0, rtol=1e-12)
    assert mean["co-content"] > 0.98
    assert lines(found, "adjoint", "ratio")[ALL] == pytest.approx(1.0)


def test_two_circuits_cost_what_their_transistors_differ_by(runs, audit):
    plain, chip = audit(runs["clamped"]), audit(runs["on_chip"])
    offset = cosines(chip, "run", "rule").mean(), cosines(plain, "run", "rule").mean()
    assert offset[0] < offset[1] - 0.05
    assert cosines(chip, "run", "co-content").min() > 0.9


def test_chips_in_ngspice_have_the_gradient_of_their_first_circuit(runs, audit, needs_ngspice):
    native, ngspice = (audit(runs["on_chip"], backend=name) for name in ("native", "ngspice"))
    np.testing.assert_allclose(ngspice.gradient, native.gradient, rtol=1e-6, atol=1e-9 * length(native.gradient).max())
    for name in COMPONENTS:
        np.testing.assert_allclose(cosines(ngspice, "run", name), cosines(native, "run", name), atol=2e-5)
