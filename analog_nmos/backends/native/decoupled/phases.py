"""The compiled entry points of networks without hidden nodes: free and clamped phases of all replicas, samples of one.

All arrays are contiguous; L replicas, I inputs, K outputs, S edge slots of all replicas (`layout.Layout`). Arguments
of every entry: `device` (`parameters.as_array`), `settings` (the order of `SETTINGS`), `first` (L, K + 1), `drain` and
`weight` (S,), `gate_V` (S,), `guess_V` and `sink_V` (L, K), `work` (room for one output), `passes` (one number, added
to).
"""

# mypy: allow-untyped-defs

from __future__ import annotations

import math

import numpy as np

from analog_nmos.backends.base import Status
from analog_nmos.backends.native.accuracy import Limits, expect, unpack_limits
from analog_nmos.backends.native.decoupled.newton import CONVERGED, DAMPED, FIELDS, NOT_FINITE, Output, solve_output
from analog_nmos.backends.native.device import unpack
from analog_nmos.backends.native.jit import kernel
from common.kernels.jit import inlined

SETTINGS = ("tolerance_V", "passes", "free_S", "clamp_S", "vminus_V", "vplus_V", *Limits._fields)
SKIPPED = int(Status.SKIPPED)


@kernel
def set_gates(gates_V, slot, gate_V):
    """Put gate voltages (L, E) into their slots."""
    for replica in range(slot.shape[0]):
        for e in range(slot.shape[1]):
            if slot[replica, e] >= 0:
                gate_V[slot[replica, e]] = gates_V[replica, e]


@inlined
def _solve(row_V, k, replica, first, drain, weight, gate_V, start_V, sink_V, series_S, m, settings, work, stride):
    """One output of one replica at inputs row_V (I,): voltage, status, passes."""
    begin, end = first[replica, k], first[replica, k + 1]
    drain_V = work[FIELDS * stride :]
    check, low, high, gate = sink_V, min(sink_V, 0.0), max(sink_V, 0.0), 0.0
    for j in range(begin, end):
        drain_V[j - begin] = row_V[drain[j]]
        check += gate_V[j] + drain_V[j - begin]
        low, high, gate = min(low, drain_V[j - begin]), max(high, drain_V[j - begin]), max(gate, gate_V[j])
    if not math.isfinite(check):  # minimum and maximum would hide a NaN
        return math.nan, NOT_FINITE, 0
    limits = unpack_limits(settings[6:])
    out = Output(
        begin, end, m.shunt_S + series_S, series_S * sink_V, settings[0], int(settings[1]),
        expect(limits, low, high, gate, m), DAMPED * max(high - low, 1.0), limits.knee_V,
    )  # fmt: skip
    return solve_output(drain_V, gate_V, weight, out, start_V, m, work, stride)


@inlined
def _status_of_inputs(row_V):
    """A replica's status before its outputs are solved, from its inputs, some of which may have no edge."""
    for i in range(row_V.size):
        if not math.isfinite(row_V[i]):
            return NOT_FINITE
    return CONVERGED


@inlined
def _fill(node_V, replica, nodes, settings, row_V, found_V):
    """Node voltages of a replica that was solved; what no edge touches is held at 0 V by rshunt."""
    node_V[replica, :] = 0.0
    node_V[replica, nodes[replica, 0]] = settings[4]
    node_V[replica, nodes[replica, 1]] = settings[5]
    n_inputs = row_V.size
    for i in range(n_inputs):
        node_V[replica, nodes[replica, 2 + i]] = row_V[i]
    for k in range(found_V.shape[0]):
        node_V[replica, nodes[replica, 2 + n_inputs + k]] = found_V[k]


