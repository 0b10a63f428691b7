"""Hinge loss between the score of the label and the best other one; only these two are nudged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from analog_nmos.objectives.base import Evaluation, FloatArray, IntArray, Objective, SampleKernel, highest
from common.cli import option


@dataclass(eq=False)
class Hinge(Objective):
    """loss = max(0, margin - (Vy - Vr)), with r the best score besides the label y.

    A sample with zero loss is skipped. Else y is nudged to Vy + nudge * delta and r to Vr - nudge * delta; the others
    stay free. margin and delta are in volts.
    """

    loss_name = "hinge"
    loss_label = "hinge loss (V)"
    skips_samples = True

    margin: FloatArray
    delta: FloatArray
    nudge: FloatArray = option(0.5, "share of delta by which a score is nudged", above=0.0)

    def evaluate(self, out_V: FloatArray, label: IntArray) -> Evaluation:
        """See `Objective.evaluate`."""
        rows, rival, gap_V = _gap(out_V, label)
        loss = np.maximum(0.0, self.margin - gap_V)
        target_V = out_V.copy()
        target_V[rows, label] += self.nudge * self.delta
        target_V[rows, rival] -= self.nudge * self.delta
        clamped = np.zeros(out_V.shape, bool)
        clamped[rows, label] = clamped[rows, rival] = True
        return Evaluation(loss, highest(out_V), loss > 0, target_V, clamped)

    def gradient(self, out_V: FloatArray, label: IntArray) -> FloatArray:
        """See `Objective.gradient`; 0 of samples that are skipped."""
        rows, rival, gap_V = _gap(out_V, label)
        slope, trains = np.zeros(out_V.shape), np.where(self.margin - gap_V > 0.0, 1.0, 0.0)
        slope[rows, label], slope[rows, rival] = -trains, trains
        return slope

    def kernel(self) -> SampleKernel:
        """See `Objective.kernel`."""
        from analog_nmos.objectives.hinge_kernel import Settings, evaluate

        return SampleKernel(evaluate, list(map(Settings, self.margin.tolist(), (self.nudge * self.delta).tolist())))

    def diagnostics(self, out_V: FloatArray, label: IntArray) -> dict[str, Any]:
        """The gap Vy - Vr in volts, the share of samples whose gap reaches the margin, and the mean loss."""
        gap_V = _gap(out_V, label)[2]
        return {
            "test_gap_mean": float(gap_V.mean()),
            "test_gap_median": float(np.median(gap_V)),
            "test_gap_std": float(gap_V.std()),
            "test_satisfy_frac": float((gap_V >= self.margin).mean()),
            "test_hinge_mean": float(np.maximum(0.0, self.margin - gap_V).mean()),
        }


def _gap(out_V: FloatArray, label: IntArray) -> tuple[IntArray, IntArray, FloatArray]:
    """Row numbers, the best other score, and Vy - Vr in volts."""
    rows = np.arange(len(label))
    others = out_V.copy()
    others[rows, label] = -np.inf
    rival = highest(others)
    return rows, rival, out_V[rows, label] - out_V[rows, rival]
