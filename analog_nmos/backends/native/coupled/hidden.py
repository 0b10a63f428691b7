"""The kernels for networks whose edges join free nodes to each other: all free nodes of a replica at once.

Eliminating each edge's internal nodes (`edge.newton_step`) leaves a system in the free nodes, the outputs and hidden
ones. A pass goes over all edges, eight at a time, and writes into a dense matrix or into the data of a sparse one.

Arguments that the kernels share: `device` (`parameters.as_array`); `ends`, `weight`, `place`, `diagonal` and `n_edges`
of a `wiring.CoupledNetwork`; `gate_V` (slots,); `node_V` (free and fixed nodes,); `load_S` and `source_A` (F,), what
rshunt and the series resistors bring; `limit_V`, the largest step; `guess`, whether the internal nodes start from
`edge.first_guess`; `knee_V`, beyond which a body's step is cut short (infinite: never); `accuracy`, an
`accuracy.Accuracy`; `work`, 16 fields of an edge: internal d, s, b; their step; their step by S's; by D's; voltages of
D and S; their steps.
"""

# mypy: allow-untyped-defs

from __future__ import annotations

import math

import numpy as np

from analog_nmos.backends.base import Status
from analog_nmos.backends.native.accuracy import EPSILON, ROUNDING_V, is_certain, rounding_A
from analog_nmos.backends.native.decoupled.newton import LARGEST_LAST_V
from analog_nmos.backends.native.device import unpack
from analog_nmos.backends.native.edge import below_knee, first_guess, floating_body, newton_step
from analog_nmos.backends.native.jit import kernel
from common.kernels.jit import compiled, leaf
from common.kernels.vectors import WIDTH, absolute, largest, load, maximum, minimum, splat, store

FIELDS = 16
CONVERGED, NO_CONVERGENCE = int(Status.CONVERGED), int(Status.NO_CONVERGENCE)
SINGULAR, NOT_FINITE = int(Status.SINGULAR), int(Status.NOT_FINITE)


@leaf
def _internal_nodes(work, at, n, D_V, gate_V, S_V, D_step, S_step, limit_V, guess, knee_V, m):
    """Internal d, s, b after the last step, or their first guess."""
    if guess:
        through, _ = first_guess(D_V, gate_V, S_V, m)
        d, s = D_V - m.rd_ohm * through, S_V + m.rs_ohm * through
        b = floating_body(d, s, m) if m.floating > 0.0 else S_V * (1.0 if m.tie_S > 0.0 else 0.0)
    else:
        d_step = load(work, at + 3 * n) + load(work, at + 6 * n) * S_step + load(work, at + 9 * n) * D_step
        s_step = load(work, at + 4 * n) + load(work, at + 7 * n) * S_step + load(work, at + 10 * n) * D_step
        b_step = load(work, at + 5 * n) + load(work, at + 8 * n) * S_step + load(work, at + 11 * n) * D_step
        d = load(work, at) + maximum(minimum(d_step, limit_V), 0.0 - limit_V)
        s = load(work, at + n) + maximum(minimum(s_step, limit_V), 0.0 - limit_V)
        b = load(work, at + 2 * n) + maximum(minimum(b_step, limit_V), 0.0 - limit_V)
    if knee_V < math.inf:
        before = load(work, at + 2 * n) - minimum(load(work, at), load(work, at + n))
        b = below_knee(splat(0.0) if guess else before, d, s, b, knee_V, m)
    return d, s, b


