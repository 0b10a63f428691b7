"""`analog_nmos.rules.co_content`, compiled: eight transistors at a time."""

# mypy: allow-untyped-defs

from __future__ import annotations

from typing import Any, NamedTuple

from analog_nmos.backends.native.transistor import kinds
from analog_nmos.backends.native.transistor.accuracy import limits
from analog_nmos.backends.native.transistor.edge import below_knee
from analog_nmos.rules.transistors import Transistors
from analog_nmos.rules.transistors_kernel import channel, known
from common.kernels.jit import kernel, lean
from common.kernels.vectors import WIDTH, absolute, aligned, largest, load, maximum, minimum, select, splat, store

TOLERANCE_V = 1e-11  # last step of an internal node
FREE_V, DAMPED_V, FIRST_PASSES, MOST_PASSES = 1.0, 0.1, 30, 300


class Circuit(NamedTuple):
    """The transistors of a circuit, and room for one replica, filled up to whole vectors."""

    device: Any  # `device.Device` or `linked.Linked`
    known: Any  # `transistors_kernel.Known`
    point: Any  # of the quadrature between 0 and 1
    weight: Any
    kink_V: Any
    knee_V: Any  # of a forward junction
    drain_V: Any  # (E8,) room, as the following; mirrored ends are made of it
    source_V: Any
    gate_V: Any
    offset_V: Any
    factor: Any
    begin_V: Any  # (E8,) where the middle piece begins
    end_V: Any
    found: Any


class Both(NamedTuple):
    """The circuits of the first and the second state."""

    first: Any
    second: Any


def circuit_of(transistors: Transistors, point: Any, weight: Any, kink_V: float) -> Circuit:
    """For replicas with these transistors."""
    room = [aligned(-(-transistors.kp_factor.shape[1] // WIDTH) * WIDTH) for _ in range(8)]
    room[4][:] = 1.0
    device, knee_V = transistors.device, limits(transistors.device).knee_V
    return Circuit(device, known(transistors), point, weight, kink_V, knee_V, *room)


@kernel
def values(circuit, replica, gate_V, out_V2):
    """Fill in the quantity (E,) of ends that lie in circuit.drain_V and circuit.source_V."""
    _values(circuit, replica, gate_V, out_V2.size)
    for e in range(out_V2.size):
        out_V2[e] = circuit.found[e]


@lean
def change(own, replica, edges, gate_V, free_V, first_V, second_V, out_V2):
    """See `analog_nmos.rules.quantity.ChangeKernel`."""
    n_edges = out_V2.size
    for e in range(n_edges):
        drain, source = edges.drain[replica, e], edges.source[replica, e]
        own.first.drain_V[e], own.first.source_V[e] = first_V[drain], first_V[source]
        own.second.drain_V[e], own.second.source_V[e] = second_V[drain], second_V[source]
    _values(own.first, replica, gate_V, n_edges)
    _values(own.second, replica, gate_V, n_edges)
    for e in range(n_edges):
        out_V2[e] = own.second.found[e] - own.first.found[e]


@lean
def _values(circuit, replica, gate_V, n_edges):
    """Fill `found`, and before it the rest of the room."""
    around, sign = circuit.known.around, circuit.known.around.sign
    for e in range(n_edges):
        offset_V = circuit.known.vto_offset_V[replica, e]
        across_V, is_reversed, overdrive_V, rises = channel(
            around, offset_V, circuit.drain_V[e], circuit.source_V[e], gate_V[e]
        )
        # A body on the upper end lowers the threshold while this rises, about linearly.
        body = around.gamma * around.slope * (around.body_S if is_reversed else around.body_D)
        # A gate that rises with the upper end turns the transistor on there; another one lets it saturate there.
        kink_V = (overdrive_V - body * across_V) / (1.0 - body)
        if rises:
            kink_V = across_V - overdrive_V / (1.0 + body)
        circuit.begin_V[e] = min(max(kink_V - circuit.kink_V, 0.0), across_V)
        circuit.end_V[e] = min(max(kink_V + circuit.kink_V, 0.0), across_V)
        circuit.drain_V[e], circuit.source_V[e] = sign * circuit.drain_V[e], sign * circuit.source_V[e]
        circuit.gate_V[e], circuit.offset_V[e] = gate_V[e], offset_V
        circuit.factor[e] = circuit.known.kp_factor[replica, e]
    for at in range(0, n_edges, WIDTH):
        drain_V, source_V = load(circuit.drain_V, at), load(circuit.source_V, at)
        own = kinds.deviating(circuit.device, load(circuit.offset_V, at), load(circuit.factor, at))
        low_V, across_V = minimum(drain_V, source_V), absolute(drain_V - source_V)
        begin_V, end_V = load(circuit.begin_V, at), load(circuit.end_V, at)
        gates_V = load(circuit.gate_V, at)
        found = _piece(circuit, own, drain_V, source_V, gates_V, low_V, splat(0.0), begin_V)
        found = found + _piece(circuit, own, drain_V, source_V, gates_V, low_V, begin_V, end_V)
        found = found + _piece(circuit, own, drain_V, source_V, gates_V, low_V, end_V, across_V)
        store(circuit.found, at, found * (2.0 / around.beta))


@lean
def _piece(circuit, m, drain_V, source_V, gate_V, low_V, begin_V, end_V):
    """The integral while the upper end rises from begin_V to end_V above the lower one."""
    found, swapped = splat(0.0), drain_V < source_V
    for k in range(circuit.point.size):
        upper_V = low_V + (begin_V + (end_V - begin_V) * circuit.point[k])
        D_V, S_V = select(swapped, low_V, upper_V), select(swapped, upper_V, low_V)
        found = found + _by_gate(circuit, m, D_V, gate_V, S_V, swapped) * circuit.weight[k]
    return found * (end_V - begin_V)


@lean
def _by_gate(circuit, m, D_V, gate_V, S_V, swapped):
    """Derivative by the gate voltage of the current into the upper end, its internal nodes at rest."""
    d, s, _, _, _, _ = kinds.guess(D_V, gate_V, S_V, m)
    b = kinds.body(d, s, D_V, gate_V, S_V, m)
    b = below_knee(splat(0.0), d, s, b, circuit.knee_V, m)
    step = kinds.step(D_V, gate_V, S_V, d, s, b, m)
    for passed in range(MOST_PASSES):
        size = largest(maximum(maximum(absolute(step.d), absolute(step.s)), absolute(step.b)))
        if size < TOLERANCE_V:
            break
        limit_V = FREE_V if passed < FIRST_PASSES else DAMPED_V
        before = b - minimum(d, s)
        d = d + maximum(minimum(step.d, limit_V), 0.0 - limit_V)
        s = s + maximum(minimum(step.s, limit_V), 0.0 - limit_V)
        b = below_knee(before, d, s, b + maximum(minimum(step.b, limit_V), 0.0 - limit_V), circuit.knee_V, m)
        step = kinds.step(D_V, gate_V, S_V, d, s, b, m)
    return select(swapped, step.in_S_byG, step.in_D_byG)
