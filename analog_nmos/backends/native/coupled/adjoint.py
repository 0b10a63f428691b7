"""Sensitivities of a coupled network's outputs to its transistors: one solution with the transposed factors.

With F(V, p) = 0 the currents that are left over at the free nodes and J their derivatives by the voltages, the voltages
move by dV/dp = -J^-1 dF/dp. So c dV/dp = -l dF/dp with J^T l = c, and a parameter of one edge changes the currents into
its two ends only (`edge.Step`).
"""

# mypy: allow-untyped-defs

from __future__ import annotations

import math

from analog_nmos.backends.native.coupled.memory import memory_of, wiring_of
from analog_nmos.backends.native.coupled.newton import ANEW, SETTLES
from analog_nmos.backends.native.coupled.phases import SKIPPED, same_inputs, solve_at
from analog_nmos.backends.native.coupled.transposed import transposed_reply
from analog_nmos.backends.native.decoupled.newton import CONVERGED, NOT_FINITE
from analog_nmos.backends.native.transistor import kinds
from analog_nmos.backends.native.transistor.jit import kernel
from common.kernels.by_address import call
from common.kernels.jit import compiled, lean
from common.kernels.vectors import WIDTH, gather, load, store


@lean
def _edge_responses(m, w, memory):
    """Three fields of `work` get -l dF/dp of each slot, by V_G, threshold and kp; l (F + X,) lies in `moved_V`."""
    n, work, sign = w.drain.size, memory.work, kinds.sign(m)
    for at in range(0, n, WIDTH):
        factor = load(memory.kp_factor, at)
        own = kinds.deviating(m, load(memory.vto_offset_V, at), factor)
        step = kinds.step(
            gather(memory.node_V, w.drain, at), load(memory.gate_V, at), gather(memory.node_V, w.source, at),
            load(work, at), load(work, at + n), load(work, at + 2 * n), own,
        )  # fmt: skip
        at_D, at_S = gather(memory.moved_V, w.drain, at), gather(memory.moved_V, w.source, at)
        by_current = at_D * step.in_D_byI + at_S * step.in_S_byI
        store(work, at + 3 * n, 0.0 - (at_D * step.in_D_byG + at_S * step.in_S_byG))
        store(work, at + 4 * n, by_current * step.gm)
        store(work, at + 5 * n, by_current * (step.current / factor) * (0.0 - sign))


@lean
def _fill(m, w, memory, cotangent_A, response):
    """Solve with the transposed factors, and fill response (3, edges); False if a number is not finite."""
    n, n_free, check = w.drain.size, w.free.size, 0.0
    memory.spare[:] = 0.0
    for k in range(w.outputs.size):
        memory.spare[w.outputs[k]] = cotangent_A[k]
    transposed_reply(w, memory, memory.spare)
    memory.moved_V[:] = 0.0
    for i in range(n_free):
        memory.moved_V[i] = memory.spare[i]
    _edge_responses(m, w, memory)
    response[:, :] = 0.0
    for e in range(w.slot.size):
        for k in range(3):
            response[k, e] = memory.work[(3 + k) * n + w.slot[e]]
            check += 0.0 * response[k, e]
    return math.isfinite(check)


@compiled
def _at_solution(m, limits, settings, book, r, input_V, clamped, goes_on):
    """Leave the factors of the free solution in the replica's memory: (status, passes).

    The last solution may be one of other gate voltages, which compiled epochs change in place. Then settling ends at
    the new one, or fails.
    """
    guess_V, passes = memory_of(book, r).guess_V, 0
    if goes_on:
        words = (m, limits, settings, book, r, guess_V, input_V, clamped, SETTLES)
        status, passes = call(solve_at, book.solve, words)
        if status == CONVERGED:
            return status, passes
    words = (m, limits, settings, book, r, guess_V, input_V, clamped, ANEW)
    status, passed = call(solve_at, book.solve, words)
    if status != CONVERGED:
        return status, passes + passed
    words = (m, limits, settings, book, r, guess_V, input_V, clamped, SETTLES)
    status, settled = call(solve_at, book.solve, words)
    return status, passes + passed + settled


@compiled
def respond(m, limits, settings, book, r, input_V, cotangent_A, clamped, response):
    """Sensitivities of one replica (`clamped` all false): (status, passes); the memory is left as it was found."""
    w, memory = wiring_of(book, r), memory_of(book, r)
    response[:, :] = math.nan
    begin, end = book.float_at[r, 0, 0], book.float_at[r, -1, 1]
    keeps = memory.reach_V[0] < math.inf
    kept = book.floats[begin : end if keeps else begin].copy()  # a clamped phase may go on from the last solution
    goes_on = keeps and same_inputs(m, w, memory, input_V)
    status, passes = _at_solution(m, limits, settings, book, r, input_V, clamped, goes_on)
    if status == CONVERGED and not _fill(m, w, memory, cotangent_A, response):
        status = NOT_FINITE
        response[:, :] = math.nan
    if keeps:
        book.floats[begin:end] = kept
    else:
        memory.reach_V[0] = math.inf
    return status, passes


@kernel
def adjoint(memory, replica, input_V, cotangent_A, response):
    """See `analog_nmos.backends.base.CompiledSolver`; memory: `phases.Circuits`."""
    status, passes = respond(
        memory.m, memory.limits, memory.settings, memory.book, replica, input_V, cotangent_A, memory.nothing, response
    )
    memory.passes[0] += passes
    return status


@kernel
def adjoints(memory, input_V, cotangent_A, mask, responses, status):
    """Of the replicas in `mask`: fills responses (L, 3, edges) and status (L,)."""
    for r in range(mask.size):
        responses[r, :, :] = math.nan
        status[r] = SKIPPED
        if mask[r]:
            status[r], passes = respond(
                memory.m, memory.limits, memory.settings, memory.book, r, input_V[r], cotangent_A[r], memory.nothing,
                responses[r],
            )  # fmt: skip
            memory.passes[0] += passes
