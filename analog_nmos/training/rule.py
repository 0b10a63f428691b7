"""The learning rule of replicas: from what is read in the phases of a sample to how far each gate moves.

In this order, for each sample that trains:

1. After the free phase the objective says where scores are to go, and the read-out where outputs are to go for it
   (`readouts.readout`). A clamped phase nudges them there, or as far the other way, by a resistor or a current
   (--nudge-mode); centred phases do both, in this order.
2. Every transistor compares a quantity between two states: free and nudged, nudged the other way and free, or the two
   nudged ones, by half. Terms of the free phase are added with their weights.
3. Gates ask to move by -gamma times that; an optimizer turns it into steps, of transistors that take part alone.

With --rule adjoint there is no clamped phase: gates ask to move by gamma * 2 / beta times the derivative by their
voltage of the outputs' voltages, times the currents of a nudge by current. That is what the comparison of quantities
gives for such a nudge in the limit of small ones, if the network is reciprocal and the quantity exact.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analog_nmos.backends.base import BoolArray, CompiledSolver
from analog_nmos.rules import QUANTITIES, TERMS
from analog_nmos.rules.ends import EdgeEnds, FloatArray
from analog_nmos.rules.options import ADJOINT
from analog_nmos.rules.parts import optimizer_of
from analog_nmos.training.replica import RULE, Replica
from common.errors import InputError

if TYPE_CHECKING:
    from analog_nmos.cards.model_card import ModelCard

CURRENT = "current"


class RuleKernels(NamedTuple):
    """The compiled functions of a rule, and what they take as `own`; see `quantity`, `term` and `optimizer`."""

    change: Any
    add: Any
    advance: Any


class Rule:
    """That of L replicas, which share its parts (`RuleOptions.rule_parts`).

    Attributes:
        nudges: of a sample's clamped phases; see `RuleOptions.nudges`.
        is_adjoint: whether the exact gradient takes their place.
        drives: whether outputs are nudged by currents.
        conductance_S: (L,) of such nudges.
        scale_V2: 2 / beta in V^2/A, below 0 for PMOS: from a derivative to what a quantity is in; 0 without --rule
            adjoint.

    Args:
        replicas: with their topologies, chips and options.
        card: of all transistors; None where no part asks what they know of themselves.

    Raises:
        InputError: a part needs what native does not model of the card.
    """

    def __init__(self, replicas: Sequence[Replica], card: ModelCard | None) -> None:
        options = replicas[0].config
        self._replicas, self._ends = replicas, EdgeEnds([replica.topology for replica in replicas])
        self.nudges, self.is_adjoint = options.nudges, options.rule == ADJOINT
        self.drives = options.nudge_mode == CURRENT
        self.conductance_S = np.array([replica.config.nudge_conductance for replica in replicas])
        kind, names = QUANTITIES.get(options.quantity), tuple(options.term_weights)
        self.scale_V2, first, second = 0.0, None, None
        if self.is_adjoint or kind.device or names:
            first, second = _transistors(replicas, card)
        if self.is_adjoint and first is not None:  # a PMOS opens where its gate falls
            self.scale_V2 = replicas[0].sign * 2.0 / first.around.beta
        # Of the two states that are compared one is free, if any: the second with negative nudges, else the first.
        alone = self.nudges[0] if len(self.nudges) == 1 else 0.0
        before, after = first if alone > 0.0 else second, first if alone < 0.0 else second
        self._quantity = kind(before, after, free=first)
        self._terms = [TERMS.get(name)(first) for name in names if first is not None]
        self._weights = np.array([[replica.config.term_weights[name] for name in names] for replica in replicas])
        self._arrays: dict[int, Any] = {}
        self._optimizers = [
            optimizer_of(replica.config.optimizer, replica.config.optimizer_options) for replica in replicas
        ]

    def driven(self, out_V: FloatArray, target_V: FloatArray, nudge: float) -> FloatArray:
        """What a clamped phase is solved with, (L, outputs): voltages in V, or currents in A.

        Args:
            out_V: of the free phase, (L, outputs).
            target_V: where the objective wants the outputs, (L, outputs).
            nudge: 1 to nudge them there, -1 for the other way.
        """
        if self.drives or self.is_adjoint:
            return nudge * (self.conductance_S[:, None] * (target_V - out_V))
        return target_V if nudge > 0.0 else out_V - (target_V - out_V)

    def change_V2(
        self, free_V: FloatArray, clamped_V: Sequence[FloatArray], response_A: FloatArray | None, gate_V: FloatArray
    ) -> FloatArray:
        """What gates move by, over -gamma: (L, E) in V^2.

        Args:
            free_V: node voltages (L, nodes) of the free phase.
            clamped_V: likewise of the clamped phases.
            response_A: with --rule adjoint: derivatives by the gate voltages (L, E) of the outputs' voltages, times
                currents.
            gate_V: registers (L, E).
        """
        free = self._ends.of(free_V)
        if response_A is not None:
            change = -self.scale_V2 * response_A
        else:
            nudged = [self._ends.of(one) for one in clamped_V]
            if len(nudged) == 2:
                change = 0.5 * self._quantity.change(free, nudged[1], nudged[0], gate_V)
            elif self.nudges[0] > 0.0:
                change = self._quantity.change(free, free, nudged[0], gate_V)
            else:
                change = self._quantity.change(free, nudged[0], free, gate_V)
        for number, term in enumerate(self._terms):
            change += self._weights[:, number, None] * term.value(free, gate_V)
        return change

    def advance(self, row: int, step_V: FloatArray, moves: BoolArray) -> FloatArray:
        """The optimizer's steps of one replica (edges,), from what the rule asks for; its memory goes on."""
        replica = self._replicas[row]
        memory, step_V = self._optimizers[row].advance(self.memory(row), step_V, moves)
        if RULE in replica.memory:
            replica.memory[RULE] = memory
        return step_V

    def memory(self, row: int) -> FloatArray:
        """What the optimizer of a replica remembers, (memories, edges)."""
        replica, memories = self._replicas[row], self._optimizers[row].memories
        if memories and RULE not in replica.memory:
            replica.memory[RULE] = np.zeros((memories, replica.gate_V.size))
        found: NDArray[np.float64] = replica.memory.get(RULE, np.zeros((0, replica.gate_V.size)))
        return found

    @functools.cached_property
    def kernels(self) -> RuleKernels | None:
        """Its compiled functions; None where a part has none."""
        from analog_nmos.rules.terms_kernel import added

        change, advance = self._quantity.kernel(), self._optimizers[0].kernel()
        terms = [term.kernel() for term in self._terms]
        if change is None or advance is None or None in terms:
            return None
        return RuleKernels(change.change, added(*(term.value for term in terms if term)), advance.advance)

    def adjoint(self, solver: CompiledSolver) -> Callable[..., Any]:
        """The solver's adjoint for compiled epochs; with other rules one that takes no time to compile."""
        from analog_nmos.training.rule_kernel import no_adjoint

        return solver.adjoint if self.is_adjoint and solver.adjoint is not None else no_adjoint

    def arrays(self, row: int) -> Any:
        """A replica's `rule_kernel.RuleArrays` for an epoch, with a memory of its own."""
        if row not in self._arrays:
            self._arrays[row] = self._new_arrays(row)
        memory = self.memory(row)
        return self._arrays[row]._replace(memory=memory.copy()) if memory.size else self._arrays[row]

    def _new_arrays(self, row: int) -> Any:
        from analog_nmos.training.rule_kernel import arrays_of

        change, optimizer = self._quantity.kernel(), self._optimizers[row].kernel()
        assert change is not None
        assert optimizer is not None
        first = self._terms[0].transistors if self._terms else None
        return arrays_of(self, row, change.own, first, self._weights, optimizer.own)

    def keep(self, row: int, memory: FloatArray) -> None:
        """Take over the memory of a replica after an epoch."""
        if memory.size:
            self._replicas[row].memory[RULE] = memory


def _transistors(replicas: Sequence[Replica], card: ModelCard | None) -> tuple[Any, Any]:
    """The transistors of the circuits of both states."""
    from analog_nmos.backends.native.transistor.parameters import device_parameters
    from analog_nmos.rules.transistors import Transistors

    assert card is not None
    try:
        device = device_parameters(card, replicas[0].config)
    except InputError as problem:
        reason = str(problem).removesuffix(". Use --backend ngspice")
        raise InputError(f"this learning rule asks transistors for their own threshold and current: {reason}") from None
    width = max(replica.gate_V.size for replica in replicas)
    free, clamp = zip(*(replica.deviations for replica in replicas), strict=True)
    first = Transistors.of(device, free, width)
    two = replicas[0].config.has_two_circuits
    return first, Transistors.of(device, clamp, width) if two else first
