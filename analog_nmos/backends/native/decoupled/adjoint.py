"""Sensitivities of outputs that share no free node: each one's derivative is its edges' currents over its slope.

With F(V, p) = 0 the current that is left over at an output, its voltage moves by dV/dp = -(dF/dp) / (dF/dV). The
internal nodes of its edges are found anew, since `work` holds those of one output only.
"""

# mypy: allow-untyped-defs

from __future__ import annotations

import math

import numpy as np

from analog_nmos.backends.native.decoupled.newton import (
    CONVERGED,
    FIELDS,
    NO_CONVERGENCE,
    NOT_FINITE,
    Edges,
    own_device,
)
from analog_nmos.backends.native.decoupled.phases import SKIPPED, Memory, numbers, solve_one, status_of_inputs
from analog_nmos.backends.native.transistor import kinds
from analog_nmos.backends.native.transistor.accuracy import ROUNDING_V
from analog_nmos.backends.native.transistor.jit import kernel
from common.kernels.jit import compiled, leaf
from common.kernels.vectors import WIDTH, absolute, largest, load, maximum, splat, store, total

PASSES = 8  # over the edges of a solved output, two or three of which take the internal nodes there


@leaf
def _factor(kp_factor, j):
    return splat(1.0) if kp_factor is None else load(kp_factor, j)


@leaf
def _responding_pass(drain_V, edges, begin, end, node_V, moved_V, m, work, stride, found):
    """Newton's pass, and into `found` (three fields of a slot) what each parameter adds to the current into the edge.

    Returns (current, conductance, largest step of an internal node).
    """
    current, slope, size, at_end, n = splat(0.0), splat(0.0), splat(0.0), splat(node_V), found.size // 3
    for j in range(begin, end, WIDTH):
        at, drain, gate = j - begin, load(drain_V, j - begin), load(edges.gate_V, j)
        d = load(work, at) + (load(work, at + 3 * stride) + load(work, at + 6 * stride) * moved_V)
        s = load(work, at + stride) + (load(work, at + 4 * stride) + load(work, at + 7 * stride) * moved_V)
        b = load(work, at + 2 * stride) + (load(work, at + 5 * stride) + load(work, at + 8 * stride) * moved_V)
        step = kinds.step(drain, gate, at_end, d, s, b, own_device(m, edges.vto_offset_V, edges.kp_factor, j))
        store(work, at, d)
        store(work, at + stride, s)
        store(work, at + 2 * stride, b)
        store(work, at + 3 * stride, step.d)
        store(work, at + 4 * stride, step.s)
        store(work, at + 5 * stride, step.b)
        store(work, at + 6 * stride, step.d_byS)
        store(work, at + 7 * stride, step.s_byS)
        store(work, at + 8 * stride, step.b_byS)
        store(found, at, step.in_S_byG)
        store(found, at + n, 0.0 - step.gm * step.in_S_byI)
        store(found, at + 2 * n, kinds.sign(m) * step.in_S_byI * (step.current / _factor(edges.kp_factor, j)))
        w = load(edges.weight, j)
        current, slope = current + w * step.in_S, slope + w * step.in_S_byS
        size = maximum(maximum(absolute(step.d), absolute(step.s)), maximum(absolute(step.b), size))
    return total(current), total(slope), largest(size)


@compiled
def _settle(drain_V, edges, begin, end, node_V, load_S, source_A, tolerance_V, m, work, stride, found):
    """Newton on from a solved output, until its next step is below the tolerance: (that step, slope)."""
    moved_V, size, slope = 0.0, math.inf, 1.0
    for _ in range(PASSES):
        current, slope, size = _responding_pass(drain_V, edges, begin, end, node_V, moved_V, m, work, stride, found)
        slope += load_S
        moved_V = (source_A - load_S * node_V - current) / slope
        if not math.isfinite(moved_V):
            return math.inf, slope
        size = max(size, abs(moved_V))
        if size <= tolerance_V:
            return size, slope
        node_V += moved_V
    return size, slope


@compiled
def respond(memory, replica, input_V, cotangent_A, response):
    """Sensitivities of one replica; nothing that a later solve depends on changes."""
    a = memory
    m, settings, limits = numbers(a.circuit, a.is_linked, a.limits, replica)
    edges = Edges(a.gate_V, a.weight, a.vto_offset_V, a.kp_factor)
    stride, status = a.work.size // (FIELDS + 1), status_of_inputs(input_V)
    first, sign = a.first[replica], kinds.sign(m)
    found, of_slot, check = np.empty(3 * stride), np.zeros((3, first[-1] - first[0])), 0.0
    response[:, :] = math.nan
    for k in range(cotangent_A.size):
        begin, end = first[k], first[k + 1]
        node_V, ended, passed = solve_one(
            input_V, k, replica, a.first, a.drain, edges, a.guess_V[replica, k], a.sink_V[replica, k],
            settings.free_S, 0.0, m, settings, limits, a.work, stride,
        )  # fmt: skip
        a.passes[0] += passed
        status = max(status, ended)
        if status != CONVERGED:
            return status
        load_S, source_A = m.shunt_S + settings.free_S, settings.free_S * (sign * a.sink_V[replica, k])
        size_V, slope = _settle(
            a.work[FIELDS * stride :], edges, begin, end, sign * node_V, load_S, source_A, settings.tolerance_V, m,
            a.work, stride, found,
        )  # fmt: skip
        if not size_V <= max(settings.tolerance_V, ROUNDING_V):
            return NO_CONVERGENCE
        by_A, check = -cotangent_A[k] / slope, check + 0.0 * cotangent_A[k]
        for j in range(begin, end):
            for i in range(3):
                of_slot[i, j - first[0]] = by_A * found[i * stride + j - begin]
    if not math.isfinite(check):
        return NOT_FINITE
    for e in range(response.shape[1]):
        slot = a.slot[replica, e]
        for i in range(3):
            response[i, e] = of_slot[i, slot - first[0]] if slot >= 0 else 0.0
    return CONVERGED


@kernel
def adjoint(memory, replica, input_V, cotangent_A, response):
    """See `analog_nmos.backends.base.CompiledSolver`."""
    return respond(memory, replica, input_V, cotangent_A, response)


@kernel
def adjoints(input_V, cotangent_A, mask, responses, status, *memory):
    """Of the replicas in `mask`: fills responses (L, 3, edges) and status (L,)."""
    for r in range(mask.size):
        responses[r, :, :] = math.nan
        status[r] = SKIPPED
        if mask[r]:
            status[r] = respond(Memory(*memory), r, input_V[r], cotangent_A[r], responses[r])
