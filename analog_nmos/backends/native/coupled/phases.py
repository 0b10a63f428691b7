"""The compiled entry points for coupled replicas: free phase, clamped phase, many samples.

Arguments that they share: `m`, a `device.Device` or `linked.Linked`; `limits`, the `Limits` of each replica, a row
each; `settings`, the `Settings`; `book`, a `memory.Book`.
"""

# mypy: allow-untyped-defs

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from analog_nmos.backends.base import Status
from analog_nmos.backends.native.coupled.memory import memory_of, wiring_of
from analog_nmos.backends.native.coupled.newton import ANEW, GOES_ON, solve
from analog_nmos.backends.native.decoupled.newton import CONVERGED
from analog_nmos.backends.native.transistor import kinds
from analog_nmos.backends.native.transistor.accuracy import Limits
from analog_nmos.backends.native.transistor.jit import kernel
from analog_nmos.backends.native.transistor.packing import unpack
from common.kernels.by_address import address_of, call
from common.kernels.jit import compiled, lean

SKIPPED = int(Status.SKIPPED)


@lean
def _report(m, w, memory, row_V):
    """Write all node voltages by the topology's node numbers; what no edge touches is held at 0 V by rshunt."""
    row_V[:] = 0.0
    n_free, sign = w.free.size, kinds.sign(m)
    for i in range(w.fixed.size):
        row_V[w.fixed[i]] = sign * memory.node_V[n_free + i]
    for i in range(n_free):
        row_V[w.free[i]] = sign * memory.node_V[i]


@lean
def same_inputs(m, w, memory, input_V):
    """Whether the last solve had these."""
    same, sign = True, kinds.sign(m)
    for i in range(input_V.size):
        same &= memory.node_V[w.free.size + 2 + i] == sign * input_V[i]
    return same


@kernel
def solve_at(m, limits, settings, book, r, start_V, input_V, clamped, begins):
    """`newton.solve` of one replica, which all entries call by its address in the book: (status, passes)."""
    own = unpack(Limits, limits[r], 0)
    return solve(
        m, own, wiring_of(book, r), memory_of(book, r), settings, book.chords[r], start_V, input_V, clamped, begins
    )


@compiled
def free(m, limits, settings, book, r, input_V, clamped, row_V):
    """Free phase of one replica (`clamped` all false): (status, passes); the solution is the next guess."""
    w, memory = wiring_of(book, r), memory_of(book, r)
    status, passes = call(solve_at, book.solve, (m, limits, settings, book, r, memory.guess_V, input_V, clamped, ANEW))
    if status == CONVERGED:
        for i in range(w.state.size):
            memory.guess_V[w.state[i]] = kinds.sign(m) * memory.node_V[i]
        _report(m, w, memory, row_V)
    else:
        memory.reach_V[0] = math.inf
    return status, passes


@compiled
def clamp(m, limits, settings, book, r, input_V, target_V, clamped, row_V):
    """Clamped phase of one replica: (status, passes). It goes on from the free phase if that had the same inputs.

    Where `settings.drives`, target_V holds currents.
    """
    w, memory = wiring_of(book, r), memory_of(book, r)
    for k in range(clamped.size):
        if clamped[k] and settings.drives > 0.0:
            memory.drive_A[k] = target_V[k]
        elif clamped[k]:
            memory.sink_V[k] = target_V[k]
    begins = GOES_ON if memory.reach_V[0] < math.inf and same_inputs(m, w, memory, input_V) else ANEW
    words = (m, limits, settings, book, r, memory.guess_V, input_V, clamped, begins)
    status, passes = call(solve_at, book.solve, words)
    memory.reach_V[0] = math.inf
    memory.drive_A[:] = 0.0
    if status == CONVERGED:
        _report(m, w, memory, row_V)
    return status, passes


