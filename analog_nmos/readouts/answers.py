"""What scores answer: the class of the highest one, the class whose level is nearest, or the values themselves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Outputs of a symmetric network are equal but for the last bits, which differ from solver to solver.
TIE_V = 1e-9
NO_CLASS = -1


def highest(score_V: FloatArray) -> IntArray:
    """Index of the highest score of every sample (B, scores); the first one where some differ by less than TIE_V."""
    index: IntArray = (score_V >= score_V.max(axis=1, keepdims=True) - TIE_V).argmax(axis=1)
    return index


@dataclass(frozen=True)
class Answer(ABC):
    """What S scores of a sample mean.

    Attributes:
        word: its name in run_meta.json.
        needs: the scores that a network has to have, for messages: "a score for each class".
        classes: whether the answer is a class, whose number is a sample's label; else a label holds S values in volts.
    """

    word: ClassVar[str]
    needs: ClassVar[str]
    classes: ClassVar[bool] = True

    @property
    @abstractmethod
    def n_scores(self) -> int:
        """S."""

    @abstractmethod
    def predict(self, score_V: FloatArray) -> IntArray:
        """The class (B,) of scores (B, S) in volts; NO_CLASS where the answer is none."""

    @abstractmethod
    def aims_V(self, one_hot_V: float) -> FloatArray:
        """The scores that each class aims at, shape (classes, S) in volts; `one_hot_V` is that of a one-hot aim."""

    def facts(self) -> dict[str, Any]:
        """For run_meta.json: what a reader of the outputs has to know."""
        return {"answer": self.word}


@dataclass(frozen=True)
class Highest(Answer):
    """The class whose score is the highest."""

    word = "highest"
    needs = "a score for each class"

    count: int  # of classes

    @property
    def n_scores(self) -> int:
        """One for each class."""
        return self.count

    def predict(self, score_V: FloatArray) -> IntArray:
        """See `highest`."""
        return highest(score_V)

    def aims_V(self, one_hot_V: float) -> FloatArray:
        """`one_hot_V` for the class itself, 0 V for the others."""
        return one_hot_V * np.eye(self.count)


@dataclass(frozen=True)
class NearestLevel(Answer):
    """The class whose level the only score is nearest to; of two that are equally near the first one."""

    word = "nearest level"
    needs = "one score, which is compared with a level for each class"

    levels_V: tuple[float, ...]  # of the classes

    @property
    def n_scores(self) -> int:
        """One."""
        return 1

    def predict(self, score_V: FloatArray) -> IntArray:
        """By the squared distance."""
        square = (score_V[:, :1] - np.array(self.levels_V)) ** 2
        nearest: IntArray = square.argmin(axis=1)
        return nearest

    def aims_V(self, one_hot_V: float) -> FloatArray:
        """The levels."""
        return np.array(self.levels_V)[:, None]

    def facts(self) -> dict[str, Any]:
        """With the levels in volts, in the order of the classes."""
        return {**super().facts(), "levels_V": list(self.levels_V)}


@dataclass(frozen=True)
class Value(Answer):
    """The scores themselves, which have targets in volts."""

    word = "value"
    needs = "scores with targets in volts"
    classes = False

    names: tuple[str, ...] = ("output",)  # of the values

    @property
    def n_scores(self) -> int:
        """One for each value."""
        return len(self.names)

    def predict(self, score_V: FloatArray) -> IntArray:
        """No class."""
        return np.full(len(score_V), NO_CLASS, np.int64)

    def aims_V(self, one_hot_V: float) -> FloatArray:
        """There are no classes."""
        return np.zeros((0, self.n_scores))

    def facts(self) -> dict[str, Any]:
        """With the names of the values."""
        return {**super().facts(), "values": list(self.names)}
