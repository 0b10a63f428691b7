"""Hinge loss between the output of the label and the best other one; only these two are nudged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from analog_nmos.objectives.base import Evaluation, FloatArray, IntArray, Objective, SampleKernel, highest


@dataclass(eq=False)
class Hinge(Objective):
    """loss = max(0, margin - (Vy - Vr)), with r the best output besides the label y.

    A sample with zero loss is skipped. Else y is clamped to Vy + delta/2 and r to Vr - delta/2; the others stay free.
    margin and delta are in volts.
    """

    loss_name = "hinge"
    loss_label = "hinge loss (V)"
    skips_samples = True

    margin: FloatArray
    delta: FloatArray

    def evaluate(self, out_V: FloatArray, label: IntArray) -> Evaluation:
        """See `Objective.evaluate`."""
        rows, rival, gap_V = _gap(out_V, label)
        loss = np.maximum(0.0, self.margin - gap_V)
        target_V = out_V.copy()
        target_V[rows, label] += self.delta / 2
        target_V[rows, rival] -= self.delta / 2
        clamped = np.zeros(out_V.shape, bool)
        clamped[rows, label] = clamped[rows, rival] = True
        return Evaluation(loss, highest(out_V), loss > 0, target_V, clamped)

    def kernel(self) -> SampleKernel:
        """See `Objective.kernel`."""
        from analog_nmos.objectives.hinge_kernel import Settings, evaluate

        return SampleKernel(evaluate, list(map(Settings, self.margin.tolist(), self.delta.tolist())))

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
    """Row numbers, the best other output, and Vy - Vr in volts."""
    rows = np.arange(len(label))
    others = out_V.copy()
    others[rows, label] = -np.inf
    rival = highest(others)
    return rows, rival, out_V[rows, label] - out_V[rows, rival]
