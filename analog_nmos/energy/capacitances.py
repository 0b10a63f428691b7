"""What holds charge in a circuit: stated capacitances, and those that the model card gives its transistor.

Of level 1 these are the overlaps of the gate (cgso, cgdo in F/m of the width, cgbo in F/m of the length) and the
depletion layers of the two junctions (cbd, cbs in F; without them cj in F/m^2 of ad and as; cjsw in F/m of pd and ps;
with pb, mj, mjsw, fc), as ngspice has them (mos1load.c), at TNOM. Those of a gate's channel need an oxide thickness,
tox, which the native solver refuses by name; the shipped card has none, so that all of its own capacitances are zero.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analog_nmos.backends.native.transistor.parameters import INSTANCE_DEFAULTS
from analog_nmos.backends.native.transistor.states import EdgeStates
from analog_nmos.cards.model_card import ModelCard
from analog_nmos.energy.options import CapacitanceOptions

FloatArray = NDArray[np.float64]
OF_GATE, OF_JUNCTIONS = ("cgso", "cgdo", "cgbo"), ("cbd", "cbs", "cj", "cjsw")
BUILT_IN_V, GRADING, FORWARD = 0.8, 0.5, 0.5  # pb, mj and mjsw, fc where the card gives none


class Capacitances(NamedTuple):
    """Of a circuit in N states, all in F.

    Attributes:
        node_F: from each free numbered node to ground.
        end_F: from a gate to the drain's end node, and as much to the source's.
        gate_drain_F, gate_source_F, gate_body_F: from a gate to the internal nodes.
        drain_body_F, source_body_F: (N, E) of the junctions.
    """

    node_F: float
    end_F: float
    gate_drain_F: float
    gate_source_F: float
    gate_body_F: float
    drain_body_F: FloatArray
    source_body_F: FloatArray

    @property
    def inside(self) -> bool:
        """Whether internal nodes hold charge; without, they follow at once."""
        gates_F = self.gate_drain_F + self.gate_source_F + self.gate_body_F
        return bool(gates_F or self.drain_body_F.any() or self.source_body_F.any())


def capacitances(card: ModelCard, options: CapacitanceOptions, states: EdgeStates) -> Capacitances:
    """Those of a circuit whose transistors are in these states."""
    model, instance = card.model, {**INSTANCE_DEFAULTS, **card.instance}
    overlaps_F, junctions = _overlaps_F(card), []
    for end, internal_V in (("d", states.drain_V), ("s", states.source_V)):
        whole_F = model.get(f"cb{end}", model.get("cj", 0.0) * instance.get(f"a{end}", 0.0))
        wall_F = model.get("cjsw", 0.0) * instance.get(f"p{end}", 0.0)
        forward_V = card.sign * (states.body_V - internal_V)
        junctions.append(_depletion(model, whole_F, "mj", forward_V) + _depletion(model, wall_F, "mjsw", forward_V))
    return Capacitances(
        node_F=options.node_cap,
        end_F=0.5 * options.gate_cap,
        gate_drain_F=overlaps_F["cgdo"],
        gate_source_F=overlaps_F["cgso"],
        gate_body_F=overlaps_F["cgbo"],
        drain_body_F=junctions[0],
        source_body_F=junctions[1],
    )


def gate_F(card: ModelCard, options: CapacitanceOptions) -> float:
    """All of one gate."""
    return options.gate_cap + sum(_overlaps_F(card).values())


def used(card: ModelCard, options: CapacitanceOptions) -> str:
    """One line that says which capacitances count."""
    own = [f"{name}={card.model[name]:g}" for name in (*OF_GATE, *OF_JUNCTIONS) if card.model.get(name, 0.0) > 0.0]
    of_card = f"of the card {', '.join(own)}" if own else "none of the card"
    text = f"capacitances: {options.node_cap:g} F a node, {options.gate_cap:g} F a gate, {of_card}"
    nothing = not (own or options.node_cap or options.gate_cap)
    return text + ": nothing holds charge, so settling times and energies are 0" * nothing


def _overlaps_F(card: ModelCard) -> dict[str, float]:
    instance = {**INSTANCE_DEFAULTS, **card.instance}
    lengths = {"cgso": instance["w"], "cgdo": instance["w"], "cgbo": instance["l"]}
    return {name: card.model.get(name, 0.0) * length_m for name, length_m in lengths.items()}


def _depletion(model: dict[str, float], zero_F: float, grading: str, forward_V: FloatArray) -> FloatArray:
    """Of one part of a junction; beyond fc * pb it goes on as its tangent."""
    built_in_V, forward = model.get("pb", BUILT_IN_V), model.get("fc", FORWARD)
    power = model.get(grading, GRADING)
    below = zero_F * (1.0 - np.minimum(forward_V, forward * built_in_V) / built_in_V) ** -power
    slope = zero_F * power / built_in_V * (1.0 - forward) ** (-power - 1.0)
    beyond: FloatArray = below + slope * np.maximum(forward_V - forward * built_in_V, 0.0)
    return beyond
