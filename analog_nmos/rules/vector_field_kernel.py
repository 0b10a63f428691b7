"""`analog_nmos.rules.vector_field`, compiled."""

# mypy: allow-untyped-defs

from __future__ import annotations

from analog_nmos.rules.transistors_kernel import channel
from common.kernels.jit import lean


@lean
def change(own, replica, edges, gate_V, free_V, first_V, second_V, out_V2):
    """See `analog_nmos.rules.quantity.ChangeKernel`; own: `transistors_kernel.Known`."""
    for e in range(out_V2.size):
        drain, source = edges.drain[replica, e], edges.source[replica, e]
        across_V, _, overdrive_V, _ = channel(
            own.around, own.vto_offset_V[replica, e], free_V[drain], free_V[source], gate_V[e]
        )
        t_V = min(across_V, max(overdrive_V, 0.0))
        slope_V = 2.0 * t_V * (1.0 + own.around.lam * across_V)
        moved_V = (second_V[drain] - second_V[source]) - (first_V[drain] - first_V[source])
        out_V2[e] = slope_V * (moved_V * (-1.0 if free_V[drain] < free_V[source] else 1.0))
