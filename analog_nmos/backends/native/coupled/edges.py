"""A pass over all edges of a coupled network, eight at a time: where the internal nodes go, and the linear equations.

Eliminating each edge's internal nodes (`edge.newton_step`) leaves a system in the free nodes, the outputs and hidden
ones. Arguments that the functions share: `m`, a `device.Device`; `w`, a `wiring.Wiring`; `memory`, a `memory.Memory`;
`limit_V`, the largest step; `guess`, whether the internal nodes start from `edge.first_guess`; `knee_V`, beyond which
a body's step is cut short (infinite: never).
"""

# mypy: allow-untyped-defs

from __future__ import annotations

import math

from analog_nmos.backends.native.device import with_kp
from analog_nmos.backends.native.edge import below_knee, first_guess, floating_body, newton_step
from common.kernels.jit import leaf, lean
from common.kernels.vectors import WIDTH, absolute, largest, load, maximum, minimum, splat, store, total


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


@leaf
def _linearise(memory, w, at, n, D_V, S_V, D_step, S_step, limit_V, guess, knee_V, m):
    """Move the internal nodes of eight edges and keep what their next move needs: their `edge.Step`."""
    work, gate = memory.work, load(memory.gate_V, at)
    own = with_kp(m, load(memory.kp_factor, at))
    d, s, b = _internal_nodes(work, at, n, D_V, gate, S_V, D_step, S_step, limit_V, guess, knee_V, own)
    step = newton_step(D_V, gate, S_V, d, s, b, own)
    weight = load(w.weight, at)
    store(work, at, d)
    store(work, at + n, s)
    store(work, at + 2 * n, b)
    store(work, at + 3 * n, step.d)
    store(work, at + 4 * n, step.s)
    store(work, at + 5 * n, step.b)
    store(work, at + 6 * n, step.d_byS)
    store(work, at + 7 * n, step.s_byS)
    store(work, at + 8 * n, step.b_byS)
    store(work, at + 9 * n, step.d_byD)
    store(work, at + 10 * n, step.s_byD)
    store(work, at + 11 * n, step.b_byD)
    store(work, at + 16 * n, weight * step.in_D)
    store(work, at + 17 * n, weight * step.in_S)
    store(work, at + 18 * n, weight * step.bend)
    return step


@lean
def gather_fixed(w, memory):
    """Note the voltages of the fixed nodes at the drains of the sheaves; to be called when they have changed."""
    n = w.weight.size
    for j in range(w.sheaf.size * WIDTH):
        memory.work[12 * n + j] = memory.node_V[w.ends[0, j]]


@lean
def sheaf_pass(m, w, memory, limit_V, guess, fill, knee_V):
    """The blocks whose edges join fixed nodes to one free node; returns the largest step of an internal node."""
    n, size = w.weight.size, splat(0.0)
    for block in range(w.sheaf.size):
        at, node = block * WIDTH, w.sheaf[block]
        D_V, S_V = load(memory.work, at + 12 * n), splat(memory.node_V[node])
        S_step = splat(memory.moved_V[node])
        step = _linearise(memory, w, at, n, D_V, S_V, splat(0.0), S_step, limit_V, guess, knee_V, m)
        size = maximum(maximum(absolute(step.d), absolute(step.s)), maximum(absolute(step.b), size))
        memory.step[node] -= total(load(memory.work, at + 17 * n))
        if fill:
            memory.data[w.place[at, 3]] += total(load(w.weight, at) * step.in_S_byS)
    return largest(size)


@lean
def loose_pass(m, w, memory, limit_V, guess, fill, knee_V):
    """All other blocks; returns the largest step of an internal node."""
    n, n_free, work, size = w.weight.size, w.free.size, memory.work, splat(0.0)
    for at in range(w.sheaf.size * WIDTH, n, WIDTH):
        for i in range(at, at + WIDTH):
            drain, source = w.ends[0, i], w.ends[1, i]
            work[12 * n + i] = memory.node_V[drain]
            work[13 * n + i] = memory.node_V[source]
            work[14 * n + i] = memory.moved_V[drain] if drain < n_free else 0.0
            work[15 * n + i] = memory.moved_V[source] if source < n_free else 0.0
        D_V, S_V = load(work, at + 12 * n), load(work, at + 13 * n)
        D_step, S_step = load(work, at + 14 * n), load(work, at + 15 * n)
        step = _linearise(memory, w, at, n, D_V, S_V, D_step, S_step, limit_V, guess, knee_V, m)
        size = maximum(maximum(absolute(step.d), absolute(step.s)), maximum(absolute(step.b), size))
        for i in range(at, at + WIDTH):
            drain, source = w.ends[0, i], w.ends[1, i]
            if drain < n_free:
                memory.step[drain] -= work[16 * n + i]
            if source < n_free:
                memory.step[source] -= work[17 * n + i]
        if fill:
            weight = load(w.weight, at)
            store(work, at + 12 * n, weight * step.in_D_byD)
            store(work, at + 13 * n, weight * step.in_D_byS)
            store(work, at + 14 * n, weight * step.in_S_byD)
            store(work, at + 15 * n, weight * step.in_S_byS)
            for i in range(at, at + WIDTH):
                for k in range(4):
                    memory.data[w.place[i, k]] += work[(12 + k) * n + i]
    return largest(size)


@lean
def edge_pass(m, w, memory, limit_V, guess, fill, knee_V):
    """Move the internal nodes and linearise: `step` gets the currents that are left over at the free nodes.

    With `fill`, `data` gets the matrix (without loads). Returns the largest step of an internal node.
    """
    for i in range(w.free.size):
        memory.step[i] = memory.source_A[i] - memory.load_S[i] * memory.node_V[i]
    if fill:
        memory.data[:] = 0.0
    size = sheaf_pass(m, w, memory, limit_V, guess, fill, knee_V)
    return max(size, loose_pass(m, w, memory, limit_V, guess, fill, knee_V))


@lean
def sum_bend(w, memory):
    """`bend` gets each free node's sum of the bends of its edges."""
    n, n_free = w.weight.size, w.free.size
    memory.bend[:] = 0.0
    for block in range(w.sheaf.size):
        memory.bend[w.sheaf[block]] += total(load(memory.work, block * WIDTH + 18 * n))
    for i in range(w.sheaf.size * WIDTH, n):
        bend = memory.work[18 * n + i]
        if w.ends[0, i] < n_free:
            memory.bend[w.ends[0, i]] += bend
        if w.ends[1, i] < n_free:
            memory.bend[w.ends[1, i]] += bend


@lean
def sum_flow(w, memory):
    """`flow` gets each free node's sum of the absolute currents of its edges."""
    n, n_free = w.weight.size, w.free.size
    memory.flow[:] = 0.0
    for block in range(w.sheaf.size):
        memory.flow[w.sheaf[block]] += total(absolute(load(memory.work, block * WIDTH + 17 * n)))
    for i in range(w.sheaf.size * WIDTH, n):
        if w.ends[0, i] < n_free:
            memory.flow[w.ends[0, i]] += abs(memory.work[16 * n + i])
        if w.ends[1, i] < n_free:
            memory.flow[w.ends[1, i]] += abs(memory.work[17 * n + i])