@compiled
def _pass(
    device, ends, weight, place, diagonal, gate_V, node_V, moved_V, load_S, source_A, limit_V, guess, knee_V, work,
    data, right, bend, flow,
):  # fmt: skip
    """Fill matrix (data), residual (right), curvature (bend) and absolute currents (flow) of the free nodes.

    Returns the largest internal step.
    """
    m = unpack(device)
    n_free, n = diagonal.size, weight.size
    data[:] = 0.0
    bend[:] = 0.0
    flow[:] = 0.0
    for i in range(n_free):
        right[i] = source_A[i] - load_S[i] * node_V[i]
    size = splat(0.0)
    pair = np.empty(7 * WIDTH)
    for j in range(n):
        for side in range(2):
            node = ends[side, j]
            work[(12 + side) * n + j] = node_V[node]
            work[(14 + side) * n + j] = moved_V[node] if node < n_free else 0.0
    for at in range(0, n, WIDTH):
        D_V, S_V = load(work, at + 12 * n), load(work, at + 13 * n)
        gate = load(gate_V, at)
        D_step, S_step = load(work, at + 14 * n), load(work, at + 15 * n)
        d, s, b = _internal_nodes(work, at, n, D_V, gate, S_V, D_step, S_step, limit_V, guess, knee_V, m)
        step = newton_step(D_V, gate, S_V, d, s, b, m)
        kept = (d, s, b, step.d, step.s, step.b, step.d_byS, step.s_byS, step.b_byS, step.d_byD, step.s_byD, step.b_byD)
        for field in range(12):
            store(work, at + field * n, kept[field])
        size = maximum(maximum(absolute(step.d), absolute(step.s)), maximum(absolute(step.b), size))
        w = load(weight, at)
        seen = (step.in_D_byD, step.in_D_byS, step.in_S_byD, step.in_S_byS, step.in_D, step.in_S, step.bend)
        for field in range(7):
            store(pair, field * WIDTH, w * seen[field])
        for i in range(WIDTH):
            for field in range(4):
                data[place[at + i, field]] += pair[field * WIDTH + i]
            for side in range(2):
                node = ends[side, at + i]
                if node < n_free:
                    right[node] -= pair[(4 + side) * WIDTH + i]
                    flow[node] += abs(pair[(4 + side) * WIDTH + i])
                    bend[node] += pair[6 * WIDTH + i]
    for i in range(n_free):
        data[diagonal[i]] += load_S[i]
    return largest(size)


@compiled
def factor(a, order):
    """LU factors of a (F, F) in place with row exchanges in `order`; False if singular."""
    n = order.size
    for column in range(n):
        pivot = column
        for row in range(column + 1, n):
            if abs(a[row, column]) > abs(a[pivot, column]):
                pivot = row
        if a[pivot, column] == 0.0:
            return False
        order[column] = pivot
        if pivot != column:
            for k in range(n):
                a[column, k], a[pivot, k] = a[pivot, k], a[column, k]
        for row in range(column + 1, n):
            if a[row, column] != 0.0:
                share = a[row, column] / a[column, column]
                a[row, column] = share
                for k in range(column + 1, n):
                    a[row, k] -= share * a[column, k]
    return True


@compiled
def substitute(a, order, x):
    """Solve with the factors of `factor`; x (F,) is replaced by the solution."""
    n = order.size
    for column in range(n):
        x[column], x[order[column]] = x[order[column]], x[column]
    for row in range(n):
        for k in range(row):
            x[row] -= a[row, k] * x[k]
    for row in range(n - 1, -1, -1):
        for k in range(row + 1, n):
            x[row] -= a[row, k] * x[k]
        x[row] /= a[row, row]


@compiled
def _advance(node_V, step_V, bound_V, moved_V, size, limit_V, accuracy, doubt_V):
    """Move the free nodes: (status, largest step, error promised), the status NO_CONVERGENCE meaning not yet.

    bound_V: reply of the network to its curvature. A doubtful solution is kept if step and error are within doubt_V.
    """
    worst, moved = 0.0, 0.0
    for i in range(step_V.size):
        if not math.isfinite(step_V[i]):
            return NOT_FINITE, size, math.inf
        moved = max(moved, abs(step_V[i]))
        worst = max(worst, abs(bound_V[i]))
    size = max(size, moved)
    error_V = worst * size * size
    if moved + accuracy.curvature * error_V <= doubt_V:
        return CONVERGED, size, error_V
    for i in range(step_V.size):
        moved_V[i] = max(min(step_V[i], limit_V), -limit_V)
        node_V[i] += moved_V[i]
    return NO_CONVERGENCE, size, error_V


