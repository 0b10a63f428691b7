"""Cross-entropy against scipy's softmax and against its own gradient."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from analog_nmos.objectives.cross_entropy import CrossEntropy


@pytest.mark.parametrize("temperature_V", [0.0005, 0.05, 1.0])
def test_against_scipy(temperature_V):
    rng = np.random.default_rng(0)
    out_V, label = rng.uniform(0, 0.6, (20, 10)), rng.integers(0, 10, 20)
    view = CrossEntropy(softmax_temp=np.array([temperature_V]), delta=np.array([0.25])).evaluate(out_V, label)
    p = softmax(out_V / temperature_V, axis=1)
    assert np.allclose(view.loss, -log_softmax(out_V / temperature_V, axis=1)[np.arange(20), label], atol=1e-12)
    assert np.allclose(view.target_V, out_V + 0.25 * (np.eye(10)[label] - p), atol=1e-13)
    assert view.clamped.all()
    assert view.active.all()
    assert np.array_equal(view.prediction, out_V.argmax(1))


def test_the_nudge_is_the_loss_gradient_downhill():
    rng = np.random.default_rng(1)
    out_V, label, T = rng.uniform(0, 0.6, (1, 5)), np.array([2]), 0.1
    rule = CrossEntropy(softmax_temp=np.array([T]), delta=np.array([0.3]))
    nudge = rule.evaluate(out_V, label).target_V - out_V
    for k in range(5):
        step = np.zeros((1, 5))
        step[0, k] = 1e-6
        slope = (rule.evaluate(out_V + step, label).loss - rule.evaluate(out_V - step, label).loss)[0] / 2e-6
        assert np.isclose(nudge[0, k], -0.3 * T * slope, atol=1e-8)


def test_replicas_have_their_own_temperature():
    out_V, label = np.array([[0.1, 0.2], [0.1, 0.2]]), np.array([0, 0])
    rule = CrossEntropy(softmax_temp=np.array([0.1, 0.01]), delta=np.array([0.25, 0.5]))
    both = rule.evaluate(out_V, label)
    for row in (0, 1):
        one = rule.replica(row).evaluate(out_V[:1], label[:1])
        assert np.array_equal(one.loss, both.loss[row : row + 1])
        assert np.array_equal(one.target_V, both.target_V[row : row + 1])


def test_diagnostics():
    rule = CrossEntropy(softmax_temp=np.array([0.1]), delta=np.array([0.25]))
    out_V = np.array([[0.1, 0.1], [0.0, 0.1]])
    expected = (0.5 + 1 / (1 + np.exp(-1))) / 2
    assert rule.diagnostics(out_V, np.array([0, 1])) == {"val_py_true_mean": pytest.approx(expected)}
