"""Mean squared error: every sample nudges all scores a share of the way to where they should be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from analog_nmos.objectives.base import Evaluation, FloatArray, Objective, Readout, SampleKernel
from analog_nmos.readouts import Answer, Highest, NearestLevel, Value
from common.cli import option

TEN_CLASSES = Highest(10)  # as in the published programs


@dataclass(eq=False)
class MeanSquaredError(Objective):
    """loss = mean over scores of (V - aim)^2; all scores are nudged to V + delta * (aim - V).

    Aims are a sample's values, the level of its class, or one-hot: `one_hot` volts for its class and 0 V for the
    others. With delta 1 scores are brought to their aims; delta is what others call eta.
    """

    loss_name = "mse"
    loss_label = "mean squared error (V²)"
    answers = (Highest, NearestLevel, Value)

    delta: FloatArray
    one_hot: FloatArray = option(1.0, "aim of the score of the right class; the others aim at 0", unit="V")
    answer: InitVar[Answer] = TEN_CLASSES

    def __post_init__(self, answer: Answer) -> None:
        self._answer, self.one_hot = answer, np.broadcast_to(self.one_hot, self.delta.shape)
        self._aims_V = np.array([answer.aims_V(one_hot_V) for one_hot_V in self.one_hot.tolist()])

    @classmethod
    def of(cls, settings: Sequence[Mapping[str, float]], readout: Readout) -> Self:
        """See `Objective.of`."""
        arrays = {name: np.array([values[name] for values in settings]) for name in settings[0]}
        return cls(**arrays, answer=readout.answer)

    def replica(self, row: int) -> Self:
        """See `Objective.replica`."""
        return type(self)(self.delta[row : row + 1], self.one_hot[row : row + 1], answer=self._answer)

    def evaluate(self, out_V: FloatArray, label: NDArray[Any]) -> Evaluation:
        """See `Objective.evaluate`."""
        aim_V = self._aim_V(label)
        everything = np.ones(out_V.shape, bool)
        target_V = out_V + self.delta[:, None] * (aim_V - out_V)
        loss = ((out_V - aim_V) ** 2).mean(axis=1)
        return Evaluation(loss, self._answer.predict(out_V), everything[:, 0], target_V, everything)

    def gradient(self, out_V: FloatArray, label: NDArray[Any]) -> FloatArray:
        """See `Objective.gradient`: 2 (V - aim) / S."""
        slope: FloatArray = 2.0 / out_V.shape[1] * (out_V - self._aim_V(label))
        return slope

    def kernel(self) -> SampleKernel:
        """See `Objective.kernel`."""
        from analog_nmos.objectives.mean_squared_error_kernel import Settings, evaluate_class, evaluate_values

        levels_V = np.array(self._answer.levels_V if isinstance(self._answer, NearestLevel) else ())
        own = [
            Settings(delta, aims_V, levels_V) for delta, aims_V in zip(self.delta.tolist(), self._aims_V, strict=True)
        ]
        return SampleKernel(evaluate_class if self._answer.classes else evaluate_values, own)

    def diagnostics(self, out_V: FloatArray, label: NDArray[Any]) -> dict[str, Any]:
        """The root of the mean squared error and the largest error, in V, and for values the share explained (R^2)."""
        aim_V = self._aim_V(label)
        square = (out_V - aim_V) ** 2
        found = {"val_rmse_V": float(np.sqrt(square.mean())), "val_error_max_V": float(np.sqrt(square.max()))}
        if not self._answer.classes:
            spread = ((aim_V - aim_V.mean(axis=0)) ** 2).mean()
            found["val_r2"] = float(1.0 - square.mean() / spread) if spread > 0.0 else float("nan")
        return found

    def _aim_V(self, label: NDArray[Any]) -> FloatArray:
        """Aims (B, scores) in volts."""
        if not self._answer.classes:
            return label
        replicas = np.arange(len(label)) if len(self.delta) > 1 else np.zeros(len(label), np.intp)
        aims_V: FloatArray = self._aims_V[replicas, label]
        return aims_V
