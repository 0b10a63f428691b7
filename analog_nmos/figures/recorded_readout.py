"""How the outputs of a run are read, as its run_meta.json says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from analog_nmos.readouts import Highest, NearestLevel, Value


@dataclass(frozen=True)
class RecordedReadout:
    """What figures have to know of `analog_nmos.readouts.Readout`.

    Attributes:
        pairs: whether a score is the voltage between two outputs.
        answer: the word of its kind of answer.
        levels_V: of the classes, where the answer is that of the nearest level.
        values: names of the values, where these are the answer.
    """

    pairs: bool = False
    answer: str = Highest.word
    levels_V: tuple[float, ...] = ()
    values: tuple[str, ...] = ()

    @classmethod
    def of(cls, meta: Mapping[str, Any]) -> Self:
        """That of a run; runs that record none have an output for each class."""
        facts = meta.get("readout") or {}
        names = {"pairs": bool, "answer": str, "levels_V": tuple, "values": tuple}
        return cls(**{name: kind(facts[name]) for name, kind in names.items() if name in facts})

    @property
    def is_highest(self) -> bool:
        """Whether the answer is the class with the highest score."""
        return self.answer == Highest.word

    @property
    def is_values(self) -> bool:
        """Whether the answers are values in volts, which have no accuracy."""
        return self.answer == Value.word

    @property
    def is_levels(self) -> bool:
        """Whether the answer is the class whose level is nearest to the only score."""
        return self.answer == NearestLevel.word

    def scores_V(self, out_V: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scores (samples, S) of outputs (samples, outputs) in volts."""
        half = out_V.shape[1] // 2
        return out_V[:, :half] - out_V[:, half:] if self.pairs else out_V

    def output_labels(self, outputs: int) -> list[str]:
        """A short name of each output: its number, or that of its pair and a sign, which is all for the only pair."""
        if not self.pairs:
            return [str(k) for k in range(outputs)]
        numbers = range(outputs // 2) if outputs > 2 else [""]
        return [f"{k}{sign}" for sign in "+−" for k in numbers]  # noqa: RUF001 - a minus as long as the plus
