"""Softmax cross-entropy: every sample nudges all outputs towards the one-hot answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from analog_nmos.objectives.base import Evaluation, FloatArray, IntArray, Measure, Split, highest


class CrossEntropy:
    """p = softmax(V / T), loss = -ln p[label]; all outputs are clamped to V + delta * (onehot - p)."""

    loss_name = "ce"
    loss_label = "cross-entropy (nat)"
    skips_samples = False

    def __init__(self, temperature_V: FloatArray, delta_V: FloatArray) -> None:
        """Both have shape (L,)."""
        self._temperature_V, self._delta_V = temperature_V, delta_V

    @classmethod
    def of(cls, configs: Sequence[Any]) -> Self:
        """From configurations with `softmax_temp` and `delta`."""
        return cls(np.array([c.softmax_temp for c in configs]), np.array([c.delta for c in configs]))

    def replica(self, replica: int) -> Self:
        """One replica's temperature and delta."""
        one = slice(replica, replica + 1)
        return type(self)(self._temperature_V[one], self._delta_V[one])

    def begin_epoch(self, epoch: int, replica: int, train: Split, measure: Measure) -> None:
        """Nothing to prepare."""

    def evaluate(self, out_V: FloatArray, label: IntArray) -> Evaluation:
        """See `Objective.evaluate`."""
        rows = np.arange(len(label))
        log_p = self._log_softmax(out_V)
        pull = -np.exp(log_p)
        pull[rows, label] += 1.0
        everything = np.ones(out_V.shape, bool)
        target_V = out_V + self._delta_V[:, None] * pull
        return Evaluation(-log_p[rows, label], highest(out_V), everything[:, 0], target_V, everything)

    def diagnostics(self, out_V: FloatArray, label: IntArray) -> dict[str, Any]:
        """The mean probability given to the right class."""
        return {"val_py_true_mean": float(np.exp(self._log_softmax(out_V)[np.arange(len(label)), label]).mean())}

    def epoch_arrays(self, replica: int) -> dict[str, FloatArray]:
        """None."""
        return {}

    def epoch_facts(self, replica: int) -> dict[str, dict[str, Any]]:
        """None."""
        return {}

    def recall(self, replica: int, arrays: Mapping[str, FloatArray]) -> None:
        """Nothing to recall."""

    def _log_softmax(self, out_V: FloatArray) -> FloatArray:
        logit = out_V / self._temperature_V[:, None]
        logit -= logit.max(axis=1, keepdims=True)
        log_p: FloatArray = logit - np.log(np.exp(logit).sum(axis=1, keepdims=True))
        return log_p
