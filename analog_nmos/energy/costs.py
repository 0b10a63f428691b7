"""What states of a network cost: power, settling time, and the energy that is both multiplied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analog_nmos.backends.native.transistor.device import Device
from analog_nmos.backends.native.transistor.linked import Linked
from analog_nmos.backends.native.transistor.parameters import device_parameters
from analog_nmos.backends.native.transistor.states import EdgeSlopes, EdgeStates, states_and_slopes
from analog_nmos.cards.model_card import ModelCard
from analog_nmos.circuit import CircuitOptions
from analog_nmos.circuit.deviations import Deviations
from analog_nmos.energy.capacitances import OF_GATE, OF_JUNCTIONS, capacitances, gate_F
from analog_nmos.energy.in_time import POINTS
from analog_nmos.energy.linearised import Linearised
from analog_nmos.energy.options import CapacitanceOptions
from analog_nmos.energy.power import Loads, Power, power
from analog_nmos.energy.settling import settling_times
from analog_nmos.topology import Topology
from common.errors import InputError

FloatArray = NDArray[np.float64]
MOST_NUMBERS = 2_000_000  # that a batch of states keeps at once


class Costs(NamedTuple):
    """Of N states.

    Attributes:
        power: as `Power`.
        settling_s: (N,) until the state is reached, to 1 percent.
    """

    power: Power
    settling_s: FloatArray

    @property
    def energy_J(self) -> FloatArray:
        """(N,) what the sources deliver until then, at the power of the settled state."""
        return self.power.total_W * self.settling_s


def modelled(card: ModelCard, options: CircuitOptions) -> Device | Linked:
    """The device of a card whose currents can be worked out here, whichever solver found the voltages.

    Raises:
        InputError: the native solver does not model the card.
    """
    try:
        return device_parameters(card, options)
    except InputError as problem:
        reason = str(problem).removesuffix(". Use --backend ngspice")
        raise InputError(f"power and energy need currents of the native solver's transistor: {reason}") from None


@dataclass(frozen=True, eq=False)
class Network:
    """A network with its gates, whose states are to be measured.

    Attributes:
        card: of its transistors.
        topology: E edges.
        options: of the circuit around them.
        held: capacitances besides those of the card.
        gate_V: (E,) against the nodes that the gate sources stand on.
        deviations: what sets the transistors apart from the card.
    """

    card: ModelCard
    topology: Topology
    options: CircuitOptions
    held: CapacitanceOptions
    gate_V: FloatArray
    deviations: Deviations | None = None

    def power(self, node_V: FloatArray, loads: Loads) -> Power:
        """Of states (N, max_node + 1) with these loads.

        Raises:
            InputError: the native solver does not model the card.
            RunError: see `states.edge_states`.
        """
        return power(self._states(node_V)[0], self.topology, self.options, node_V, self.gate_V, loads)

    def costs(self, node_V: FloatArray, loads: Loads, *, clamps: bool = False, everywhere: bool = False) -> Costs:
        """Power and settling times of states; the last two arguments are those of `settling_times`.

        Raises:
            InputError, RunError: as `power`; a network that does not settle.
        """
        states, slopes = self._states(node_V)
        size, times = self._batch(), []
        for first in range(0, len(node_V), size):
            some = slice(first, first + size)
            part = EdgeStates._make(one[some] for one in states), EdgeSlopes._make(one[some] for one in slopes)
            network = self._linearised(*part, loads.of(some))
            times.append(settling_times(network, clamps=clamps, everywhere=everywhere))
        found = power(states, self.topology, self.options, node_V, self.gate_V, loads)
        return Costs(found, np.concatenate(times))

    def writing_J(self, step_V: FloatArray) -> FloatArray:
        """What moving the gates by step_V (..., E) costs: the sum of C |V_G| |dV| over the gates."""
        moved: FloatArray = np.abs(self.gate_V * step_V).sum(axis=-1)
        return gate_F(self.card, self.held) * moved

    def _states(self, node_V: FloatArray) -> tuple[EdgeStates, EdgeSlopes]:
        device = modelled(self.card, self.options)
        return states_and_slopes(device, self.topology, node_V, self.gate_V, self.deviations)

    def _linearised(self, states: EdgeStates, slopes: EdgeSlopes, loads: Loads) -> Linearised:
        device, held = modelled(self.card, self.options), capacitances(self.card, self.held, states)
        return Linearised(device, self.topology, self.options, slopes, held, loads)

    def _batch(self) -> int:
        """How many states are worked out at once."""
        free = self.topology.n_outputs + self.topology.hidden_nodes.size
        numbers = max(free * (free + self.topology.n_inputs), 25 * self.topology.n_edges)
        inside = self.options.gate_ref == "body" or any(self.card.model.get(name) for name in (*OF_GATE, *OF_JUNCTIONS))
        return max(1, MOST_NUMBERS // (numbers * (POINTS if inside else 1)))
