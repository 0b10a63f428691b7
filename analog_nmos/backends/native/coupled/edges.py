"""A pass over all edges of a coupled network, eight at a time: where the internal nodes go, and the linear equations.

Eliminating each edge's internal nodes (`edge.newton_step`) leaves a system in the free nodes, the outputs and hidden
ones. Arguments that the functions share: `m`, a `device.Device` or
`linked.Linked`; `w`, a `wiring.Wiring`; `memory`, a `memory.Memory`;
`limit_V`, the largest step; `guess`, whether the internal nodes start from `edge.first_guess`; `knee_V`, beyond which
a body's step is cut short (infinite: never).
"""

# mypy: allow-untyped-defs

from __future__ import annotations

import math

from analog_nmos.backends.native.coupled.stars import first_entries
from analog_nmos.backends.native.transistor import kinds
from analog_nmos.backends.native.transistor.edge import below_knee
from common.kernels.jit import leaf, lean
from common.kernels.vectors import WIDTH, absolute, gather, largest, load, maximum, minimum, splat, store, total


@leaf
def _internal_nodes(work, at, n, D_V, gate_V, S_V, D_step, S_step, limit_V, guess, knee_V, m):
    """Internal d, s, b after the last step, or their first guess; D_step is None if the drain's end is fixed."""
    if guess:
        d, s, _, _, _, _ = kinds.guess(D_V, gate_V, S_V, m)
        b = kinds.body(d, s, D_V, gate_V, S_V, m)
    else:
        d_step = load(work, at + 3 * n) + load(work, at + 6 * n) * S_step
        s_step = load(work, at + 4 * n) + load(work, at + 7 * n) * S_step
        b_step = load(work, at + 5 * n) + load(work, at + 8 * n) * S_step
        if D_step is not None:
            d_step = d_step + load(work, at + 9 * n) * D_step
            s_step = s_step + load(work, at + 10 * n) * D_step
            b_step = b_step + load(work, at + 11 * n) * D_step
        d = load(work, at) + maximum(minimum(d_step, limit_V), 0.0 - limit_V)
        s = load(work, at + n) + maximum(minimum(s_step, limit_V), 0.0 - limit_V)
        b = load(work, at + 2 * n) + maximum(minimum(b_step, limit_V), 0.0 - limit_V)
    if knee_V < math.inf:
        before = load(work, at + 2 * n) - minimum(load(work, at), load(work, at + n))
        b = below_knee(splat(0.0) if guess else before, d, s, b, knee_V, m)
    return d, s, b


@leaf
def _linearise(memory, at, n, D_V, S_V, D_step, S_step, limit_V, guess, knee_V, m):
    """Move the internal nodes of eight edges and keep what their next move needs: their `edge.Step`, and its size."""
    work, gate = memory.work, load(memory.gate_V, at)
    own = kinds.deviating(m, load(memory.vto_offset_V, at), load(memory.kp_factor, at))
    d, s, b = _internal_nodes(work, at, n, D_V, gate, S_V, D_step, S_step, limit_V, guess, knee_V, own)
    step = kinds.step(D_V, gate, S_V, d, s, b, own)
    store(work, at, d)
    store(work, at + n, s)
    store(work, at + 2 * n, b)
    store(work, at + 3 * n, step.d)
    store(work, at + 4 * n, step.s)
    store(work, at + 5 * n, step.b)
    store(work, at + 6 * n, step.d_byS)
    store(work, at + 7 * n, step.s_byS)
    store(work, at + 8 * n, step.b_byS)
    if D_step is not None:
        store(work, at + 9 * n, step.d_byD)
        store(work, at + 10 * n, step.s_byD)
        store(work, at + 11 * n, step.b_byD)
    return step, maximum(maximum(absolute(step.d), absolute(step.s)), absolute(step.b))


@lean
def sheaf_pass(m, w, memory, limit_V, guess, fill, knee_V):
    """The sheaves; returns the largest step of an internal node."""
    n, work, largest_step = w.drain.size, memory.work, splat(0.0)
    for sheaf in range(w.sheaf.size):
        node, first = w.sheaf[sheaf], w.sheaf_at[sheaf]
        S_V, S_step = splat(memory.node_V[node]), splat(memory.moved_V[node])
        current, slope, bend, flow = splat(0.0), splat(0.0), splat(0.0), splat(0.0)
        for at in range(first, w.sheaf_at[sheaf + 1], WIDTH):
            D_V = gather(memory.node_V, w.drain, at)
            step, size = _linearise(memory, at, n, D_V, S_V, None, S_step, limit_V, guess, knee_V, m)
            largest_step = maximum(largest_step, size)
            weight = load(memory.weight, at)
            through = weight * step.in_S
            current, flow = current + through, flow + absolute(through)
            slope, bend = slope + weight * step.in_S_byS, bend + weight * step.bend
        store(work, first + 12 * n, bend)
        store(work, first + 13 * n, flow)
        memory.step[node] -= total(current)
        if fill:
            memory.data[w.place[4 * first + 3]] += total(slope)
    return largest(largest_step)


