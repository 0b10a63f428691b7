"""What plain classifiers or regressors reach on the same samples."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from analog_nmos.data.split import Data

FOLDS = 5
RIDGES = np.logspace(-6, 3, 10)
KERNEL_RIDGES, WIDTHS = np.logspace(-6, 0, 7), np.logspace(-2, 1, 7)


@dataclass(frozen=True)
class Baseline:
    """A model of scikit-learn, and what it reaches on the test part.

    Attributes:
        name: of the model.
        score: its accuracy; where answers are values, its root mean square error in volts.
    """

    name: str
    score: float


CLASSIFIERS = ("logistic regression", "RBF SVM")
REGRESSORS = ("ridge regression", "RBF kernel ridge")


def baselines(data: Data) -> list[Baseline]:
    """CLASSIFIERS or REGRESSORS, trained on the training part alone, as a network is, with the same scaling.

    The classifiers have scikit-learn's default settings (C = 1); logistic regression may iterate until it converges.
    For the regressors, whose right settings depend on the data, features and targets are standardised, and strength
    and width are chosen by cross-validation within the training part.
    """
    classes = data.readout.answer.classes
    names, models = (CLASSIFIERS, _classifiers()) if classes else (REGRESSORS, _regressors(*data.train.x_V.shape))
    found = []
    for name, model in zip(names, models, strict=True):
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # one that has not converged would be no fair baseline
            model.fit(data.train.x_V, data.train.y)
        found.append(Baseline(name, float(model.score(data.test.x_V, data.test.y) if classes else _rmse(model, data))))
    return found


def _classifiers() -> list[Any]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import SVC

    return [LogisticRegression(max_iter=10_000), SVC(kernel="rbf", gamma="scale")]


def _regressors(samples: int, features: int) -> list[Any]:
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.kernel_ridge import KernelRidge
    from sklearn.linear_model import RidgeCV
    from sklearn.model_selection import GridSearchCV, KFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    folds = KFold(min(FOLDS, samples), shuffle=True, random_state=0)
    grid = {"alpha": KERNEL_RIDGES, "gamma": WIDTHS / features}
    kernel = GridSearchCV(KernelRidge(kernel="rbf"), grid, cv=folds, scoring="neg_mean_squared_error")
    return [
        TransformedTargetRegressor(make_pipeline(StandardScaler(), model), transformer=StandardScaler())
        for model in (RidgeCV(RIDGES), kernel)
    ]


def _rmse(model: Any, data: Data) -> float:
    errors = model.predict(data.test.x_V).reshape(data.test.y.shape) - data.test.y
    return float(np.sqrt((errors**2).mean()))
