"""Hinge loss between the output of the label and the best other one; only these two are nudged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from analog_nmos.objectives.base import Evaluation, FloatArray, IntArray, Measure, Split, highest


class Hinge:
    """loss = max(0, margin - (Vy - Vr)), with r the best output besides the label y.

    A sample with zero loss is skipped. Else y is clamped to Vy + delta/2 and r to Vr - delta/2; the others stay free.
    """

    loss_name = "hinge"
    loss_label = "hinge loss (V)"
    skips_samples = True

    def __init__(self, margin_V: FloatArray, delta_V: FloatArray) -> None:
        """margin_V and delta_V have shape (L,)."""
        self._margin_V, self._half_delta_V = margin_V, delta_V / 2

    @classmethod
    def of(cls, configs: Sequence[Any]) -> Self:
        """From configurations with `margin` and `delta`."""
        return cls(np.array([config.margin for config in configs]), np.array([config.delta for config in configs]))

    def replica(self, replica: int) -> Self:
        """One replica's margin and delta."""
        one = slice(replica, replica + 1)
        return type(self)(self._margin_V[one], 2 * self._half_delta_V[one])

    def begin_epoch(self, epoch: int, replica: int, train: Split, measure: Measure) -> None:
        """Nothing to prepare."""

    def evaluate(self, out_V: FloatArray, label: IntArray) -> Evaluation:
        """See `Objective.evaluate`."""
        rows, rival, gap_V = _gap(out_V, label)
        loss = np.maximum(0.0, self._margin_V - gap_V)
        target_V = out_V.copy()
        target_V[rows, label] += self._half_delta_V
        target_V[rows, rival] -= self._half_delta_V
        clamped = np.zeros(out_V.shape, bool)
        clamped[rows, label] = clamped[rows, rival] = True
        return Evaluation(loss, highest(out_V), loss > 0, target_V, clamped)

    def diagnostics(self, out_V: FloatArray, label: IntArray) -> dict[str, Any]:
        """The gap Vy - Vr in volts, the share of samples whose gap reaches the margin, and the mean loss."""
        gap_V = _gap(out_V, label)[2]
        return {
            "test_gap_mean": float(gap_V.mean()),
            "test_gap_median": float(np.median(gap_V)),
            "test_gap_std": float(gap_V.std()),
            "test_satisfy_frac": float((gap_V >= self._margin_V).mean()),
            "test_hinge_mean": float(np.maximum(0.0, self._margin_V - gap_V).mean()),
        }

    def epoch_arrays(self, replica: int) -> dict[str, FloatArray]:
        """None."""
        return {}

    def epoch_facts(self, replica: int) -> dict[str, dict[str, Any]]:
        """None."""
        return {}

    def recall(self, replica: int, arrays: Mapping[str, FloatArray]) -> None:
        """Nothing to recall."""


def _gap(out_V: FloatArray, label: IntArray) -> tuple[IntArray, IntArray, FloatArray]:
    """Row numbers, the best other output, and Vy - Vr in volts."""
    rows = np.arange(len(label))
    others = out_V.copy()
    others[rows, label] = -np.inf
    rival = highest(others)
    return rows, rival, out_V[rows, label] - out_V[rows, rival]
