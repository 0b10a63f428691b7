"""Newton's method for one output that shares no free node with another: it decides the native solver's speed.

Every edge of such an output has its drain at a fixed voltage, so after the internal nodes are eliminated
(`edge.newton_step`) one unknown is left, the output's own voltage. A pass goes over the output's edges once, eight
at a time: it moves the internal nodes by the last step, linearises, and sums current and conductance at the output.

Layout: the edges of an output lie side by side, filled up to a multiple of eight with edges of weight 0. `work` holds
nine fields of an edge (internal d, s, b; their step; their step by the output's) one after the other, `stride` apart.
"""

# mypy: allow-untyped-defs

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from analog_nmos.backends.base import Status
from analog_nmos.backends.native.transistor import kinds
from analog_nmos.backends.native.transistor.accuracy import ROUNDING_V, is_certain, rounding_A
from analog_nmos.backends.native.transistor.device import CUTOFF_MARGIN_V
from analog_nmos.backends.native.transistor.edge import below_knee
from common.kernels.jit import compiled, leaf, lean
from common.kernels.vectors import WIDTH, absolute, largest, load, maximum, minimum, splat, store, total

CONVERGED, NO_CONVERGENCE = int(Status.CONVERGED), int(Status.NO_CONVERGENCE)
SINGULAR, NOT_FINITE = int(Status.SINGULAR), int(Status.NOT_FINITE)
FIELDS = 9
FREE_V, DAMPED = 1.0, 0.1  # largest step of any voltage: first (V), and when that failed (per V of span, or 1 V)
FIRST_PASSES = 30  # before steps are damped
LARGEST_LAST_V = CUTOFF_MARGIN_V


class Edges(NamedTuple):
    """The edge slots of all outputs."""

    gate_V: Any
    weight: Any  # 1 for an edge, 0 for filling
    vto_offset_V: Any  # None where no replica has any: kernels are then compiled without it
    kp_factor: Any  # None likewise


class Output(NamedTuple):
    """What surrounds one output besides its edges."""

    first: Any  # its first edge slot
    last: Any  # one past its last edge slot
    load_S: Any  # rshunt and series resistor together
    source_A: Any  # current that the series resistor brings at 0 V
    tolerance_V: Any
    passes: Any  # at most, before source stepping
    accuracy: Any  # accuracy.Accuracy
    damped_V: Any  # largest step of any voltage once full steps have failed
    knee_V: Any  # of a forward junction


@leaf
def own_device(m, vto_offset_V, kp_factor, j):
    """The Device of eight edges; adding -0.0 and multiplying by 1 cost nothing."""
    offset_V, factor = splat(-0.0), splat(1.0)
    if vto_offset_V is not None:
        offset_V, factor = load(vto_offset_V, j), load(kp_factor, j)
    return kinds.deviating(m, offset_V, factor)


@leaf
def _guess_pass(drain_V, edges, out, node_V, m, work, stride):
    """Fill `work` from a closed-form guess; current into the edges at the output, and its derivative."""
    current, slope = splat(0.0), splat(0.0)
    for j in range(out.first, out.last, WIDTH):
        at = j - out.first
        drain = load(drain_V, at)
        own = own_device(m, edges.vto_offset_V, edges.kp_factor, j)
        d, s, through, by, d_byS, s_byS = kinds.guess(drain, load(edges.gate_V, j), splat(node_V), own)
        store(work, at, d)
        store(work, at + stride, s)
        store(work, at + 3 * stride, 0.0)
        store(work, at + 4 * stride, 0.0)
        store(work, at + 5 * stride, 0.0)
        store(work, at + 6 * stride, d_byS)
        store(work, at + 7 * stride, s_byS)
        store(work, at + 8 * stride, 0.0)
        w = load(edges.weight, j)
        current = current - w * through
        slope = slope + w * by
    return total(current), total(slope)


@leaf
def _newton_pass(drain_V, edges, out, node_V, moved_V, limit_V, guess_body, damped, m, work, stride):
    """Move the internal nodes and linearise: current, conductance, curvature, largest step of an internal node."""
    current, slope, bend, size = splat(0.0), splat(0.0), splat(0.0), splat(0.0)
    end = splat(node_V)
    for j in range(out.first, out.last, WIDTH):
        at = j - out.first
        drain = load(drain_V, at)
        d_step = load(work, at + 3 * stride) + load(work, at + 6 * stride) * moved_V
        s_step = load(work, at + 4 * stride) + load(work, at + 7 * stride) * moved_V
        d = load(work, at) + maximum(minimum(d_step, limit_V), 0.0 - limit_V)
        s = load(work, at + stride) + maximum(minimum(s_step, limit_V), 0.0 - limit_V)
        if guess_body:
            b = kinds.body(d, s, drain, load(edges.gate_V, j), end, m)
        else:
            b_step = load(work, at + 5 * stride) + load(work, at + 8 * stride) * moved_V
            b = load(work, at + 2 * stride) + maximum(minimum(b_step, limit_V), 0.0 - limit_V)
        if damped or kinds.always_cut(m):
            before = load(work, at + 2 * stride) - minimum(load(work, at), load(work, at + stride))
            b = below_knee(splat(0.0) if guess_body else before, d, s, b, out.knee_V, m)
        own = own_device(m, edges.vto_offset_V, edges.kp_factor, j)
        step = kinds.step(drain, load(edges.gate_V, j), end, d, s, b, own)
        store(work, at, d)
        store(work, at + stride, s)
        store(work, at + 2 * stride, b)
        store(work, at + 3 * stride, step.d)
        store(work, at + 4 * stride, step.s)
        store(work, at + 5 * stride, step.b)
        store(work, at + 6 * stride, step.d_byS)
        store(work, at + 7 * stride, step.s_byS)
        store(work, at + 8 * stride, step.b_byS)
        w = load(edges.weight, j)
        current = current + w * step.in_S
        slope = slope + w * step.in_S_byS
        bend = bend + w * step.bend
        size = maximum(maximum(absolute(step.d), absolute(step.s)), maximum(absolute(step.b), size))
    return total(current), total(slope), total(bend), largest(size)


