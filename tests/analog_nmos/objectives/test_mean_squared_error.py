"""Mean squared error on one-hot aims, levels and values."""

import numpy as np
import pytest

from analog_nmos.objectives.cross_entropy import CrossEntropy
from analog_nmos.objectives.hinge import Hinge
from analog_nmos.objectives.mean_squared_error import MeanSquaredError
from analog_nmos.objectives.prototype import Prototype
from analog_nmos.objectives.settings import hyperparameters
from analog_nmos.readouts import Highest, NearestLevel, Readout, Value
from common.errors import InputError

SCORE_V = np.array([[0.1, 0.3], [0.2, 0.05]])


def rule(answer, delta=0.5, one_hot=0.5):
    return MeanSquaredError.of([{"delta": delta, "one_hot": one_hot}], Readout(answer))


def test_one_hot_aims():
    found = rule(Highest(2)).evaluate(SCORE_V, np.array([1, 1]))
    assert np.allclose(found.loss, [(0.1**2 + 0.2**2) / 2, (0.2**2 + 0.45**2) / 2])
    assert np.allclose(found.target_V, [[0.05, 0.4], [0.1, 0.275]])
    assert found.prediction.tolist() == [1, 0]
    assert found.active.all()
    assert found.clamped.all()


def test_levels():
    found = rule(NearestLevel((0.0, -0.087))).evaluate(np.array([[-0.01], [-0.06]]), np.array([1, 1]))
    assert found.prediction.tolist() == [0, 1]
    assert np.allclose(found.target_V, [[-0.0485], [-0.0735]])


def test_values_with_the_whole_way():
    target_V = np.array([[0.2, 0.1], [0.3, 0.0]])
    measured = rule(Value(("a", "b")), delta=1.0)
    found = measured.evaluate(SCORE_V, target_V)
    assert np.allclose(found.target_V, target_V)
    assert np.allclose(found.loss, [(0.1**2 + 0.2**2) / 2, (0.1**2 + 0.05**2) / 2])
    diagnostics = measured.diagnostics(SCORE_V, target_V)
    assert diagnostics["val_rmse_V"] == pytest.approx(np.sqrt(found.loss.mean()))
    assert diagnostics["val_error_max_V"] == pytest.approx(0.2)
    assert diagnostics["val_r2"] == pytest.approx(1 - 0.0625 / 0.01)
    assert measured.diagnostics(target_V, target_V)["val_r2"] == 1.0


def test_replicas_have_their_own_share_and_aim():
    settings = [{"delta": 0.1, "one_hot": 1.0}, {"delta": 1.0, "one_hot": 0.2}]
    both = MeanSquaredError.of(settings, Readout(Highest(2)))
    found = both.evaluate(SCORE_V, np.array([0, 0]))
    assert np.allclose(found.target_V, [[0.19, 0.27], [0.2, 0.0]])
    for row in (0, 1):
        one = both.replica(row).evaluate(SCORE_V[row : row + 1], np.array([0]))
        assert np.array_equal(one.target_V[0], found.target_V[row])


def test_half_and_whole_nudges():
    out_V, label = np.array([[0.2, 0.21]]), np.array([0])
    for nudge, moved_V in ((None, 0.05), (0.5, 0.05), (1.0, 0.1)):
        config = type("Config", (), {"margin": 0.1, "delta": 0.1, "nudge": nudge})()
        found = Hinge.of([hyperparameters(Hinge, config)], Readout(Highest(2))).evaluate(out_V, label)
        assert np.allclose(found.target_V - out_V, [[moved_V, -moved_V]])
    for nudge, share in ((None, 1.0), (0.5, 0.5)):
        config = type("Config", (), {"softmax_temp": 1.0, "delta": 0.1, "nudge": nudge})()
        found = CrossEntropy.of([hyperparameters(CrossEntropy, config)], Readout(Highest(2))).evaluate(out_V, label)
        p = 1 / (1 + np.exp(0.01))
        assert np.allclose(found.target_V - out_V, share * 0.1 * np.array([[1 - p, p - 1]]))


@pytest.mark.parametrize("kind", [Hinge, CrossEntropy, Prototype])
@pytest.mark.parametrize("answer", [NearestLevel((0.0, 0.1)), Value()])
def test_objectives_of_classes_do_not_train_for_levels_or_values(kind, answer):
    with pytest.raises(InputError, match="objective it needs a score for each class; mine has"):
        kind.check_answer("it", Readout(answer), "mine")
    MeanSquaredError.check_answer("it", Readout(answer), "mine")
    kind.check_answer("it", Readout(Highest(3), pairs=True), "mine")
