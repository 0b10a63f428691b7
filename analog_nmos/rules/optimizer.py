"""The interface of an optimizer: from what a learning rule asks of a gate to how far the gate moves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


class OptimizerKernel(NamedTuple):
    """`Optimizer.advance` as a compiled function of one replica, with the same numbers.

    Attributes:
        advance: numba's, (own, memory (memories, E), step_V (E,), moves (E,)) -> None; changes both in place.
        own: what it takes as `own`: any NamedTuple.
    """

    advance: Callable[..., Any]
    own: Any


@dataclass(frozen=True)
class Optimizer(ABC):
    """How the gates of one replica follow a rule.

    A subclass is a frozen dataclass of numbers, declared by `common.cli.option` and set by --optimizer-options.

    Attributes:
        memories: numbers that every transistor has to remember from update to update.
        needs: what hardware needs for it beside each transistor, for documents.
    """

    memories: ClassVar[int] = 0
    needs: ClassVar[str] = "nothing"

    @abstractmethod
    def advance(self, memory: FloatArray, step_V: FloatArray, moves: BoolArray) -> tuple[FloatArray, FloatArray]:
        """New memory and step, from those before.

        Args:
            memory: (memories, E); zeros before the first update.
            step_V: what the rule asks for, (E,).
            moves: which transistors take part in this update, (E,); the others' memory stays as it is.
        """

    def kernel(self) -> OptimizerKernel | None:
        """`advance`, compiled; None: `advance` itself is called, and epochs run in Python."""
        return None


class Plain(Optimizer):
    """Gates move as the rule says."""

    def advance(self, memory: FloatArray, step_V: FloatArray, moves: BoolArray) -> tuple[FloatArray, FloatArray]:
        """See `Optimizer.advance`."""
        return memory, step_V

    def kernel(self) -> OptimizerKernel:
        """See `Optimizer.kernel`."""
        from analog_nmos.rules.optimizers_kernel import NoSettings, plain

        return OptimizerKernel(plain, NoSettings(0.0))
