"""One transistor of a linearised circuit, seen from its two end nodes at a complex frequency.

The internal drain d, source s and body b are eliminated as in `transistor.edge`; with capacitances their equations
depend on the frequency. V_G is constant, so that a gate moves as the node does that its source stands on.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analog_nmos.backends.native.transistor.device import Device
from analog_nmos.backends.native.transistor.linked import Linked
from analog_nmos.backends.native.transistor.states import EdgeSlopes
from analog_nmos.energy.capacitances import Capacitances

ComplexArray = NDArray[np.complex128]


class Surroundings(NamedTuple):
    """How a transistor's body and gate hang on other nodes; the fields are those of `linked.Linked`."""

    held: float
    body_ohm: float
    shunt_b_S: float
    on_D: float
    on_S: float
    gate_D: float
    gate_S: float
    gate_b: float


def surroundings(device: Device | Linked) -> Surroundings:
    """Of a device of either kind."""
    if isinstance(device, Linked):
        return Surroundings(*(getattr(device, name) for name in Surroundings._fields))
    floats = device.floating > 0.0
    body_ohm = 1.0 if floats else 1.0 / device.body_S
    return Surroundings(1.0 - device.floating, body_ohm, device.shunt_S, 0.0, float(device.tie_S > 0.0), 0.0, 0.0, 0.0)


def admittances(device: Device | Linked, slopes: EdgeSlopes, held: Capacitances, frequency: Any) -> ComplexArray:
    """Currents into both ends by the voltages of both ends: (N, M, E, 2, 2) in S, drain before source.

    Args:
        device: of the transistors.
        slopes: their conductances (N, E).
        held: their capacitances.
        frequency: (N, M) in 1/s.
    """
    at, around = np.asarray(frequency)[:, :, None], surroundings(device)

    def through(conductance_S: Any, capacitance_F: Any, voltage: NDArray[np.float64]) -> Any:
        """A current as its derivatives by d, s, b, D and S."""
        both = np.asarray(conductance_S)[..., None, :] + at * np.asarray(capacitance_F)[..., None, :]
        return both[..., None] * voltage

    d, s, b, D, S = np.eye(5)
    gate = around.gate_D * D + around.gate_S * S + around.gate_b * b
    none = np.zeros((1, 1))
    by = zip(slopes[:4], (d, s, b, gate), strict=True)
    channel = sum(through(slope, none, voltage) for slope, voltage in by)
    body_d = through(slopes.drain_junction_S, held.drain_body_F, b - d)
    body_s = through(slopes.source_junction_S, held.source_body_F, b - s)
    gate_d, gate_s = (
        through(none, none + held.gate_drain_F, gate - d),
        through(none, none + held.gate_source_F, gate - s),
    )
    gate_b = through(none, none + held.gate_body_F, gate - b)
    end_d, end_s = through(none, none + held.end_F, gate - D), through(none, none + held.end_F, gate - S)
    drawn = (
        device.shunt_S * gate + gate_d + gate_s + gate_b + end_d + end_s
    )  # by the gate, from where its source stands
    out_d = device.shunt_d_S * d + channel - body_d - gate_d
    out_s = device.shunt_s_S * s - channel - body_s - gate_s
    out_b = body_d + body_s + around.shunt_b_S * b - gate_b + around.gate_b * drawn
    tie = around.on_D * D + around.on_S * S
    inside = np.stack(
        np.broadcast_arrays(
            (d - D) + device.rd_ohm * out_d,
            (s - S) + device.rs_ohm * out_s,
            around.held * (b - tie) + around.body_ohm * out_b,
        ),
        axis=-2,
    )
    ends = np.stack(
        np.broadcast_arrays(
            out_d + around.on_D * out_b + around.gate_D * drawn - end_d,
            out_s + around.on_S * out_b + around.gate_S * drawn - end_s,
        ),
        axis=-2,
    )
    follow = np.linalg.solve(inside[..., :3], inside[..., 3:])
    found: ComplexArray = ends[..., 3:] - ends[..., :3] @ follow
    return found