@lean
def fan_pass(m, w, memory, limit_V, guess, fill, knee_V):
    """The fans; returns the largest step of an internal node."""
    n, work, data, n_shape, largest_step = w.drain.size, memory.work, memory.data, w.shape.size, splat(0.0)
    entries, at = first_entries(w)[0], w.sheaf_at[-1]
    for e in range(n_shape):
        node, place = w.outputs[w.shape[e]], entries + 2 * WIDTH * e
        S_V, S_step = splat(memory.node_V[node]), splat(memory.moved_V[node])
        current, slope = splat(0.0), splat(0.0)
        for b in range(w.bundle.size):
            star = b * WIDTH
            D_V, D_step = load(memory.node_V, star), load(memory.moved_V, star)
            step, size = _linearise(memory, at, n, D_V, S_V, D_step, S_step, limit_V, guess, knee_V, m)
            largest_step = maximum(largest_step, size)
            current, slope = current + step.in_S, slope + step.in_S_byS
            store(work, at + 12 * n, step.in_D)
            store(work, at + 13 * n, step.in_S)
            store(work, at + 14 * n, step.bend)
            store(memory.step, star, load(memory.step, star) - step.in_D)
            if fill:
                store(data, star, load(data, star) + step.in_D_byD)
                store(data, place, load(data, place) + step.in_D_byS)
                store(data, place + WIDTH, load(data, place + WIDTH) + step.in_S_byD)
            at += WIDTH
            place += 2 * WIDTH * n_shape
        memory.step[node] -= total(current)
        if fill:
            data[w.place[4 * (at - WIDTH) + 3]] += total(slope)
    return largest(largest_step)


@leaf
def loose_at(w):
    """First slot of the loose blocks."""
    return w.sheaf_at[-1] + w.bundle.size * w.shape.size * WIDTH


@lean
def loose_pass(m, w, memory, limit_V, guess, fill, knee_V):
    """All other blocks; returns the largest step of an internal node."""
    n, n_free, work, entries, largest_step = w.drain.size, w.free.size, memory.work, memory.entries, splat(0.0)
    for at in range(loose_at(w), n, WIDTH):
        D_V, S_V = gather(memory.node_V, w.drain, at), gather(memory.node_V, w.source, at)
        D_step, S_step = gather(memory.moved_V, w.drain, at), gather(memory.moved_V, w.source, at)
        step, size = _linearise(memory, at, n, D_V, S_V, D_step, S_step, limit_V, guess, knee_V, m)
        largest_step = maximum(largest_step, size)
        weight = load(memory.weight, at)
        store(work, at + 12 * n, weight * step.in_D)
        store(work, at + 13 * n, weight * step.in_S)
        store(work, at + 14 * n, weight * step.bend)
        for i in range(at, at + WIDTH):
            drain, source = w.drain[i], w.source[i]
            if drain < n_free:
                memory.step[drain] -= work[12 * n + i]
            if source < n_free:
                memory.step[source] -= work[13 * n + i]
        if fill:
            store(entries, 0, weight * step.in_D_byD)
            store(entries, WIDTH, weight * step.in_D_byS)
            store(entries, 2 * WIDTH, weight * step.in_S_byD)
            store(entries, 3 * WIDTH, weight * step.in_S_byS)
            for i in range(WIDTH):
                for k in range(4):
                    memory.data[w.place[4 * (at + i) + k]] += entries[k * WIDTH + i]
    return largest(largest_step)


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
    size = max(size, fan_pass(m, w, memory, limit_V, guess, fill, knee_V))
    return max(size, loose_pass(m, w, memory, limit_V, guess, fill, knee_V))


@lean
def sum_bounds(w, memory):
    """After a pass: `bend` gets each free node's sum of its edges' bends, `flow` that of their absolute currents."""
    n, n_free, work = w.drain.size, w.free.size, memory.work
    memory.bend[:] = 0.0
    memory.flow[:] = 0.0
    for sheaf in range(w.sheaf.size):
        memory.bend[w.sheaf[sheaf]] = total(load(work, w.sheaf_at[sheaf] + 12 * n))
        memory.flow[w.sheaf[sheaf]] = total(load(work, w.sheaf_at[sheaf] + 13 * n))
    at = w.sheaf_at[-1]
    for e in range(w.shape.size):
        node, bend, flow = w.outputs[w.shape[e]], splat(0.0), splat(0.0)
        for star in range(0, w.bundle.size * WIDTH, WIDTH):
            here = load(work, at + 14 * n)
            bend, flow = bend + here, flow + absolute(load(work, at + 13 * n))
            store(memory.bend, star, load(memory.bend, star) + here)
            store(memory.flow, star, load(memory.flow, star) + absolute(load(work, at + 12 * n)))
            at += WIDTH
        memory.bend[node] += total(bend)
        memory.flow[node] += total(flow)
    for i in range(at, n):
        drain, source, bend = w.drain[i], w.source[i], work[14 * n + i]
        if drain < n_free:
            memory.bend[drain] += bend
            memory.flow[drain] += abs(work[12 * n + i])
        if source < n_free:
            memory.bend[source] += bend
            memory.flow[source] += abs(work[13 * n + i])
