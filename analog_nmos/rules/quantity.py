"""The interface of a quantity: what each transistor works out in two phases, and whose difference moves its gate."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from analog_nmos.rules.ends import Ends, FloatArray
from analog_nmos.rules.transistors import Transistors


class ChangeKernel(NamedTuple):
    """`Quantity.change` as a compiled function of one replica, with the same numbers.

    Attributes:
        change: numba's, (own, replica, edges, gate_V (E,), free_V, first_V, second_V (all (nodes,)), out_V2 (E,))
            -> None; fills out_V2. `edges` is a `backends.base.Edges`, for the ends of the replica's edges.
        own: what it takes as `own`: any NamedTuple.
    """

    change: Callable[..., Any]
    own: Any


@dataclass(frozen=True)
class Quantity(ABC):
    """What is compared, in units of the published rule's: V^2, and dV^2 while a transistor conducts linearly.

    For a network with an energy it is 2 / beta times the derivative of a transistor's co-content (the integral of its
    current by its drain-source voltage) by its gate voltage.

    Attributes:
        formula: of one transistor, for documents.
        device: whether it asks transistors what they know of themselves, which needs a card that native models.
        first, second: transistors of the circuits of the first and the second state; None where `device` is False.
        free: those of the free phase; left out, those of the first state.
    """

    formula: ClassVar[str] = ""
    device: ClassVar[bool] = True

    first: Transistors | None
    second: Transistors | None
    free: Transistors | None = field(default=None, kw_only=True)

    @abstractmethod
    def change(self, free: Ends, first: Ends, second: Ends, gate_V: FloatArray) -> FloatArray:
        """By how much it is larger in the second state than in the first, in V^2, shape (L, E).

        Args:
            free: ends (L, E) in the free phase, which is one of the two states unless nudges are centred.
            first, second: ends in the two states.
            gate_V: registers of the gates (L, E).
        """

    def kernel(self) -> ChangeKernel | None:
        """`change`, compiled; None: `change` itself is called, and epochs run in Python."""
        return None
