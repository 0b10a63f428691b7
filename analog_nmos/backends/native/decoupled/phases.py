"""The compiled phases of networks without hidden nodes: of one replica, of all of them, and the samples of one.

All arrays are contiguous; L replicas, I inputs, K outputs, S edge slots of all replicas (`layout.Layout`).
"""

# mypy: allow-untyped-defs

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from analog_nmos.backends.base import Status
from analog_nmos.backends.native.decoupled.newton import (
    CONVERGED,
    DAMPED,
    FIELDS,
    NO_CONVERGENCE,
    NOT_FINITE,
    Edges,
    Output,
    solve_output,
)
from analog_nmos.backends.native.transistor import kinds
from analog_nmos.backends.native.transistor.accuracy import SPANS, WIDER_V, Limits, expect
from analog_nmos.backends.native.transistor.jit import kernel
from analog_nmos.backends.native.transistor.packing import unpack
from analog_nmos.backends.native.transistor.settings import Settings
from common.kernels.jit import compiled, inlined

SETTINGS_FIELDS = len(Settings._fields)
SKIPPED = int(Status.SKIPPED)


class Memory(NamedTuple):
    """The arrays of all replicas, all contiguous; S slots are those of `layout.Layout`.

    The entries take its fields one by one: calls from Python recognise arrays faster than a NamedTuple of them.
    """

    circuit: Any  # Settings and a device, packed
    is_linked: Any  # True, or None if the device is a Device: kernels are compiled for one or the other
    limits: Any  # (L, fields) Limits of each replica, packed
    first: Any  # (L, K + 1)
    drain: Any  # (S,)
    weight: Any  # (S,)
    vto_offset_V: Any  # (S,), or None where no replica has any
    kp_factor: Any  # (S,), or None
    nodes: Any  # (L, 2 + I + K)
    slot: Any  # (L, E) of each edge, -1 where a replica has fewer
    gate_V: Any  # (S,)
    guess_V: Any  # (L, K) first guesses: the last free solution
    sink_V: Any  # (L, K) VOUT
    solved_gate_V: Any  # (S,) what the last free solution was solved with, as the next two
    solved_input_V: Any  # (L, I)
    solved_sink_V: Any  # (L, K)
    cold_V: Any  # first guess of a cold start
    work: Any  # room for one output
    passes: Any  # (1,) Newton passes, added to


@kernel
def set_gates(gates_V, slot, gate_V):
    """Put gate voltages (L, E) into their slots."""
    for replica in range(slot.shape[0]):
        for e in range(slot.shape[1]):
            if slot[replica, e] >= 0:
                gate_V[slot[replica, e]] = gates_V[replica, e]


@inlined
def numbers(circuit, is_linked, limits, replica):
    """Device (of either kind), Settings and a replica's Limits."""
    m = unpack(kinds.device_class(is_linked), circuit, SETTINGS_FIELDS)
    return m, unpack(Settings, circuit, 0), unpack(Limits, limits[replica], 0)


