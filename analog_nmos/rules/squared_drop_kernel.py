"""`analog_nmos.rules.squared_drop`, compiled."""

# mypy: allow-untyped-defs

from __future__ import annotations

from typing import Any, NamedTuple

from common.kernels.jit import lean


class Nothing(NamedTuple):
    """The square needs to know nothing; numba has no empty NamedTuple."""

    unused: Any


@lean
def change(own, replica, edges, gate_V, free_V, first_V, second_V, out_V2):
    """See `analog_nmos.rules.quantity.ChangeKernel`."""
    for e in range(out_V2.size):
        drain, source = edges.drain[replica, e], edges.source[replica, e]
        before_V, after_V = first_V[drain] - first_V[source], second_V[drain] - second_V[source]
        out_V2[e] = after_V * after_V - before_V * before_V
