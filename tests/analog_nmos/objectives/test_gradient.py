"""Gradients of objectives: against central differences, and as the direction of the nudge."""

import numpy as np
import pytest

from analog_nmos.objectives.base import Objective, loss_gradient
from analog_nmos.objectives.cross_entropy import CrossEntropy
from analog_nmos.objectives.hinge import Hinge
from analog_nmos.objectives.mean_squared_error import MeanSquaredError
from analog_nmos.objectives.prototype import Prototype
from analog_nmos.readouts import Highest, NearestLevel, Value

B, S = 40, 4
DELTA = np.full(B, 0.1)


def prototypes():
    made = Prototype(np.full(1, 0.1), classes=S)
    made.recall(0, {"proto_in": np.zeros((S, 3)), "proto_out": np.random.default_rng(4).uniform(0, 0.3, (S, S))})
    return made


MADE = {
    "hinge": (Hinge(np.full(B, 0.1), DELTA), "class"),
    "cross-entropy": (CrossEntropy(DELTA, np.full(B, 0.05)), "class"),
    "mse": (MeanSquaredError(DELTA, answer=Highest(S)), "class"),
    "mse of values": (MeanSquaredError(DELTA, answer=Value(tuple("abcd"))), "values"),
    "prototype": (prototypes(), "class"),
}


def samples(answers):
    rng = np.random.default_rng(0)
    out_V = rng.uniform(0, 0.3, (B, S))
    return out_V, rng.uniform(0, 0.3, (B, S)) if answers == "values" else rng.integers(0, S, B)


@pytest.mark.parametrize("name", list(MADE))
def test_gradients_are_those_of_the_loss(name):
    objective, answers = MADE[name]
    out_V, label = samples(answers)
    found, differences = objective.gradient(out_V, label), Objective.gradient(objective, out_V, label)
    np.testing.assert_allclose(found, differences, rtol=1e-5, atol=1e-7)
    assert (found != 0).any()


@pytest.mark.parametrize("name", list(MADE))
def test_nudges_go_down_the_gradient(name):
    objective, answers = MADE[name]
    out_V, label = samples(answers)
    evaluation, slope = objective.evaluate(out_V, label), objective.gradient(out_V, label)
    nudge_V = evaluation.target_V - out_V
    share = -(nudge_V * slope).sum(axis=1) / (slope**2).sum(axis=1).clip(1e-300)
    np.testing.assert_allclose(nudge_V[evaluation.active], (-share[:, None] * slope)[evaluation.active], atol=1e-12)
    assert (share[evaluation.active] > 0).all()
    assert evaluation.active.any()


def test_the_gradient_of_levels_is_that_of_one_score():
    objective = MeanSquaredError(np.full(2, 0.5), answer=NearestLevel((0.0, -0.1)))
    slope = objective.gradient(np.array([[0.05], [0.05]]), np.array([0, 1]))
    np.testing.assert_allclose(slope, [[0.1], [0.3]])


def test_an_objective_of_ones_own_has_its_own_gradient():
    class Twice(Hinge):
        def evaluate(self, out_V, label):
            found = super().evaluate(out_V, label)
            return type(found)(2 * found.loss, found.prediction, found.active, found.target_V, found.clamped)

    out_V, label = samples("class")
    ours, twice = MADE["hinge"][0], Twice(np.full(B, 0.1), DELTA)
    np.testing.assert_allclose(loss_gradient(twice, out_V, label), 2 * loss_gradient(ours, out_V, label), atol=1e-7)