@inlined
def solve_one(
    row_V, k, replica, first, drain, edges, start_V, sink_V, series_S, drive_A, m, settings, limits, work, stride
):
    """One output of one replica at inputs row_V (I,), into which drive_A is driven: voltage, status, passes.

    Such a current may take the output out of the span of the sources, for which the accuracy was promised: then it is
    solved again, from where it was found, with the promise for a span that holds it.
    """
    begin, end = first[replica, k], first[replica, k + 1]
    drain_V, sign = work[FIELDS * stride :], kinds.sign(m)
    sink_V, drive_A = sink_V * sign, drive_A * sign
    check, low, high, gate, lowest_gate = sink_V + 0.0 * drive_A, min(sink_V, 0.0), max(sink_V, 0.0), 0.0, 0.0
    for j in range(begin, end):
        drain_V[j - begin] = sign * row_V[drain[j]]
        check += edges.gate_V[j] + drain_V[j - begin]
        low, high, gate = min(low, drain_V[j - begin]), max(high, drain_V[j - begin]), max(gate, sign * edges.gate_V[j])
        lowest_gate = min(lowest_gate, sign * edges.gate_V[j])
    if not math.isfinite(check):  # minimum and maximum would hide a NaN
        return math.nan, NOT_FINITE, 0
    damped_V, node_V, passes = DAMPED * max(high - low, 1.0), sign * start_V, 0
    low, high, gate = kinds.reach(low, high, lowest_gate, gate, m)
    for _ in range(SPANS):
        out = Output(
            begin, end, m.shunt_S + series_S, series_S * sink_V + drive_A, settings.tolerance_V, int(settings.passes),
            expect(limits, low, high, gate, m), damped_V, limits.knee_V,
        )  # fmt: skip
        node_V, status, passed = solve_output(drain_V, edges, out, node_V, m, work, stride)
        passes += passed
        if status != CONVERGED or drive_A == 0.0 or low <= node_V <= high:
            return sign * node_V, status, passes
        low, high = min(low, node_V - WIDER_V), max(high, node_V + WIDER_V)
    return math.nan, NO_CONVERGENCE, passes


@inlined
def status_of_inputs(row_V):
    """A replica's status before its outputs are solved, from its inputs, some of which may have no edge."""
    for i in range(row_V.size):
        if not math.isfinite(row_V[i]):
            return NOT_FINITE
    return CONVERGED


@inlined
def _fill(node_V, replica, nodes, settings, row_V, found_V):
    """Node voltages (nodes,) of a replica that was solved; what no edge touches is held at 0 V by rshunt."""
    node_V[:] = 0.0
    node_V[nodes[replica, 0]] = settings.vminus_V
    node_V[nodes[replica, 1]] = settings.vplus_V
    n_inputs = row_V.size
    for i in range(n_inputs):
        node_V[nodes[replica, 2 + i]] = row_V[i]
    for k in range(found_V.shape[0]):
        node_V[nodes[replica, 2 + n_inputs + k]] = found_V[k]


@kernel
def free_phase(memory, replica, input_V, node_V):
    """Free phase of one replica at input_V (I,): fills node_V (nodes,), returns the status, and remembers what it is.

    See `analog_nmos.backends.base.CompiledSolver`.
    """
    a = memory
    m, settings, limits = numbers(a.circuit, a.is_linked, a.limits, replica)
    edges = Edges(a.gate_V, a.weight, a.vto_offset_V, a.kp_factor)
    found_V = np.empty(a.first.shape[1] - 1)
    node_V[:] = math.nan
    status = status_of_inputs(input_V)
    for k in range(found_V.size):
        found_V[k], ended, passed = solve_one(
            input_V, k, replica, a.first, a.drain, edges, a.guess_V[replica, k], a.sink_V[replica, k],
            settings.free_S, 0.0, m, settings, limits, a.work, a.work.size // (FIELDS + 1),
        )  # fmt: skip
        a.passes[0] += passed
        status = max(status, ended)
    if status == CONVERGED:
        _fill(node_V, replica, a.nodes, settings, input_V, found_V)
        a.guess_V[replica, :] = found_V
        a.solved_input_V[replica, :] = input_V
        a.solved_sink_V[replica, :] = a.sink_V[replica]
        begin, end = a.first[replica, 0], a.first[replica, -1]
        a.solved_gate_V[begin:end] = a.gate_V[begin:end]
    return status