@kernel
def solve_free(
    input_V, mask, device, settings, first, drain, weight, nodes, gate_V, guess_V, sink_V,
    solved_gate_V, solved_input_V, solved_sink_V, node_V, status, work, passes,
):  # fmt: skip
    """Free phase of the replicas in `mask`: fills node_V (L, nodes) and status (L,), and remembers what was solved."""
    m = unpack(device)
    found_V = np.empty(first.shape[1] - 1)
    for replica in range(first.shape[0]):
        node_V[replica, :] = math.nan
        status[replica] = SKIPPED
        if not mask[replica]:
            continue
        status[replica] = _status_of_inputs(input_V[replica])
        for k in range(found_V.size):
            found_V[k], ended, passed = _solve(
                input_V[replica], k, replica, first, drain, weight, gate_V, guess_V[replica, k], sink_V[replica, k],
                settings[2], m, settings, work, work.size // (FIELDS + 1),
            )  # fmt: skip
            passes[0] += passed
            status[replica] = max(status[replica], ended)
        if status[replica] == CONVERGED:
            _fill(node_V, replica, nodes, settings, input_V[replica], found_V)
            guess_V[replica, :] = found_V
            solved_input_V[replica, :] = input_V[replica]
            solved_sink_V[replica, :] = sink_V[replica]
            solved_gate_V[first[replica, 0] : first[replica, -1]] = gate_V[first[replica, 0] : first[replica, -1]]


@kernel
def solve_clamped(
    input_V, target_V, clamped, mask, device, settings, first, drain, weight, nodes, gate_V, guess_V, sink_V,
    solved_gate_V, solved_input_V, solved_sink_V, node_V, status, work, passes,
):  # fmt: skip
    """Clamped phase of the replicas in `mask`; free outputs whose sources have not changed keep their voltage."""
    m = unpack(device)
    found_V = np.empty(first.shape[1] - 1)
    for replica in range(first.shape[0]):
        node_V[replica, :] = math.nan
        status[replica] = SKIPPED
        if not mask[replica]:
            continue
        status[replica] = _status_of_inputs(input_V[replica])
        same_inputs = True
        for i in range(input_V.shape[1]):
            same_inputs &= solved_input_V[replica, i] == input_V[replica, i]
        for k in range(found_V.size):
            series_S = settings[2]
            if clamped[replica, k]:
                series_S = settings[3]
                sink_V[replica, k] = target_V[replica, k]
            elif same_inputs and sink_V[replica, k] == solved_sink_V[replica, k]:
                same = True
                for j in range(first[replica, k], first[replica, k + 1]):
                    same &= gate_V[j] == solved_gate_V[j]
                if same:
                    found_V[k] = guess_V[replica, k]
                    continue
            found_V[k], ended, passed = _solve(
                input_V[replica], k, replica, first, drain, weight, gate_V, guess_V[replica, k], sink_V[replica, k],
                series_S, m, settings, work, work.size // (FIELDS + 1),
            )  # fmt: skip
            passes[0] += passed
            status[replica] = max(status[replica], ended)
        if status[replica] == CONVERGED:
            _fill(node_V, replica, nodes, settings, input_V[replica], found_V)


@kernel
def solve_many(
    replica, input_V, device, settings, first, drain, weight, gate_V, guess_V, sink_V, out_V, status, work, passes
):  # fmt: skip
    """Free outputs (N, K) and status (N,) of a replica for samples input_V (N, I), each from the one before."""
    m = unpack(device)
    last_V = guess_V[replica].copy()
    for n in range(input_V.shape[0]):
        status[n] = _status_of_inputs(input_V[n])
        for k in range(last_V.size):
            out_V[n, k], ended, passed = _solve(
                input_V[n], k, replica, first, drain, weight, gate_V, last_V[k], sink_V[replica, k],
                settings[2], m, settings, work, work.size // (FIELDS + 1),
            )  # fmt: skip
            passes[0] += passed
            status[n] = max(status[n], ended)
        if status[n] == CONVERGED:
            last_V[:] = out_V[n]
        else:
            out_V[n, :] = math.nan
