"""Plain models on the training part of a run, and on nothing else."""

import importlib

import numpy as np
import pytest

from analog_nmos.data.baselines import baselines
from analog_nmos.data.split import Data, Split
from analog_nmos.digits.data import load_digits
from analog_nmos.readouts import Readout, Value
from analog_nmos.tasks.regression import Regression
from analog_nmos.tasks.xor import Xor


def scores(data):
    return {one.name: one.score for one in baselines(data)}


def test_classifiers_on_the_published_split():
    # Pinned to a sample, since tables quote them.
    assert scores(load_digits(1, 0.0, 1.0)) == {
        "logistic regression": pytest.approx(350 / 360, abs=0.5 / 360),
        "RBF SVM": pytest.approx(357 / 360, abs=0.5 / 360),
    }


def test_classifiers_on_the_truth_table_that_they_were_trained_on():
    found = scores(Xor(seed=1).load())
    assert found == {"logistic regression": 0.5, "RBF SVM": 1.0}  # a plane cannot part exclusive or


def values(x_V, target_V, test=None):
    train = Split(x_V, target_V)
    other = Split(*test) if test else train
    return Data(train, other, other, (), "values", read=Readout(Value(tuple(map(str, range(target_V.shape[1]))))))


def test_a_plane_is_what_ridge_regression_finds():
    x_V = np.random.default_rng(0).uniform(0, 0.45, (60, 3))
    target_V = x_V @ [[0.1, -0.3], [0.0, 0.2], [0.4, 0.1]] + 0.2
    found = scores(values(x_V[:40], target_V[:40], (x_V[40:], target_V[40:])))
    assert found["ridge regression"] < 1e-6
    assert found["RBF kernel ridge"] < 0.1 * target_V.std()


def test_a_curve_is_what_kernels_find():
    x_V = np.random.default_rng(0).uniform(0, 0.45, (80, 1))
    target_V = 0.2 + 0.05 * np.sin(20 * x_V)
    found = scores(values(x_V[:50], target_V[:50], (x_V[50:], target_V[50:])))
    assert found["ridge regression"] > 0.02
    assert found["RBF kernel ridge"] < 0.002


def test_the_points_of_the_published_regression():
    data = Regression(seed=1).load()
    x, y = data.train.x_V[:, 0], data.train.y[:, 0]
    line = np.polynomial.Polynomial.fit(x, y, 1)
    found = scores(data)
    assert found["ridge regression"] == pytest.approx(np.sqrt(np.mean((line(x) - y) ** 2)), rel=0.02)
    assert found["RBF kernel ridge"] < found["ridge regression"]


FEW, MANY = (np.random.default_rng(0).uniform(size=(samples, 2)) for samples in (12, 50))


@pytest.mark.parametrize(
    ("data", "models"),
    [
        (values(FEW, FEW[:, :1], (MANY, MANY[:, :1])), ("linear_model.RidgeCV", "kernel_ridge.KernelRidge")),
        (load_digits(1, 0.0, 1.0, train_limit=60), ("linear_model.LogisticRegression", "svm.SVC")),
    ],
)
def test_models_see_the_training_part_alone(data, models, monkeypatch):
    seen = []
    for name in models:
        module, _, kind = name.rpartition(".")
        fit = getattr(importlib.import_module(f"sklearn.{module}"), kind).fit

        def watched(self, x, *rest, _fit=fit, **named):
            seen.append(len(x))
            return _fit(self, x, *rest, **named)

        monkeypatch.setattr(f"sklearn.{name}.fit", watched)
    baselines(data)
    assert seen.count(len(data.train.y)) == 2  # parts of it in the cross-validation
    assert max(seen) == len(data.train.y)