@lean
def attempt(drain_V, edges, out, node_V, damped, passes, guess, m, work, stride):
    """Newton from node_V and `work` (or from a guess of the latter): (voltage, status, passes).

    Newton's error after a step is the curvature of the equations over their slope times the step squared, which is
    known without another pass to see that nothing moves any more (unless `accuracy` has doubts).
    """
    moved_V, doubt_V = 0.0, 0.0  # doubt_V: largest step that confirms a doubtful solution
    limit_V = out.damped_V if damped else FREE_V
    if guess:
        current, slope = _guess_pass(drain_V, edges, out, node_V, m, work, stride)
        moved_V = (out.source_A - out.load_S * node_V - current) / (slope + out.load_S)
        moved_V = max(min(moved_V, limit_V), -limit_V)
        node_V += moved_V
    for passed in range(passes):
        current, slope, bend, size = _newton_pass(
            drain_V, edges, out, node_V, moved_V, limit_V, guess and passed == 0, damped, m, work, stride
        )
        slope += out.load_S
        moved_V = (out.source_A - out.load_S * node_V - current) / slope
        if not math.isfinite(moved_V):
            return node_V, NOT_FINITE, passed + 1
        size = max(size, abs(moved_V))
        error_A, allowed_A = bend * size * size, out.tolerance_V * slope
        if abs(moved_V) * slope + out.accuracy.curvature * error_A <= doubt_V * slope:
            return node_V, CONVERGED, passed + 1
        moved_V = max(min(moved_V, limit_V), -limit_V)
        node_V += moved_V
        if size < LARGEST_LAST_V and error_A <= allowed_A:
            n_edges = out.last - out.first
            rounding_V = rounding_A(out.accuracy, n_edges, node_V) / slope
            if rounding_V > ROUNDING_V:
                return node_V, SINGULAR, passed + 1
            if is_certain(out.accuracy, size, error_A, n_edges * out.accuracy.jump_A, allowed_A):
                return node_V, CONVERGED, passed + 1
            doubt_V = max(out.tolerance_V, 2.0 * rounding_V)
    return node_V, NO_CONVERGENCE, passes


@compiled
def source_stepping(drain_V, edges, out, m, work, stride):
    """Raise all sources but the gates from 0 V, where everything is 0 V, as fast as damped Newton follows."""
    no_guess = out.passes < 0  # plain values, not literals: numba then compiles `attempt` once
    scaled_V = np.empty(stride)
    before = np.zeros(3 * stride)
    work[: 9 * stride] = 0.0
    node_V, reached, step, passes = 0.0, 0.0, 0.25, 0
    while reached < 1.0:
        scale = min(reached + step, 1.0)
        scaled_V[:] = drain_V[:stride] * scale
        now = Output(
            out.first, out.last, out.load_S, out.source_A * scale, out.tolerance_V, out.passes,
            out.accuracy, out.damped_V, out.knee_V,
        )  # fmt: skip
        found_V, status, passed = attempt(
            scaled_V,
            edges,
            now,
            node_V,
            not no_guess,
            max(40, -out.passes),
            no_guess,
            kinds.eased(m, scale),
            work,
            stride,
        )
        passes += passed
        if status == CONVERGED:
            node_V, reached, step = found_V, scale, 2.0 * step
            before[:] = work[: 3 * stride]
        else:
            step *= 0.25
            if step < 1e-5:
                return node_V, status, passes
            work[: 3 * stride] = before
        work[3 * stride : 9 * stride] = 0.0
    return node_V, CONVERGED, passes


@compiled
def solve_output(drain_V, edges, out, start_V, m, work, stride):
    """Voltage of one output, status and passes over its edges: Newton, then damped, then source stepping."""
    guess = out.passes > 0
    node_V, status, passes = attempt(
        drain_V, edges, out, start_V, not guess, min(out.passes, FIRST_PASSES), guess, m, work, stride
    )
    if status != CONVERGED and out.passes > passes:
        node_V, status, more = attempt(drain_V, edges, out, start_V, guess, out.passes - passes, guess, m, work, stride)
        passes += more
        if status != CONVERGED:
            node_V, status, more = source_stepping(drain_V, edges, out, m, work, stride)
            passes += more
    return node_V, status, passes
