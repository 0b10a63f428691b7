"""The prototype objective: one-hot in epoch 1, measured prototypes afterwards."""

import numpy as np

from analog_nmos.backends.base import Status
from analog_nmos.digits.data import Split
from analog_nmos.objectives.prototype import Prototype

TRAIN = Split(np.array([[0.0, 1.0], [0.2, 0.8], [1.0, 0.0], [0.5, 0.5]]), np.array([0, 0, 1, 1]))


def linear(input_V):
    """A circuit whose three outputs are a linear map of its two inputs."""
    status = np.where(np.isfinite(input_V).all(axis=1), Status.CONVERGED, Status.NOT_FINITE)
    return input_V @ np.array([[0.1, 0.2, 0.3], [0.4, 0.1, 0.0]]), status


def ready(delta=0.3):
    rule = Prototype(np.array([delta]), classes=3)
    rule.begin_epoch(2, 0, TRAIN, linear)
    return rule


def test_epoch_one_clamps_to_one_hot_and_predicts_the_highest():
    rule = Prototype(np.array([0.3]), classes=3)
    rule.begin_epoch(1, 0, TRAIN, linear)
    out_V = np.array([[0.2, 0.3, 0.1], [0.3, 0.2, 0.1]])
    view = rule.evaluate(out_V, np.array([0, 0]))
    assert np.array_equal(view.target_V, [[0.5, 0, 0], [0.5, 0, 0]])
    assert view.prediction.tolist() == [1, 0]
    assert np.allclose(view.loss, [(0.09 + 0.09 + 0.01) / 3, (0.04 + 0.04 + 0.01) / 3])
    assert view.clamped.all()
    assert rule.epoch_arrays(0) == {}
    assert rule.epoch_facts(0) == {}


def test_prototypes_are_outputs_for_the_mean_input():
    rule = ready()
    arrays = rule.epoch_arrays(0)
    assert np.allclose(arrays["proto_in"][:2], [[0.1, 0.9], [0.75, 0.25]])
    assert np.allclose(arrays["proto_out"][:2], linear(np.array([[0.1, 0.9], [0.75, 0.25]]))[0])
    assert np.isnan(arrays["proto_in"][2]).all()


def test_from_epoch_two_the_nearest_prototype_is_predicted_and_approached():
    rule = ready(delta=0.25)
    proto = rule.epoch_arrays(0)["proto_out"]
    out_V = np.array([proto[1] + 0.01, proto[0] - 0.01, proto[1]])
    label = np.array([0, 0, 1])
    view = rule.evaluate(out_V, label)
    assert view.prediction.tolist() == [1, 0, 1]
    assert np.allclose(view.target_V, out_V + 0.25 * (proto[label] - out_V))
    assert np.allclose(view.loss, ((out_V - proto[label]) ** 2).mean(1))


def test_a_class_without_samples_is_never_predicted():
    rule = ready()
    assert 2 not in rule.evaluate(np.random.default_rng(0).uniform(0, 1, (50, 3)), np.zeros(50, int)).prediction
    facts = rule.epoch_facts(0)["proto_diag"]
    assert facts["classes_without_prototype"] == 1
    assert [facts[f"proto_{name}"] for name in ("ok", "reloads", "nonfinite")] == [2.0, 0.0, 0.0]


def test_facts_are_distances():
    rule = Prototype(np.array([0.3]), classes=2)
    rule.recall(0, {"proto_in": np.zeros((2, 2)), "proto_out": np.array([[0.0, 0.0], [0.3, 0.4]])})
    facts = rule.epoch_facts(0)["proto_diag"]
    assert np.isclose(facts["distance_min_V"], 0.5)
    assert np.allclose(facts["nearest_by_class_V"], [0.5, 0.5])


def test_replicas_keep_their_own_prototypes_and_recall_copies():
    rule = Prototype(np.array([0.3, 0.6]), classes=3)
    rule.begin_epoch(2, 1, TRAIN, linear)
    out_V, label = np.array([[0.2, 0.3, 0.1]] * 2), np.array([0, 0])
    both = rule.evaluate(out_V, label)
    assert np.array_equal(both.target_V[0], [0.5, 0, 0])
    for row in (0, 1):
        one = rule.replica(row).evaluate(out_V[:1], label[:1])
        assert np.array_equal(one.target_V[0], both.target_V[row])
        assert one.prediction[0] == both.prediction[row]
    kept = rule.epoch_arrays(1)
    rule.recall(1, {"proto_in": np.zeros((3, 2)), "proto_out": np.zeros((3, 3))})
    assert kept["proto_out"][0].any()