@compiled
def _many(m, limits, settings, book, r, input_V, last_V, clamped, out_V, status):
    w, memory, passes = wiring_of(book, r), memory_of(book, r), 0
    for n in range(input_V.shape[0]):
        status[n], passed = call(
            solve_at, book.solve, (m, limits, settings, book, r, last_V, input_V[n], clamped, ANEW)
        )
        passes += passed
        if status[n] == CONVERGED:
            for i in range(w.state.size):
                last_V[w.state[i]] = kinds.sign(m) * memory.node_V[i]
            for k in range(w.outputs.size):
                out_V[n, k] = kinds.sign(m) * memory.node_V[w.outputs[k]]
        else:
            out_V[n, :] = math.nan
    memory.reach_V[0] = math.inf
    return passes


@kernel
def set_gates(book, gate_V):
    """Gate voltages (L, E) into the slots; replicas with fewer edges pad with anything."""
    _set_gates(book, gate_V)


@compiled
def _set_gates(book, gate_V):
    for r in range(gate_V.shape[0]):
        w, memory = wiring_of(book, r), memory_of(book, r)
        for e in range(w.slot.size):
            memory.gate_V[w.slot[e]] = gate_V[r, e]
        memory.reach_V[0] = math.inf


def with_address(m: Any, limits: Any, settings: Any, book: Any) -> Any:
    """The book with the address of `solve_at`, which is compiled where it was not."""
    volts, held = np.empty(1), np.empty(1, np.bool_)
    return book._replace(solve=address_of(solve_at, m, limits, settings, book, 0, volts, volts, held, ANEW))


class Circuits(NamedTuple):
    """All replicas, for compiled epochs: what the phases share, and what a cold start and a count of passes need."""

    m: Any
    limits: Any
    settings: Any
    book: Any
    nothing: Any  # (K,) false: no output is clamped
    cold_V: Any
    passes: Any  # (1,) added to


@kernel
def free_phase(memory, replica, input_V, node_V):
    """See `analog_nmos.backends.base.CompiledSolver`; memory: `Circuits`."""
    node_V[:] = math.nan
    status, passes = free(
        memory.m, memory.limits, memory.settings, memory.book, replica, input_V, memory.nothing, node_V
    )
    memory.passes[0] += passes
    return status


@kernel
def clamped_phase(memory, replica, input_V, target_V, clamped, node_V):
    """See `analog_nmos.backends.base.CompiledSolver`; memory: `Circuits`."""
    node_V[:] = math.nan
    status, passes = clamp(
        memory.m, memory.limits, memory.settings, memory.book, replica, input_V, target_V, clamped, node_V
    )
    memory.passes[0] += passes
    return status


@compiled
def follow(memory, other, replica):
    """Guess what the last free solution was in another memory; see `analog_nmos.backends.base.CompiledSolver`."""
    room = memory_of(memory.book, replica)
    room.guess_V[:] = memory_of(other.book, replica).guess_V
    room.reach_V[0] = math.inf


@compiled
def forget(memory, replica):
    """A cold start for the replica's next solve; VOUT and gates stay."""
    room = memory_of(memory.book, replica)
    room.guess_V[:] = memory.cold_V
    room.reach_V[0] = math.inf


@kernel
def solve_free(m, limits, settings, book, input_V, clamped, mask, node_V, status):
    """Free phase of the replicas in `mask`: fills node_V (L, nodes) and status (L,); returns passes."""
    passes = 0
    for r in range(mask.size):
        node_V[r, :] = math.nan
        status[r] = SKIPPED
        if mask[r]:
            status[r], passed = free(m, limits, settings, book, r, input_V[r], clamped[r], node_V[r])
            passes += passed
    return passes


@kernel
def solve_clamped(m, limits, settings, book, input_V, target_V, clamped, mask, node_V, status):
    """Clamped phase of the replicas in `mask`; as `solve_free`."""
    passes = 0
    for r in range(mask.size):
        node_V[r, :] = math.nan
        status[r] = SKIPPED
        if mask[r]:
            status[r], passed = clamp(m, limits, settings, book, r, input_V[r], target_V[r], clamped[r], node_V[r])
            passes += passed
    return passes


@kernel
def solve_many(m, limits, settings, book, r, input_V, last_V, clamped, out_V, status):
    """Free outputs (N, K) and status (N,) of replica r for samples (N, I), each from the one before."""
    return _many(m, limits, settings, book, r, input_V, last_V, clamped, out_V, status)
