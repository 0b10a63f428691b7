"""From output nodes to scores, and from nudged scores to clamped nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.readouts.answers import Answer, FloatArray

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Readout:
    """Which nodes a score is read at, and what scores answer.

    Attributes:
        answer: of S scores.
        pairs: whether a score is the voltage between two nodes, output k and output S + k of a network with 2 S of
            them; else it is the voltage of output k to ground.
    """

    answer: Answer
    pairs: bool = False

    @property
    def n_scores(self) -> int:
        """S."""
        return self.answer.n_scores

    @property
    def n_nodes(self) -> int:
        """Outputs that a network needs."""
        return 2 * self.n_scores if self.pairs else self.n_scores

    def facts(self) -> dict[str, Any]:
        """For run_meta.json."""
        return {"pairs": self.pairs, **self.answer.facts()}

    def scores_V(self, out_V: FloatArray) -> FloatArray:
        """Scores (B, S) of output voltages (B, outputs)."""
        return out_V[:, : self.n_scores] - out_V[:, self.n_scores :] if self.pairs else out_V

    def clamps(
        self, out_V: FloatArray, score_V: FloatArray, target_V: FloatArray, nudged: BoolArray
    ) -> tuple[FloatArray, BoolArray]:
        """Where outputs are held so that scores move: targets (B, outputs) in volts, and which outputs are held.

        Both nodes of a pair move by half of what their score moves, in opposite directions.

        Args:
            out_V: output voltages (B, outputs).
            score_V: their scores (B, S).
            target_V: where the scores are to go, shape (B, S).
            nudged: which of them are, shape (B, S).
        """
        if not self.pairs:
            return target_V, nudged
        half_V = 0.5 * (target_V - score_V)
        return out_V + np.concatenate([half_V, -half_V], axis=1), np.concatenate([nudged, nudged], axis=1)
