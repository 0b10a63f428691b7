"""`analog_nmos.rules.device_aware`, compiled."""

# mypy: allow-untyped-defs

from __future__ import annotations

from typing import Any, NamedTuple

from analog_nmos.rules.transistors_kernel import channel
from common.kernels.jit import leaf, lean


class Both(NamedTuple):
    """The transistors of the first and the second state: `transistors_kernel.Known`."""

    first: Any
    second: Any


@lean
def change(own, replica, edges, gate_V, free_V, first_V, second_V, out_V2):
    """See `analog_nmos.rules.quantity.ChangeKernel`."""
    for e in range(out_V2.size):
        drain, source = edges.drain[replica, e], edges.source[replica, e]
        before = _value(own.first, replica, e, first_V[drain], first_V[source], gate_V[e])
        out_V2[e] = _value(own.second, replica, e, second_V[drain], second_V[source], gate_V[e]) - before


@leaf
def _value(known, replica, e, drain_V, source_V, gate_V):
    across_V, _, overdrive_V, rises = channel(known.around, known.vto_offset_V[replica, e], drain_V, source_V, gate_V)
    t_V = min(across_V, max(overdrive_V, 0.0))
    return t_V * (t_V if rises else 2.0 * across_V - t_V)
