"""Our terms of the free phase, compiled, and how several become one function."""

# mypy: allow-untyped-defs

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from analog_nmos.rules.transistors_kernel import channel
from common.kernels.jit import leaf, lean


@lean
def power(known, replica, e, drain_V, source_V, gate_V):
    """See `analog_nmos.rules.power`."""
    across_V, _, overdrive_V, _ = channel(known.around, known.vto_offset_V[replica, e], drain_V, source_V, gate_V)
    t_V = min(across_V, max(overdrive_V, 0.0))
    return t_V * across_V * (1.0 + known.around.lam * across_V)


@lean
def homeostasis(known, replica, e, drain_V, source_V, gate_V):
    """See `analog_nmos.rules.homeostasis`."""
    across_V, _, overdrive_V, _ = channel(known.around, known.vto_offset_V[replica, e], drain_V, source_V, gate_V)
    return min(across_V, max(overdrive_V, 0.0)) - across_V


class Weighted(NamedTuple):
    """What the terms need: `transistors_kernel.Known`, and the weights (L, terms)."""

    known: Any
    weight: Any


@leaf
def no_terms(own, replica, edges, gate_V, free_V, out_V2):
    """Without terms nothing is added."""


@functools.cache
def added(*values: Callable[..., Any]) -> Callable[..., Any]:
    """A function that adds all terms to out_V2 (E,), in their order; `own` is a `Weighted`."""
    add = no_terms
    for number, value in enumerate(values):
        add = _with_one_more(add, value, number)
    return add


@functools.cache
def _with_one_more(others: Callable[..., Any], value: Callable[..., Any], number: int) -> Callable[..., Any]:
    @lean
    def add(own, replica, edges, gate_V, free_V, out_V2):
        others(own, replica, edges, gate_V, free_V, out_V2)
        weight = own.weight[replica, number]
        for e in range(out_V2.size):
            drain_V, source_V = free_V[edges.drain[replica, e]], free_V[edges.source[replica, e]]
            out_V2[e] += weight * value(own.known, replica, e, drain_V, source_V, gate_V[e])

    return add
