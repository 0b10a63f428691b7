"""The compiled entry points for one replica with hidden nodes: free phase, clamped phase, many samples."""

# mypy: allow-untyped-defs

from __future__ import annotations

import math

from analog_nmos.backends.native.coupled.newton import solve
from analog_nmos.backends.native.decoupled.newton import CONVERGED
from analog_nmos.backends.native.jit import kernel
from common.kernels.jit import lean


@lean
def report(w, memory, row_V):
    """Write all node voltages by the topology's node numbers; what no edge touches is held at 0 V by rshunt."""
    row_V[:] = 0.0
    n_free = w.free.size
    for i in range(w.fixed.size):
        row_V[w.fixed[i]] = memory.node_V[n_free + i]
    for i in range(n_free):
        row_V[w.free[i]] = memory.node_V[i]


@lean
def remember(w, memory, guess_V):
    """Copy the free nodes into guess_V (F,), in the state's order."""
    for i in range(guess_V.size):
        guess_V[w.state[i]] = memory.node_V[i]


@lean
def goes_on(w, memory, input_V):
    """Whether the memory holds a solved free phase with these inputs and the present gates."""
    if not memory.reach_V[0] < math.inf:
        return False
    for i in range(input_V.size):
        if memory.node_V[w.free.size + 2 + i] != input_V[i]:
            return False
    return True


@kernel
def solve_free(m, limits, w, memory, settings, input_V, guess_V, sink_V, clamped, row_V):
    """Free phase of one replica (`clamped` all false): (status, passes); the solution is the next guess."""
    status, passes = solve(m, limits, w, memory, settings, guess_V, input_V, sink_V, clamped, False)
    if status == CONVERGED:
        remember(w, memory, guess_V)
        report(w, memory, row_V)
    else:
        memory.reach_V[0] = math.inf
    return status, passes


@kernel
def solve_clamped(m, limits, w, memory, settings, input_V, guess_V, sink_V, clamped, row_V):
    """Clamped phase of one replica: (status, passes). It goes on from the free phase if that had the same inputs."""
    held = goes_on(w, memory, input_V)
    status, passes = solve(m, limits, w, memory, settings, guess_V, input_V, sink_V, clamped, held)
    memory.reach_V[0] = math.inf
    if status == CONVERGED:
        report(w, memory, row_V)
    return status, passes


@kernel
def solve_many(m, limits, w, memory, settings, input_V, last_V, sink_V, clamped, out_V, status):
    """Free outputs (N, K) and status (N,) for samples (N, I), each from the one before; returns passes."""
    passes = 0
    for n in range(input_V.shape[0]):
        status[n], passed = solve(m, limits, w, memory, settings, last_V, input_V[n], sink_V, clamped, False)
        passes += passed
        if status[n] == CONVERGED:
            remember(w, memory, last_V)
            for k in range(w.outputs.size):
                out_V[n, k] = memory.node_V[w.outputs[k]]
        else:
            out_V[n, :] = math.nan
    memory.reach_V[0] = math.inf
    return passes
