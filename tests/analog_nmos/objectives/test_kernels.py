"""Compiled objectives against `evaluate`, sample by sample and bit for bit; NumPy's loops against NumPy."""

import numpy as np
import pytest

from analog_nmos.objectives import numpy_loops
from analog_nmos.objectives.cross_entropy import CrossEntropy
from analog_nmos.objectives.hinge import Hinge
from analog_nmos.objectives.mean_squared_error import MeanSquaredError
from analog_nmos.objectives.numpy_loops import apply, loop_of, pairwise_sum
from analog_nmos.objectives.prototype import Prototype
from analog_nmos.readouts import Highest, NearestLevel, Value


def rules(outputs, rng):
    yield Hinge(margin=rng.uniform(0, 0.3, 1), delta=rng.uniform(0.05, 0.5, 1))
    yield CrossEntropy(delta=rng.uniform(0.05, 0.5, 1), softmax_temp=rng.uniform(0.001, 2.0, 1))
    yield MeanSquaredError(rng.uniform(0.05, 1.0, 1), rng.uniform(0.2, 1.0, 1), answer=Highest(outputs))
    yield Prototype(rng.uniform(0.05, 0.5, 1), outputs)
    measured = Prototype(rng.uniform(0.05, 0.5, 1), outputs)
    proto_out = rng.uniform(0, 0.5, (outputs, outputs))
    measured.recall(0, {"proto_in": np.zeros((outputs, 3)), "proto_out": proto_out})
    yield measured


@pytest.mark.parametrize("outputs", [1, 2, 7, 8, 10, 17, 300])
def test_they_are_evaluate_to_the_last_bit(outputs):
    rng = np.random.default_rng(outputs)
    for _ in range(100):
        out_V, label = rng.uniform(0, 0.5, (1, outputs)), rng.integers(0, outputs, 1)
        if rng.random() < 0.3:  # ties within TIE_V
            out_V[0, rng.integers(0, outputs, 2)] = out_V.max() - rng.uniform(0, 2e-9, 2)
        for rule in rules(outputs, rng):
            assert_same(rule, out_V, label)


@pytest.mark.parametrize("values", [1, 3, 9])
def test_errors_of_levels_and_values_are_evaluate_to_the_last_bit(values):
    rng = np.random.default_rng(values)
    for _ in range(100):
        score_V, delta = rng.uniform(-0.2, 0.2, (1, values)), rng.uniform(0.05, 1.0, 1)
        of_values = MeanSquaredError(delta, answer=Value(tuple("abcdefghi"[:values])))
        assert_same(of_values, score_V, rng.uniform(-0.2, 0.2, (1, values)))
        levels_V = tuple(rng.choice([0.0, 0.1, -0.1, 0.05], 3, replace=False).tolist())
        middle_V = np.array([[0.5 * (levels_V[0] + levels_V[1])]])
        for near_V in (score_V[:, :1], middle_V):
            assert_same(MeanSquaredError(delta, answer=NearestLevel(levels_V)), near_V, rng.integers(0, 3, 1))


def assert_same(rule, score_V, label):
    kernel, before_V = rule.kernel(), score_V.copy()
    target_V, clamped = score_V[0].copy(), np.zeros(score_V.shape[1], bool)
    loss, prediction, active = kernel.evaluate(score_V[0], label[0], kernel.own[0], target_V, clamped)
    expected = rule.evaluate(score_V, label)
    assert loss == expected.loss[0], rule
    assert prediction == expected.prediction[0], rule
    assert active == expected.active[0], rule
    assert np.array_equal(target_V, expected.target_V[0]), rule
    assert np.array_equal(clamped, expected.clamped[0]), rule
    assert np.array_equal(score_V, before_V), rule


@pytest.mark.parametrize("ufunc", [np.exp, np.log])
@pytest.mark.parametrize("size", [1, 3, 8, 10, 100])
def test_numpys_loops_are_found(ufunc, size):
    x = np.random.default_rng(size).uniform(1e-3, 5.0, size)
    y = np.empty(size)
    apply(loop_of(ufunc), x, y)
    assert np.array_equal(y, ufunc(x))


def test_ufuncs_that_are_not_what_is_known_are_refused(monkeypatch):
    assert loop_of(np.add) is None  # two arguments

    class Shifted(numpy_loops.ctypes.Structure):
        _fields_ = (("more", numpy_loops.ctypes.c_int), *numpy_loops._UFunc._fields_)

    monkeypatch.setattr(numpy_loops, "_UFunc", Shifted)
    assert loop_of(np.exp) is None
    assert CrossEntropy(delta=np.ones(1), softmax_temp=np.ones(1)).kernel() is None


def test_sums_are_numpys():
    rng = np.random.default_rng(0)
    for size in (*range(1, 40), 127, 128, 129, 136, 255, 256, 257, 300, 1000, 1025, 5000):
        x = rng.normal(size=size)
        assert pairwise_sum(x) == x.sum(), size
        assert pairwise_sum(x) == x.reshape(1, -1).sum(axis=1)[0], size