@compiled
def _rounding(node_V, n_edges, flow, accuracy):
    """Replace the absolute currents `flow` by what rounding leaves over of them, n_edges (F,) meeting at each node."""
    for i in range(flow.size):
        flow[i] = EPSILON * flow[i] + rounding_A(accuracy, n_edges[i], node_V[i])


@compiled
def _settle(size, error_V, rounding_V, jump_V, tolerance_V, accuracy):
    """Status of a solution whose promised error is small enough, and how closely a step is to confirm it in V.

    rounding_V, jump_V: the network's reply to rounding and to jumps.
    """
    rounding, jump = 0.0, 0.0
    for i in range(rounding_V.size):
        rounding = max(rounding, abs(rounding_V[i]))
        jump = max(jump, abs(jump_V[i]))
    if rounding > ROUNDING_V:
        return SINGULAR, 0.0
    certain = is_certain(accuracy, size, error_V, jump, tolerance_V)
    return CONVERGED if certain else NO_CONVERGENCE, max(tolerance_V, 2.0 * rounding)


@kernel
def dense_newton(
    device, ends, weight, place, diagonal, gate_V, node_V, load_S, source_A, limit_V, passes, guess, tolerance_V,
    accuracy, n_edges, knee_V, work, data,
):  # fmt: skip
    """Newton from node_V (free nodes are moved, fixed ones given) and `work`: (status, passes)."""
    n = diagonal.size
    moved_V, right, bend, flow, order = np.zeros(n), np.empty(n), np.empty(n), np.empty(n), np.empty(n, np.int64)
    doubt_V = 0.0
    for passed in range(passes):
        size = _pass(
            device, ends, weight, place, diagonal, gate_V, node_V, moved_V, load_S, source_A, limit_V,
            guess and passed == 0, knee_V, work, data, right, bend, flow,
        )  # fmt: skip
        matrix = data[: n * n].reshape((n, n))
        if not factor(matrix, order):
            return SINGULAR, passed + 1
        substitute(matrix, order, right)
        substitute(matrix, order, bend)
        status, size, error_V = _advance(
            node_V, right, bend, moved_V, size, limit_V, accuracy, doubt_V
        )  # fmt: skip
        if status == NO_CONVERGENCE and size < LARGEST_LAST_V and error_V <= tolerance_V:
            jump_V = accuracy.jump_A * n_edges
            _rounding(node_V, n_edges, flow, accuracy)
            substitute(matrix, order, flow)
            substitute(matrix, order, jump_V)
            status, doubt_V = _settle(size, error_V, flow, jump_V, tolerance_V, accuracy)
        if status != NO_CONVERGENCE:
            return status, passed + 1
    return NO_CONVERGENCE, passes


@kernel
def sparse_pass(
    device, ends, weight, place, diagonal, gate_V, node_V, moved_V, load_S, source_A, limit_V, guess, knee_V, work,
    data, right, bend, flow,
):  # fmt: skip
    """One pass for `CoupledReplica`."""
    return _pass(
        device, ends, weight, place, diagonal, gate_V, node_V, moved_V, load_S, source_A, limit_V, guess, knee_V, work,
        data, right, bend, flow,
    )  # fmt: skip


@kernel
def sparse_advance(node_V, step_V, bound_V, moved_V, size, limit_V, accuracy, doubt_V):
    """The end of a pass for `CoupledReplica`."""
    return _advance(node_V, step_V, bound_V, moved_V, size, limit_V, accuracy, doubt_V)


@kernel
def sparse_doubts(node_V, n_edges, flow, accuracy):
    """Currents (2, F) that rounding and jumps may add."""
    _rounding(node_V, n_edges, flow, accuracy)
    currents = np.empty((2, flow.size))
    currents[0, :] = flow
    currents[1, :] = accuracy.jump_A * n_edges
    return currents


@kernel
def sparse_settle(size, error_V, rounding_V, jump_V, tolerance_V, accuracy):
    """The end of a solve for `CoupledReplica`."""
    return _settle(size, error_V, rounding_V, jump_V, tolerance_V, accuracy)
