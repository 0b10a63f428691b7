"""`analog_nmos.rules.transistors` for one transistor, compiled."""

# mypy: allow-untyped-defs

from __future__ import annotations

import math
from typing import Any, NamedTuple

from analog_nmos.backends.native.transistor.edge import LOG_OMEGA
from analog_nmos.rules.transistors import Surroundings, Transistors
from common.kernels.jit import leaf, lean


class Known(NamedTuple):
    """A circuit's `Transistors`; offsets and factors (L, E)."""

    around: Any
    vto_offset_V: Any
    kp_factor: Any


def known(transistors: Transistors) -> Known:
    """Those of a circuit, for kernels."""
    return Known(Surroundings(*map(float, transistors.around)), transistors.vto_offset_V, transistors.kp_factor)


@lean
def channel(m, offset_V, drain_V, source_V, gate_V):
    """(across_V, is_reversed, overdrive_V, rises) of one transistor; see `Transistors.channel`."""
    drain_V, source_V, own_V = m.sign * drain_V, m.sign * source_V, m.sign * gate_V
    low_V, across_V = min(drain_V, source_V), abs(drain_V - source_V)
    body_V = m.body_D * drain_V + m.body_S * source_V
    if m.floats > 0.0:
        body_V = _floating_body_V(m, low_V, across_V, own_V)
    at_V = own_V + m.gate_D * drain_V + m.gate_S * source_V + m.gate_b * body_V
    above_V = body_V - low_V
    root = math.sqrt(m.phi_V - min(above_V, 0.0)) - max(above_V, 0.0) * m.slope
    threshold_V = (m.vbi_V + m.sign * offset_V) + m.gamma * max(root, 0.0)
    is_reversed = drain_V < source_V
    stands = m.gate_S + m.gate_b * m.body_S if is_reversed else m.gate_D + m.gate_b * m.body_D
    return across_V, is_reversed, (at_V - low_V) - threshold_V, stands > 0.0


@leaf
def _floating_body_V(m, low_V, across_V, own_V):
    drawn_A = m.shunt_S * low_V + m.drawn_S * (low_V + own_V)
    z = ((m.gmin_S * across_V + 2.0 * m.isat_A) - drawn_A) / (m.leak_S * m.vt_V) + m.log_alpha
    x = min(z, 12.0)
    omega = x
    if x > -4.0:
        omega = 0.0
        for k in range(len(LOG_OMEGA) - 1, -1, -1):
            omega = omega * x + LOG_OMEGA[k]
    return low_V + (omega - m.log_alpha) * m.vt_V
