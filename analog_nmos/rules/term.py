"""The interface of a term: what every transistor adds to its update from the free phase alone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from analog_nmos.rules.ends import Ends, FloatArray
from analog_nmos.rules.transistors import Transistors


class TermKernel(NamedTuple):
    """`Term.value` as a compiled function of one transistor, with the same numbers.

    Attributes:
        value: numba's, (known, replica, e, drain_V, source_V, gate_V) -> value; `known` is a
            `transistors_kernel.Known`.
    """

    value: Callable[..., Any]


@dataclass(frozen=True)
class Term(ABC):
    """What is added, with a weight, to the quantity's difference: gates move by -gamma * (difference + weight * value).

    Attributes:
        formula: of one transistor, for documents.
        unit: of the weight.
        transistors: those of the free phase.
    """

    formula: ClassVar[str] = ""
    unit: ClassVar[str] = ""

    transistors: Transistors

    @abstractmethod
    def value(self, free: Ends, gate_V: FloatArray) -> FloatArray:
        """The value (L, E) from ends and registers (L, E) in V; its weight brings it to V^2."""

    def kernel(self) -> TermKernel | None:
        """`value`, compiled; None: `value` itself is called, and epochs run in Python."""
        return None
