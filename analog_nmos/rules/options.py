"""The options of a learning rule. docs/learning_rules.md has the equations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analog_nmos.rules import OPTIMIZERS, QUANTITIES, TERMS
from analog_nmos.rules.parts import optimizer_of
from common.cli import option, refuse
from common.errors import InputError
from common.named_values import named_numbers

COUPLED, ADJOINT = "coupled", "adjoint"
# For each --phases how the nudges of the clamped phases count: 1 as the objective says, -1 the other way.
NUDGES = {"positive": (1.0,), "negative": (-1.0,), "centred": (1.0, -1.0)}


@dataclass(frozen=True, kw_only=True)
class RuleOptions:
    """The learning rule: what transistors compare in which phases, and how their gates follow"""

    rule: str = option(
        COUPLED,
        "coupled: transistors compare phases, each by what it sees itself; adjoint: the exact gradient of the nudge's "
        "objective, which no circuit sees (native only)",
        choices=(COUPLED, ADJOINT),
    )
    phases: str = option(
        "positive",
        "which states are compared: free and nudged (positive), nudged the other way and free (negative), or both "
        "nudged ones (centred)",
        choices=tuple(NUDGES),
    )
    quantity: str = option("squared-drop", "what each transistor works out in both states", choices=QUANTITIES)
    nudge_conductance: float = option(
        1e-3, "with --nudge-mode current and --rule adjoint: current per volt of nudge", unit="S", above=0.0, high=1e3
    )
    terms: str = option(
        "", f"what the free phase adds to updates, as NAME=WEIGHT, separated by spaces; names: {', '.join(TERMS)}"
    )
    optimizer: str = option("plain", "how gates follow the rule", choices=OPTIMIZERS)
    optimizer_options: str = option("", "numbers of --optimizer: NAME=VALUE, separated by spaces")

    @property
    def nudges(self) -> tuple[float, ...]:
        """Of the clamped phases of a sample, in their order; none where the adjoint takes their place."""
        return () if self.rule == ADJOINT else NUDGES[self.phases]

    @property
    def term_weights(self) -> dict[str, float]:
        """The weights of --terms by name."""
        return named_numbers("--terms", self.terms)

    @property
    def rule_parts(self) -> tuple[Any, ...]:
        """What networks that train together share of their rules."""
        return self.rule, self.phases, self.quantity, tuple(self.term_weights), self.optimizer

    def check(self) -> None:
        """Raise InputError where options contradict each other, or one names something that there is not."""
        for name in self.term_weights:
            try:
                TERMS.get(name)
            except InputError as problem:
                raise InputError(f"argument --terms: {problem}") from None
        optimizer_of(self.optimizer, self.optimizer_options)
        if self.rule == ADJOINT:
            for name in ("phases", "quantity", "nudge_mode"):
                refuse(self, name, "has no effect with --rule adjoint, which compares no phases")
