"""What the transistors of a circuit know of themselves: where their body and gate source stand, and their threshold.

A transistor knows what a designer could build beside it: the voltages at its own ends, its gate's register, and its
own threshold with the body effect at the end that acts as its source. It knows neither its neighbours nor its series
resistances. All equations are those of `backends.native.transistor.device`, seen from the end nodes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analog_nmos.backends.native.transistor.device import Device
from analog_nmos.backends.native.transistor.edge import LOG_OMEGA
from analog_nmos.backends.native.transistor.linked import Linked
from analog_nmos.circuit.deviations import Deviations
from analog_nmos.rules.ends import Ends, FloatArray

BoolArray = NDArray[np.bool_]


class Surroundings(NamedTuple):
    """One transistor of the card and what it is joined to, as numbers for formulas in NumPy and compiled ones.

    Attributes:
        beta: A/V^2, kp * w / l.
        lam: 1/V, channel-length modulation.
        vbi_V, gamma, phi_V, slope: of the threshold, as in `device.Device`.
        sign: -1 for a PMOS, whose voltages are mirrored, else 1.
        body_D, body_S: 1 where the body is tied to the drain, or the source node.
        floats: 1 where it floats; then the next three count.
        leak_S, isat_A, vt_V: what leads from a floating body, its junctions' saturation current, thermal voltage.
        gmin_S, shunt_S: across a junction; from the body to ground.
        gate_D, gate_S, gate_b: 1 where the gate source stands on the drain node, the source node, or the body.
        drawn_S: from the body through a gate source that stands on it.
        log_alpha: of the floating body, see `edge.floating_body`.
    """

    beta: float
    lam: float
    vbi_V: float
    gamma: float
    phi_V: float
    slope: float
    sign: float
    body_D: float
    body_S: float
    floats: float
    leak_S: float
    isat_A: float
    vt_V: float
    gmin_S: float
    shunt_S: float
    gate_D: float
    gate_S: float
    gate_b: float
    drawn_S: float
    log_alpha: float

    @classmethod
    def of(cls, device: Device | Linked) -> Surroundings:
        """Of a device of either kind."""
        is_linked = isinstance(device, Linked)

        def its(name: str, otherwise: float = 0.0) -> float:
            return float(getattr(device, name)) if is_linked else otherwise

        shunt_S = its("shunt_b_S", device.shunt_S)
        drawn_S = its("gate_b") * device.shunt_S
        leak_S = 2.0 * device.gmin_S + shunt_S + drawn_S
        tied_S = its("on_S") if is_linked else float(getattr(device, "tie_S", 0.0) > 0.0)
        return cls(
            device.beta, device.lam, device.vbi_V, device.gamma, device.phi_V, device.slope, its("sign", 1.0),
            its("on_D"), tied_S, device.floating, leak_S, device.isat_A, device.vt_V, device.gmin_S, shunt_S,
            its("gate_D"), its("gate_S"), its("gate_b"), drawn_S,
            math.log(device.isat_A / (leak_S * device.vt_V)) if leak_S > 0.0 else 0.0,
        )  # fmt: skip


class Channel(NamedTuple):
    """How transistors stand, all of one shape; voltages of a PMOS are mirrored.

    Attributes:
        across_V: between the ends, not below 0.
        reversed: whether the drain lies below the source.
        overdrive_V: of the gate above the lower end, less the threshold there; below 0 where the transistor is off.
        rises: whether the gate rises with the upper end, on whose node its source stands.
    """

    across_V: FloatArray
    reversed: BoolArray
    overdrive_V: FloatArray
    rises: BoolArray


@dataclass(frozen=True)
class Transistors:
    """Those of one circuit of L replicas with E edges at most.

    Attributes:
        around: what all have in common.
        vto_offset_V: of each one's threshold, shape (L, E); 0 without a chip.
        kp_factor: of each one's kp, shape (L, E); 1 without a chip.
        device: as solvers know them.
    """

    around: Surroundings
    vto_offset_V: FloatArray
    kp_factor: FloatArray
    device: Device | Linked

    @classmethod
    def of(cls, device: Device | Linked, deviations: Sequence[Deviations | None], width: int) -> Transistors:
        """Of replicas whose transistors deviate so, filled up to `width` edges."""
        offset_V, factor = np.zeros((len(deviations), width)), np.ones((len(deviations), width))
        for row, own in enumerate(deviations):
            if own is not None:
                offset_V[row, : own.n_edges], factor[row, : own.n_edges] = own.vto_offset_V, own.kp_factor
        return cls(Surroundings.of(device), offset_V, factor, device)

    def channel(self, ends: Ends, gate_V: FloatArray) -> Channel:
        """How they stand with these end nodes and gate registers (L, E)."""
        m = self.around
        drain_V, source_V, own_V = m.sign * ends.drain_V, m.sign * ends.source_V, m.sign * gate_V
        low_V, across_V = np.minimum(drain_V, source_V), np.abs(drain_V - source_V)
        body_V = m.body_D * drain_V + m.body_S * source_V
        if m.floats > 0.0:
            body_V = _floating_body_V(low_V, across_V, own_V, m)
        at_V = own_V + m.gate_D * drain_V + m.gate_S * source_V + m.gate_b * body_V
        overdrive_V = (at_V - low_V) - self._threshold_V(body_V - low_V)
        is_reversed = drain_V < source_V
        # The upper end is the drain, unless it lies lower. A gate on a tied body moves with the node of the tie.
        on_drain, on_source = m.gate_D + m.gate_b * m.body_D, m.gate_S + m.gate_b * m.body_S
        return Channel(across_V, is_reversed, overdrive_V, np.where(is_reversed, on_source, on_drain) > 0.0)

    def _threshold_V(self, body_V: FloatArray) -> FloatArray:
        """See `device.threshold`; `body_V` above the lower end."""
        m = self.around
        root = np.sqrt(m.phi_V - np.minimum(body_V, 0.0)) - np.maximum(body_V, 0.0) * m.slope
        raised_V: FloatArray = (m.vbi_V + m.sign * self.vto_offset_V) + m.gamma * np.maximum(root, 0.0)
        return raised_V


def _floating_body_V(low_V: FloatArray, across_V: FloatArray, own_V: FloatArray, m: Surroundings) -> FloatArray:
    """See `edge.floating_body` and `linked.linked_body`."""
    drawn_A = m.shunt_S * low_V + m.drawn_S * (low_V + own_V)
    z = ((m.gmin_S * across_V + 2.0 * m.isat_A) - drawn_A) / (m.leak_S * m.vt_V) + m.log_alpha
    x = np.minimum(z, 12.0)
    omega = np.where(x > -4.0, np.polyval(LOG_OMEGA[::-1], x), x)
    body_V: FloatArray = low_V + (omega - m.log_alpha) * m.vt_V
    return body_V
