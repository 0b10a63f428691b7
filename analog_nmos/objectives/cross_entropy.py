"""Softmax cross-entropy: every sample nudges all scores towards the one-hot answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from analog_nmos.objectives.base import Evaluation, FloatArray, IntArray, Objective, SampleKernel, highest
from common.cli import option


@dataclass(eq=False)
class CrossEntropy(Objective):
    """p = softmax(V / T), loss = -ln p[label]; all scores are nudged to V + nudge * delta * (onehot - p).

    softmax_temp (T) and delta are in volts.
    """

    loss_name = "ce"
    loss_label = "cross-entropy (nat)"
    published: ClassVar = {"loss": "cross_entropy"}

    delta: FloatArray
    softmax_temp: FloatArray = option(1.0, "temperature T of softmax(V / T)", unit="V", above=0.0)
    nudge: FloatArray = option(1.0, "share of delta by which a score is nudged at most", above=0.0)

    def evaluate(self, out_V: FloatArray, label: IntArray) -> Evaluation:
        """See `Objective.evaluate`."""
        rows = np.arange(len(label))
        log_p = self._log_softmax(out_V)
        pull = -np.exp(log_p)
        pull[rows, label] += 1.0
        everything = np.ones(out_V.shape, bool)
        target_V = out_V + (self.nudge * self.delta)[:, None] * pull
        return Evaluation(-log_p[rows, label], highest(out_V), everything[:, 0], target_V, everything)

    def gradient(self, out_V: FloatArray, label: IntArray) -> FloatArray:
        """See `Objective.gradient`: (p - onehot) / T."""
        slope: FloatArray = np.exp(self._log_softmax(out_V))
        slope[np.arange(len(label)), label] -= 1.0
        slope /= self.softmax_temp[:, None]
        return slope

    def kernel(self) -> SampleKernel | None:
        """See `Objective.kernel`; None if the exp and log of this NumPy are not found."""
        from analog_nmos.objectives.cross_entropy_kernel import Settings, evaluate
        from analog_nmos.objectives.numpy_loops import loop_of

        exp, log = loop_of(np.exp), loop_of(np.log)
        if exp is None or log is None:
            return None
        pairs = zip((self.nudge * self.delta).tolist(), self.softmax_temp.tolist(), strict=True)
        return SampleKernel(evaluate, [Settings(nudge, temperature, exp, log) for nudge, temperature in pairs])

    def diagnostics(self, out_V: FloatArray, label: IntArray) -> dict[str, Any]:
        """The mean probability given to the right class."""
        return {"val_py_true_mean": float(np.exp(self._log_softmax(out_V)[np.arange(len(label)), label]).mean())}

    def _log_softmax(self, out_V: FloatArray) -> FloatArray:
        logit = out_V / self.softmax_temp[:, None]
        logit -= logit.max(axis=1, keepdims=True)
        log_p: FloatArray = logit - np.log(np.exp(logit).sum(axis=1, keepdims=True))
        return log_p
