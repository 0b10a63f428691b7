"""Power that the sources of a circuit deliver in a state, from node voltages and the currents into its transistors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analog_nmos.backends.native.transistor.states import EdgeStates
from analog_nmos.circuit import CircuitOptions
from analog_nmos.topology import Topology

FloatArray = NDArray[np.float64]


class Loads(NamedTuple):
    """What hangs on the outputs in N states; all arrays have shape (N, outputs).

    Attributes:
        series_ohm: RS of each output: rs_free, or what a clamped phase puts there (`CircuitOptions.clamp_ohm`).
        sink_V: VOUT behind it. A free output still sees its last clamped value.
        driven_A: currents into the outputs where they are nudged by currents; else None.
    """

    series_ohm: FloatArray
    sink_V: FloatArray
    driven_A: FloatArray | None = None

    def of(self, some: slice) -> Loads:
        """Those of some states."""
        driven_A = None if self.driven_A is None else self.driven_A[some]
        return Loads(self.series_ohm[some], self.sink_V[some], driven_A)


class Power(NamedTuple):
    """Of N states, in W; a source that takes power up counts as negative.

    Attributes:
        rails_W, inputs_W, gates_W, outputs_W: (N,) delivered by VMINUS and VPLUS, by VIN, by VG, and by VOUT and the
            currents that nudge outputs.
        edges_W: (N, E) turned into heat in each transistor, its series resistances, its body resistor and the rshunt
            of its gate, body and internal nodes.
    """

    rails_W: FloatArray
    inputs_W: FloatArray
    gates_W: FloatArray
    outputs_W: FloatArray
    edges_W: FloatArray

    @property
    def total_W(self) -> FloatArray:
        """(N,) of all sources together: what the whole circuit turns into heat."""
        return self.rails_W + self.inputs_W + self.gates_W + self.outputs_W


def free_loads(options: CircuitOptions, sink_V: FloatArray) -> Loads:
    """Those of free outputs, with VOUT (N, outputs)."""
    return Loads(np.full(np.shape(sink_V), options.rs_free), np.asarray(sink_V, np.float64))


def clamped_loads(
    options: CircuitOptions, sink_V: FloatArray, clamped: NDArray[np.bool_], driven_A: FloatArray | None = None
) -> Loads:
    """Those where the outputs of a mask (N, outputs) are nudged: towards VOUT, or by currents (options.nudge_mode)."""
    return Loads(np.where(clamped, options.clamp_ohm, options.rs_free), np.asarray(sink_V, np.float64), driven_A)


def power(
    states: EdgeStates,
    topology: Topology,
    options: CircuitOptions,
    node_V: FloatArray,
    gate_V: FloatArray,
    loads: Loads,
) -> Power:
    """The power of N states.

    Args:
        states: of the transistors at these voltages; see `states.edge_states`.
        topology: with E edges.
        options: of the circuit.
        node_V: (N, max_node + 1) by node number.
        gate_V: (E,) or (N, E), against the nodes that the gate sources stand on.
        loads: of the outputs.
    """
    shunt_S = 1.0 / options.rshunt
    gates_W = gate_V * states.gate_at_V * shunt_S  # rshunt alone draws from a gate node
    into_A = _into_edges(states, topology, len(node_V)) + node_V * shunt_S
    rails, sink_V = [topology.negref, topology.posref], loads.sink_V
    driven_W = node_V * into_A
    out_V = node_V[:, topology.out_nodes]
    nudging_W = 0.0 if loads.driven_A is None else (loads.driven_A * out_V).sum(axis=1)
    through_A = (sink_V - out_V) / loads.series_ohm
    edges_W = node_V[:, topology.edges_D] * states.into_drain_A + node_V[:, topology.edges_S] * states.into_source_A
    return Power(
        rails_W=driven_W[:, rails].sum(axis=1),
        inputs_W=driven_W[:, topology.input_nodes].sum(axis=1),
        gates_W=gates_W.sum(axis=1),
        outputs_W=(sink_V * (through_A + sink_V * shunt_S)).sum(axis=1) + nudging_W,
        edges_W=edges_W + gates_W,
    )


def _into_edges(states: EdgeStates, topology: Topology, count: int) -> FloatArray:
    """Currents (N, max_node + 1) from each numbered node into its transistors."""
    into_A = np.zeros((topology.max_node + 1, count))
    np.add.at(into_A, topology.edges_D, states.into_drain_A.T)
    np.add.at(into_A, topology.edges_S, states.into_source_A.T)
    return into_A.T