@kernel
def clamped_phase(memory, replica, input_V, target_V, clamped, node_V):
    """Clamped phase of one replica; free outputs whose sources have not changed keep their voltage.

    Where `settings.drives`, target_V holds currents.

    See `analog_nmos.backends.base.CompiledSolver`.
    """
    a = memory
    m, settings, limits = numbers(a.circuit, a.is_linked, a.limits, replica)
    edges = Edges(a.gate_V, a.weight, a.vto_offset_V, a.kp_factor)
    found_V = np.empty(a.first.shape[1] - 1)
    node_V[:] = math.nan
    status = status_of_inputs(input_V)
    same_inputs = True
    for i in range(input_V.size):
        same_inputs &= a.solved_input_V[replica, i] == input_V[i]
    for k in range(found_V.size):
        series_S, drive_A = settings.free_S, 0.0
        if clamped[k] and settings.drives > 0.0:
            drive_A = target_V[k]
        elif clamped[k]:
            series_S = settings.clamp_S
            a.sink_V[replica, k] = target_V[k]
        elif same_inputs and a.sink_V[replica, k] == a.solved_sink_V[replica, k]:
            same = True
            for j in range(a.first[replica, k], a.first[replica, k + 1]):
                same &= a.gate_V[j] == a.solved_gate_V[j]
            if same:
                found_V[k] = a.guess_V[replica, k]
                continue
        found_V[k], ended, passed = solve_one(
            input_V, k, replica, a.first, a.drain, edges, a.guess_V[replica, k], a.sink_V[replica, k],
            series_S, drive_A, m, settings, limits, a.work, a.work.size // (FIELDS + 1),
        )  # fmt: skip
        a.passes[0] += passed
        status = max(status, ended)
    if status == CONVERGED:
        _fill(node_V, replica, a.nodes, settings, input_V, found_V)
    return status


@compiled
def follow(memory, other, replica):
    """Guess what the last free solution was in another memory; see `analog_nmos.backends.base.CompiledSolver`."""
    memory.guess_V[replica, :] = other.guess_V[replica]


@compiled
def forget(memory, replica):
    """A cold start for the replica's next solve; VOUT and gates stay."""
    memory.guess_V[replica, :] = memory.cold_V
    memory.solved_input_V[replica, :] = math.nan
    memory.solved_sink_V[replica, :] = math.nan
    memory.solved_gate_V[memory.first[replica, 0] : memory.first[replica, -1]] = math.nan


@kernel
def solve_free(input_V, mask, node_V, status, *memory):
    """Free phase of the replicas in `mask` at input_V (L, I): fills node_V (L, nodes) and status (L,)."""
    for replica in range(mask.size):
        node_V[replica, :] = math.nan
        status[replica] = SKIPPED
        if mask[replica]:
            status[replica] = free_phase(Memory(*memory), replica, input_V[replica], node_V[replica])


@kernel
def solve_clamped(input_V, target_V, clamped, mask, node_V, status, *memory):
    """Clamped phase of the replicas in `mask`, likewise, with target_V and clamped (L, K)."""
    for replica in range(mask.size):
        node_V[replica, :] = math.nan
        status[replica] = SKIPPED
        if mask[replica]:
            status[replica] = clamped_phase(
                Memory(*memory), replica, input_V[replica], target_V[replica], clamped[replica], node_V[replica]
            )


@kernel
def solve_many(
    replica, input_V, circuit, is_linked, bounds, first, drain, weight, vto_offset_V, kp_factor, gate_V, guess_V,
    sink_V, out_V, status, work, passes,
):  # fmt: skip
    """Free outputs (N, K) and status (N,) of a replica for samples input_V (N, I), each from the one before."""
    m, settings, limits = numbers(circuit, is_linked, bounds, replica)
    edges = Edges(gate_V, weight, vto_offset_V, kp_factor)
    last_V = guess_V[replica].copy()
    for n in range(input_V.shape[0]):
        status[n] = status_of_inputs(input_V[n])
        for k in range(last_V.size):
            out_V[n, k], ended, passed = solve_one(
                input_V[n], k, replica, first, drain, edges, last_V[k], sink_V[replica, k],
                settings.free_S, 0.0, m, settings, limits, work, work.size // (FIELDS + 1),
            )  # fmt: skip
            passes[0] += passed
            status[n] = max(status[n], ended)
        if status[n] == CONVERGED:
            last_V[:] = out_V[n]
        else:
            out_V[n, :] = math.nan
