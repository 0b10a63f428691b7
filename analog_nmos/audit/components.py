"""From the update that a rule makes to the gradient, in five components, each of which changes one thing.

1. `rule`: the update as the run makes it.
2. `small nudge`: the same rule with SMALL times the nudge, both ways, so that no second order is left.
3. `injected`: small currents -b dC/dO into the outputs in place of that nudge; C is the loss, O the outputs.
4. `co-content`: the exact derivative of the transistors' co-content in place of the rule's quantity.
5. `adjoint`: the gradient itself. What the fourth still lacks is reciprocity of the transistors; and, where nudged
   states have a circuit of their own, that this has other transistors.

The strength b of a nudge (A per unit of dC/dO) makes lengths comparable: a reciprocal network that compares the exact
quantity has an update of (2 / beta) b times the negative gradient (`Rule.scale_V2`). Of currents i it is their share
along g = -dC/dO, (i g) / (g g). A nudge by voltages n counts like the injection that lowers the loss by as much,
b = (n g) / (g R g), with the outputs' resistances R g as the small injection finds them. So a linear network with one
output that is nudged has the ratio 1, however it is nudged.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analog_nmos.audit.bench import Bench
from analog_nmos.audit.rules import Compared
from analog_nmos.backends.base import BoolArray, FloatArray
from analog_nmos.cards.model_card import ModelCard
from analog_nmos.rules import QUANTITIES
from analog_nmos.rules.ends import Ends
from analog_nmos.training.replica import Replica
from analog_nmos.training.rule import CURRENT, Rule

if TYPE_CHECKING:
    from analog_nmos.rules.quantity import Quantity

RULE, SMALL_NUDGE, INJECTED, CO_CONTENT, ADJOINT = "rule", "small nudge", "injected", "co-content", "adjoint"
COMPONENTS = (RULE, SMALL_NUDGE, INJECTED, CO_CONTENT, ADJOINT)
SMALL = 1e-4  # of the nudge
MOVE_V = 1e-5  # by which an injection moves the output that it moves most
TRIAL_A, TRIALS = 1e-9, 6
POINTS = 32  # of the exact quantity's integrals


def components_of(rule: Compared) -> tuple[str, ...]:
    """Of a rule; the gradient itself has no nudge to take away."""
    return (RULE, ADJOINT) if rule.is_adjoint else COMPONENTS


class States(NamedTuple):
    """B samples that train, as many as the bench takes: what all rules start from.

    Attributes:
        input_V: (B, inputs).
        node_V: (B, nodes) of the free states.
        out_V: (B, outputs) of these.
        target_V: (B, outputs) where the objective wants them.
        held: (B, outputs) which are nudged.
        down: (B, outputs) the negative derivative of the loss by the outputs, loss unit per V.
        register_V: (B, edges) of the gates.
        gradient: (B, edges) the loss's negative derivative by the gate voltages, loss unit per V.
    """

    input_V: FloatArray
    node_V: FloatArray
    out_V: FloatArray
    target_V: FloatArray
    held: BoolArray
    down: FloatArray
    register_V: FloatArray
    gradient: FloatArray


class Injected(NamedTuple):
    """Two states with small currents, b times `States.down` and as much the other way.

    Attributes:
        above_V, below_V: (B, nodes).
        strength: (B,) b.
        moved_V: (B, outputs) by which the outputs move with b = 1: R g of the module's docstring.
    """

    above_V: FloatArray
    below_V: FloatArray
    strength: FloatArray
    moved_V: FloatArray


class Taken(NamedTuple):
    """A rule's update, taken apart.

    Attributes:
        update: (B, edges) by component. Gates would move by gamma times the first two, in V^2; `small nudge` is as
            large as the rule's own would be without its second order. The others are in units of the gradient:
            divided by (2 / beta) b.
        strength: (B,) b of the rule's own nudge.
        found: (B,) whether all states were found.
    """

    update: dict[str, FloatArray]
    strength: FloatArray
    found: BoolArray


class Taking:
    """Takes learning rules apart on a bench.

    Args:
        bench: with the circuits.
        replica: with the same network and chip, and the run's options without noise, terms and optimizer.
        card: of all transistors.
        rules: that are compared.

    Attributes:
        scale_V2: 2 / beta.

    Raises:
        InputError: native does not model the card.
    """

    def __init__(self, bench: Bench, replica: Replica, card: ModelCard, rules: Sequence[Compared]) -> None:
        from analog_nmos.backends.native.transistor.parameters import device_parameters
        from analog_nmos.rules.co_content import CoContent
        from analog_nmos.rules.transistors import Transistors

        self._bench, self._sign, self._topology = bench, replica.sign, replica.topology
        self._device, self._free, clamp = device_parameters(card, replica.config), *replica.deviations
        own = clamp if bench.two else self._free
        self._transistors = Transistors.of(self._device, [own] * bench.width, replica.topology.n_edges)
        self.scale_V2 = 2.0 / self._transistors.around.beta
        self._exact = CoContent(self._transistors, self._transistors, points=POINTS)
        self._rules = {}
        for one in rules:
            copies = [dataclasses.replace(replica, config=one.config)] * bench.width
            self._rules[one] = Rule(copies, card), self._quantity(one.config.quantity)

    def taken(self, states: States) -> dict[str, Taken]:
        """Updates by the rule's name."""
        injected, found = self._inject(states)
        return {one.name: self._one(one, *parts, states, injected, found) for one, parts in self._rules.items()}

    def region(self, states: States, rows: NDArray[np.int64]) -> NDArray[np.int8]:
        """Where the transistors stand in the free states of some samples, (rows, edges); see `edge_states`.

        Raises:
            RunError: internal nodes that do not come to rest.
        """
        from analog_nmos.backends.native.transistor.states import edge_states

        if not rows.size:
            return np.zeros((0, self._topology.n_edges), np.int8)
        node_V, gate_V = states.node_V[rows], self._bench.gate_V[rows]
        return edge_states(self._device, self._topology, node_V, gate_V, self._free).region

    def _one(
        self, one: Compared, rule: Rule, quantity: Quantity, states: States, injected: Injected, found: BoolArray
    ) -> Taken:
        strength = self._strength(rule, states, injected)
        own, found_own = self._own(one, rule, states)
        update, found = {RULE: own}, found & found_own
        if not one.is_adjoint:
            update[SMALL_NUDGE], found_small = self._small(one, rule, quantity, states)
            update[INJECTED] = self._between(quantity, states, injected) / self._per(injected)
            update[CO_CONTENT] = self._between(self._exact, states, injected) / self._per(injected)
            found = found & found_small
        return Taken({**update, ADJOINT: states.gradient}, strength, found)

    def _own(self, one: Compared, rule: Rule, states: States) -> tuple[FloatArray, BoolArray]:
        """The update as the run makes it."""
        nudged, found = [], np.ones(len(states.out_V), bool)
        for nudge in rule.nudges:
            node_V, there = self._nudged(one, rule, states, states.target_V, nudge)
            nudged.append(node_V)
            found = found & there
        response = None
        if one.is_adjoint:
            driven_A = np.where(states.held, rule.driven(states.out_V, states.target_V, 1.0), 0.0)
            response, found = self._bench.response(states.input_V, driven_A)
        return -self._sign * rule.change_V2(states.node_V, nudged, response, states.register_V), found

    def _small(self, one: Compared, rule: Rule, quantity: Quantity, states: States) -> tuple[FloatArray, BoolArray]:
        """Half of the difference of two small nudges, over SMALL."""
        near_V = states.out_V + SMALL * (states.target_V - states.out_V)
        above_V, found = self._nudged(one, rule, states, near_V, 1.0)
        below_V, there = self._nudged(one, rule, states, near_V, -1.0)
        return self._change(quantity, states, below_V, above_V) / SMALL, found & there

    def _nudged(
        self, one: Compared, rule: Rule, states: States, target_V: FloatArray, nudge: float
    ) -> tuple[FloatArray, BoolArray]:
        driven = rule.driven(states.out_V, target_V, nudge)
        node_V, found = self._bench.nudged(one.config.nudge_mode, states.input_V, driven, states.held)
        return np.where(found[:, None], node_V, states.node_V), found  # NaN would keep the exact quantity busy

    def _inject(self, states: States) -> tuple[Injected, BoolArray]:
        """Currents so small that outputs move by about MOVE_V at most; the scale is sought from TRIAL_A on."""
        largest = np.abs(states.down).max(axis=1)
        with np.errstate(divide="ignore"):
            strength = np.where(largest > 0.0, TRIAL_A / largest, 0.0)
        for _ in range(TRIALS):
            (above_V, there), (below_V, too) = (self._driven(states, sign * strength) for sign in (1.0, -1.0))
            moved_V = 0.5 * (above_V - below_V)[:, self._topology.out_nodes]
            size_V = np.abs(moved_V).max(axis=1)
            if ((np.abs(np.log10(np.maximum(size_V, 1e-300) / MOVE_V)) < 1.0) | (strength == 0.0)).all():
                break
            strength = strength * np.where(size_V > 0.0, MOVE_V / np.maximum(size_V, 1e-300), 1.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            return Injected(above_V, below_V, strength, moved_V / strength[:, None]), there & too

    def _driven(self, states: States, strength: FloatArray) -> tuple[FloatArray, BoolArray]:
        held = np.ones(states.out_V.shape, bool)
        node_V, found = self._bench.nudged(CURRENT, states.input_V, strength[:, None] * states.down, held)
        return np.where(found[:, None], node_V, states.node_V), found

    def _strength(self, rule: Rule, states: States, injected: Injected) -> FloatArray:
        """See the module's docstring."""
        way = np.where(states.held, rule.driven(states.out_V, states.target_V, 1.0), 0.0)
        against = states.down
        if not (rule.drives or rule.is_adjoint):
            way, against = np.where(states.held, states.target_V - states.out_V, 0.0), injected.moved_V
        with np.errstate(invalid="ignore", divide="ignore"):
            found: FloatArray = (way * states.down).sum(axis=1) / (against * states.down).sum(axis=1)
        return found

    def _between(self, quantity: Quantity, states: States, injected: Injected) -> FloatArray:
        return self._change(quantity, states, injected.below_V, injected.above_V)

    def _change(self, quantity: Quantity, states: States, below_V: FloatArray, above_V: FloatArray) -> FloatArray:
        free, below, above = map(self._ends, (states.node_V, below_V, above_V))
        return -0.5 * self._sign * quantity.change(free, below, above, states.register_V)

    def _per(self, injected: Injected) -> FloatArray:
        return self.scale_V2 * injected.strength[:, None]

    def _ends(self, node_V: FloatArray) -> Ends:
        return Ends(node_V[:, self._topology.edges_D], node_V[:, self._topology.edges_S])

    def _quantity(self, name: str) -> Quantity:
        kind = QUANTITIES.get(name)
        return kind(self._transistors, self._transistors) if kind.device else kind(None, None)
