"""Prototypes: the scores that the circuit gives for each class's mean input are the targets of the class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass
from typing import Any, Self

import numpy as np

from analog_nmos.backends.base import Status
from analog_nmos.objectives.base import (
    Evaluation,
    FloatArray,
    IntArray,
    Measure,
    Objective,
    Readout,
    SampleKernel,
    Split,
    highest,
)

ONE_HOT_V = 0.5
PUBLISHED = {
    "epoch0": "validation without training",
    "epoch1": "all outputs clamped to a one-hot target",
    "epoch2plus": "all outputs nudged towards the prototype of the class",
    "onehot_hi_v": ONE_HOT_V,
}


@dataclass(eq=False)
class Prototype(Objective):
    """Mean squared error to the prototype of the label.

    Epoch 1 (and the validation before it): all scores are brought to a one-hot target (0.5 V for the label, 0 V
    else), and the prediction is the highest score. From epoch 2 on, proto_in[k] is the mean training input of class k
    and proto_out[k] the free scores for it at the start of the epoch; the prediction is the nearest proto_out (L2),
    and all scores are nudged to V + delta * (proto_out[label] - V).
    """

    loss_name = "mse"
    loss_label = "mean squared error (V²)"

    delta: FloatArray
    classes: InitVar[int] = 10

    def __post_init__(self, classes: int) -> None:
        replicas = self.delta.size
        self._classes, self._ready = classes, np.zeros(replicas, bool)
        self._proto_in_V: dict[int, FloatArray] = {}
        self._status: dict[int, IntArray] = {}  # of the operating points that gave the prototypes
        self._proto_out_V = np.tile(ONE_HOT_V * np.eye(classes), (replicas, 1, 1))  # (L, classes, scores)

    @classmethod
    def of(cls, settings: Sequence[Mapping[str, float]], readout: Readout) -> Self:
        """See `Objective.of`."""
        arrays = {name: np.array([values[name] for values in settings]) for name in settings[0]}
        return cls(**arrays, classes=readout.n_scores)

    def replica(self, row: int) -> Self:
        """One replica's delta and prototypes."""
        own = slice(row, row + 1)
        one = type(self)(self.delta[own], self._classes)
        one._ready, one._proto_out_V = self._ready[own], self._proto_out_V[own]
        return one

    def begin_epoch(self, epoch: int, row: int, train: Split, measure: Measure) -> None:
        """From epoch 2 on, measure the replica's prototypes; a class without samples gets none (NaN)."""
        if epoch < 2:
            return
        means = np.full((self._classes, train.x_V.shape[1]), np.nan)
        classes = np.unique(train.y)
        for k in classes:
            means[k] = train.x_V[train.y == k].mean(axis=0)
        out_V, status = measure(means)
        self._status[row] = status[classes]
        self.recall(row, {"proto_in": means, "proto_out": out_V})

    def evaluate(self, out_V: FloatArray, label: IntArray) -> Evaluation:
        """See `Objective.evaluate`."""
        rows = np.arange(len(label))
        replicas = rows if len(self.delta) > 1 else np.zeros_like(rows)
        aim_V = self._proto_out_V[replicas, label]
        square = ((out_V[:, None, :] - self._proto_out_V[replicas]) ** 2).sum(axis=2)
        nearest = np.where(np.isnan(square), np.inf, square).argmin(axis=1)
        ready = self._ready[replicas]
        target_V = np.where(ready[:, None], out_V + self.delta[replicas, None] * (aim_V - out_V), aim_V)
        everything = np.ones(out_V.shape, bool)
        loss = ((out_V - aim_V) ** 2).mean(axis=1)
        prediction = np.where(ready, nearest, highest(out_V))
        return Evaluation(loss, prediction, everything[:, 0], target_V, everything)

    def gradient(self, out_V: FloatArray, label: IntArray) -> FloatArray:
        """See `Objective.gradient`: 2 (V - prototype) / S."""
        replicas = np.arange(len(label)) if len(self.delta) > 1 else np.zeros(len(label), np.intp)
        slope: FloatArray = 2.0 / out_V.shape[1] * (out_V - self._proto_out_V[replicas, label])
        return slope

    def kernel(self) -> SampleKernel:
        """See `Objective.kernel`."""
        from analog_nmos.objectives.prototype_kernel import Settings, evaluate

        rows = zip(self.delta.tolist(), self._proto_out_V, self._ready.tolist(), strict=True)
        return SampleKernel(evaluate, [Settings(*row) for row in rows])

    def diagnostics(self, out_V: FloatArray, label: IntArray) -> dict[str, Any]:
        """How it was predicted and evaluated, and how many samples the error is the mean of."""
        return {"val_mode": "proto" if self._ready[0] else "onehot", "val_mse_count": float(len(label))}

    def epoch_arrays(self, row: int) -> dict[str, FloatArray]:
        """proto_in (classes, inputs) and proto_out (classes, scores), in volts, from epoch 2 on."""
        if not self._ready[row]:
            return {}
        return {"proto_in": self._proto_in_V[row].copy(), "proto_out": self._proto_out_V[row].copy()}

    def epoch_facts(self, row: int) -> dict[str, dict[str, Any]]:
        """How the prototypes were measured, and how far apart their outputs lie (L2, in volts), from epoch 2 on."""
        if not self._ready[row]:
            return {}
        outputs = self._proto_out_V[row]
        distance = np.sqrt(((outputs[:, None] - outputs[None]) ** 2).sum(axis=2))
        pairs = distance[np.triu_indices(self._classes, 1)]
        nearest = np.where(np.eye(self._classes, dtype=bool), np.inf, distance).min(axis=1)
        facts = {"distance_min_V": pairs.min(), "distance_mean_V": pairs.mean(), "nearest_by_class_V": nearest}
        without = np.isnan(outputs).any(axis=1).sum()
        solves = _solves(self._status[row]) if row in self._status else {}
        return {"proto_diag": {**solves, **facts, "classes_without_prototype": without}}

    def recall(self, row: int, arrays: Mapping[str, FloatArray]) -> None:
        """Restore what `epoch_arrays` returned."""
        if "proto_out" in arrays:
            self._proto_in_V[row] = arrays["proto_in"]
            self._proto_out_V[row] = arrays["proto_out"]
            self._ready[row] = True

    @classmethod
    def run_facts(cls, saved: str) -> dict[str, Any]:
        """What each epoch does."""
        return dict(PUBLISHED)

    @classmethod
    def summary_facts(cls, epoch: int) -> dict[str, Any]:
        """How the epoch has trained."""
        return {"mode": "onehot" if epoch < 2 else "proto"}


def _solves(status: IntArray) -> dict[str, float]:
    """How many operating points of the prototypes were found, did not converge, and were not finite."""
    found, infinite = (float((status == kind).sum()) for kind in (Status.CONVERGED, Status.NOT_FINITE))
    return {"proto_ok": found, "proto_reloads": status.size - found - infinite, "proto_nonfinite": infinite}
