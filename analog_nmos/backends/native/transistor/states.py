"""What each transistor of a network does, from the voltages of the network's nodes and its gates.

A solver returns numbered nodes only. Between them and a gate each transistor has internal nodes of its own (drain and
source behind their series resistances, body), which are found here anew, to 1e-13 V: so it does not matter whether
the voltages come from the native solver, from ngspice or from an instrument.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analog_nmos.backends.native.transistor.accuracy import limits
from analog_nmos.backends.native.transistor.device import Device
from analog_nmos.backends.native.transistor.linked import Linked
from analog_nmos.backends.native.transistor.packing import pack
from analog_nmos.backends.native.transistor.states_kernel import CHANNEL_FIELDS, REST_FIELDS, channels, rest
from analog_nmos.circuit.deviations import Deviations
from analog_nmos.topology import Topology
from common.errors import InputError, RunError
from common.kernels.vectors import WIDTH

FloatArray = NDArray[np.float64]
TOLERANCE_V = 1e-13  # last Newton step of an internal node, of voltages up to 10 V
LARGEST_PASSES = 400
DAMPED = 0.1  # largest step once full steps have failed, per V of span or 1 V, as in the solvers
OFF, LINEAR, SATURATED = 0, 1, 2


class EdgeStates(NamedTuple):
    """The transistors of N states of a network with E edges; all arrays have shape (N, E).

    Voltages are those of the circuit, of a PMOS too; `overdrive_V` alone is above 0 wherever a channel conducts. The
    lower internal node, which acts as the channel's source, is the higher one of a PMOS.

    Attributes:
        into_drain_A: current from the drain's end node into the transistor: channel, junctions, rshunt at its internal
            nodes, a body tied to this node and what a gate source on this node draws.
        into_source_A: the same from the source's end node.
        channel_A: from internal drain to internal source.
        gm_S: derivative of channel_A by the gate's voltage; below 0 where drain and source have changed roles.
        overdrive_V: gate above the lower internal node, less the threshold.
        across_V: absolute voltage between internal drain and source.
        threshold_V: gate against the lower internal node at which the channel begins to conduct, body effect included.
        drain_V, source_V, body_V: of the internal nodes.
        gate_at_V: of the gate node, against ground.
        region: OFF, LINEAR or SATURATED.
    """

    into_drain_A: FloatArray
    into_source_A: FloatArray
    channel_A: FloatArray
    gm_S: FloatArray
    overdrive_V: FloatArray
    across_V: FloatArray
    threshold_V: FloatArray
    drain_V: FloatArray
    source_V: FloatArray
    body_V: FloatArray
    gate_at_V: FloatArray
    region: NDArray[np.int8]


class EdgeSlopes(NamedTuple):
    """Conductances of the transistors at these states, shape (N, E), in S: what a linearised network is made of."""

    channel_by_drain_S: FloatArray  # of channel_A by the internal drain; likewise the next three
    channel_by_source_S: FloatArray
    channel_by_body_S: FloatArray
    channel_by_gate_S: FloatArray
    drain_junction_S: FloatArray  # of the body diode at the internal drain, gmin included
    source_junction_S: FloatArray


def edge_states(
    device: Device | Linked,
    topology: Topology,
    node_V: FloatArray,
    gate_V: FloatArray,
    deviations: Deviations | None = None,
) -> EdgeStates:
    """The states of all transistors.

    Args:
        device: of `parameters.device_parameters`.
        topology: with E edges.
        node_V: (N, max_node + 1) voltages by node number, as a `Solution` has them.
        gate_V: (E,) or (N, E), V_G as a trainer knows it: against the node that the gate source stands on.
        deviations: what sets the transistors apart from the card.

    Raises:
        InputError: arrays that do not fit.
        RunError: internal nodes that do not come to rest, with the number of their edge; a voltage that is not finite.
    """
    return states_and_slopes(device, topology, node_V, gate_V, deviations)[0]


def states_and_slopes(
    device: Device | Linked,
    topology: Topology,
    node_V: FloatArray,
    gate_V: FloatArray,
    deviations: Deviations | None = None,
) -> tuple[EdgeStates, EdgeSlopes]:
    """As `edge_states`, with the conductances."""
    node_V = np.asarray(node_V, np.float64)
    _check(topology, node_V, gate_V, deviations)
    shape = (len(node_V), topology.n_edges)
    sign = device.sign if isinstance(device, Linked) else 1.0
    D_V, S_V = _flat(sign * node_V[:, topology.edges_D], shape), _flat(sign * node_V[:, topology.edges_S], shape)
    gates_V = _flat(gate_V, shape)
    own = (
        _flat(0.0 if deviations is None else deviations.vto_offset_V, shape),
        _flat(1.0 if deviations is None else deviations.kp_factor, shape, 1.0),
    )
    circuit, is_linked = pack(device), True if isinstance(device, Linked) else None
    d_V, s_V, b_V, in_D, in_S = _at_rest(device, circuit, is_linked, D_V, S_V, gates_V, own, deviations, shape)
    moved_V = sign * gates_V
    if isinstance(device, Linked):
        moved_V = moved_V + (device.gate_D * D_V + device.gate_S * S_V + device.gate_b * b_V)
    found = np.empty(CHANNEL_FIELDS * D_V.size)
    channels(circuit, is_linked, d_V, s_V, b_V, moved_V, *own, found)
    parts = found.reshape(CHANNEL_FIELDS, -1)[:, : shape[0] * shape[1]].reshape(CHANNEL_FIELDS, *shape)
    current, by_d, by_s, by_b, overdrive_V, vth_V, junction_d, junction_s = parts
    by_g = -(by_d + by_s + by_b)
    count = shape[0] * shape[1]
    in_D, in_S, d_V, s_V, b_V, moved_V = (sign * x[:count].reshape(shape) for x in (in_D, in_S, d_V, s_V, b_V, moved_V))
    across_V = np.abs(d_V - s_V)
    region = np.where(overdrive_V <= 0.0, OFF, np.where(across_V < overdrive_V, LINEAR, SATURATED)).astype(np.int8)
    states = EdgeStates(
        in_D, in_S, sign * current, by_g, overdrive_V, across_V, sign * vth_V, d_V, s_V, b_V, moved_V, region
    )
    return states, EdgeSlopes(by_d, by_s, by_b, by_g, junction_d, junction_s)


def _at_rest(
    device: Device | Linked,
    circuit: FloatArray,
    is_linked: bool | None,
    D_V: FloatArray,
    S_V: FloatArray,
    gates_V: FloatArray,
    own: tuple[FloatArray, FloatArray],
    deviations: Deviations | None,
    shape: tuple[int, int],
) -> FloatArray:
    """Internal d, s and b, currents into the ends: (5, M), mirrored as D_V and S_V are."""
    found = np.empty(REST_FIELDS * D_V.size)
    span_V = max(D_V.max(), S_V.max()) - min(D_V.min(), S_V.min())
    size_V = max(float(np.abs(x).max()) for x in (D_V, S_V, gates_V))
    bad = rest(
        circuit, is_linked, D_V, S_V, gates_V, *own, limits(device, deviations).knee_V,
        DAMPED * max(float(span_V), 1.0), TOLERANCE_V * max(1.0, size_V / 10.0), LARGEST_PASSES, found,
    )  # fmt: skip
    if bad >= 0:
        state, edge = divmod(int(bad), shape[1])
        raise RunError(
            f"the internal nodes of edge {edge} of state {state}, or of one of the {WIDTH - 1} after it, do not come "
            "to rest; check for voltages far outside of the rails"
        )
    return found.reshape(REST_FIELDS, -1)


def _flat(values: Any, shape: tuple[int, int], filling: float = 0.0) -> FloatArray:
    """Values of all transistors one after the other, filled up to whole vectors."""
    count = shape[0] * shape[1]
    flat = np.full(-(-count // WIDTH) * WIDTH, filling)
    flat[:count] = np.broadcast_to(values, shape).ravel()
    return flat


def _check(topology: Topology, node_V: FloatArray, gate_V: FloatArray, deviations: Deviations | None) -> None:
    count, wide = topology.n_edges, topology.max_node + 1
    if node_V.ndim != 2 or node_V.shape[1] != wide or not len(node_V):
        raise InputError(f"node_V must have shape (states, {wide}), not {node_V.shape}")
    if np.shape(gate_V) not in ((count,), (len(node_V), count)):
        raise InputError(f"gate_V must have shape ({count},) or ({len(node_V)}, {count}), not {np.shape(gate_V)}")
    if deviations is not None and deviations.n_edges != count:
        raise InputError(f"deviations of {deviations.n_edges} transistors do not fit a network of {count}")
    bad = np.flatnonzero(~(np.isfinite(node_V).all(axis=1) & np.isfinite(gate_V).all(axis=-1)))
    if bad.size:
        raise RunError(f"state {int(bad[0])} has a voltage that is not finite")
