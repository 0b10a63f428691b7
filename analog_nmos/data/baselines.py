"""What plain classifiers reach on the same samples, and the confidence interval of an accuracy."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

from analog_nmos.data.split import Data


@dataclass(frozen=True)
class Baseline:
    """A classifier of scikit-learn with its accuracy on the test part."""

    name: str
    test_acc: float


def baselines(data: Data) -> list[Baseline]:
    """Logistic regression and a support vector machine with a Gaussian kernel, trained on the same part and scaling.

    Both with scikit-learn's default settings (C = 1); the regression may iterate until it converges.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import SVC

    models = {
        "logistic regression": LogisticRegression(max_iter=10_000),
        "RBF support vector machine": SVC(kernel="rbf", gamma="scale"),
    }
    found = []
    for name, model in models.items():
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # one that has not converged would be no fair baseline
            model.fit(data.train.x_V, data.train.y)
        found.append(Baseline(name, float(model.score(data.test.x_V, data.test.y))))
    return found


def wilson_interval(accuracy: float, samples: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of an accuracy measured on `samples` samples.

    Source: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209.
    """
    from scipy.stats import binomtest

    interval = binomtest(round(accuracy * samples), samples).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)
