"""Kernels of `states`: internal nodes of transistors between fixed ends, and what their channels and junctions do.

All arrays are contiguous; M transistors, a multiple of WIDTH. Voltages and currents are mirrored where the device is.
"""

# mypy: allow-untyped-defs

from __future__ import annotations

from analog_nmos.backends.native.transistor import kinds
from analog_nmos.backends.native.transistor.device import drain_current, junction, threshold
from analog_nmos.backends.native.transistor.edge import below_knee
from analog_nmos.backends.native.transistor.jit import kernel
from analog_nmos.backends.native.transistor.packing import unpack
from common.kernels.jit import lean
from common.kernels.vectors import WIDTH, absolute, largest, load, maximum, minimum, store

FREE_V, FIRST_PASSES = 1.0, 30  # largest step of an internal node, and passes before it is damped
REST_FIELDS, CHANNEL_FIELDS = 5, 8


@lean
def _block(m, D_V, gate_V, S_V, knee_V, damped_V, tolerance_V, passes, found, at, stride):
    """Newton of eight transistors; whether their internal nodes came to rest. `found` gets d, s, b, in_D and in_S."""
    d, s, _, _, _, _ = kinds.guess(D_V, gate_V, S_V, m)
    b = kinds.body(d, s, D_V, gate_V, S_V, m)
    b = below_knee(d * 0.0, d, s, b, knee_V, m)
    for passed in range(passes):
        limit_V = FREE_V if passed < FIRST_PASSES else damped_V
        step = kinds.step(D_V, gate_V, S_V, d, s, b, m)
        size = maximum(maximum(absolute(step.d), absolute(step.s)), absolute(step.b))
        at_rest = largest(size) < tolerance_V
        before = b - minimum(d, s)
        d = d + maximum(minimum(step.d, limit_V), 0.0 - limit_V)
        s = s + maximum(minimum(step.s, limit_V), 0.0 - limit_V)
        b = b + maximum(minimum(step.b, limit_V), 0.0 - limit_V)
        if at_rest:
            store(found, at, d)
            store(found, at + stride, s)
            store(found, at + 2 * stride, b)
            store(found, at + 3 * stride, step.in_D)
            store(found, at + 4 * stride, step.in_S)
            return True
        b = below_knee(before, d, s, b, knee_V, m)
    return False


@kernel
def rest(circuit, is_linked, D_V, S_V, gate_V, offset_V, factor, knee_V, damped_V, tolerance_V, passes, found):
    """Fill `found` (REST_FIELDS * M,); the first transistor of the eight that did not come to rest, or -1."""
    m = unpack(kinds.device_class(is_linked), circuit, 0)
    for at in range(0, D_V.size, WIDTH):
        own = kinds.deviating(m, load(offset_V, at), load(factor, at))
        ends = load(D_V, at), load(gate_V, at), load(S_V, at)
        if not _block(own, ends[0], ends[1], ends[2], knee_V, damped_V, tolerance_V, passes, found, at, D_V.size):
            return at
    return -1


@kernel
def channels(circuit, is_linked, d_V, s_V, b_V, moved_V, offset_V, factor, found):
    """Fill `found` (CHANNEL_FIELDS * M,) from internal nodes and the gates' own voltages.

    Channel current; its derivatives by d, s and b; overdrive; threshold; conductances of the junctions at d and s.
    """
    m, stride = unpack(kinds.device_class(is_linked), circuit, 0), d_V.size
    for at in range(0, stride, WIDTH):
        own = kinds.deviating(m, load(offset_V, at), load(factor, at))
        d, s, b, gate = load(d_V, at), load(s_V, at), load(b_V, at), load(moved_V, at)
        current, by_d, by_s, by_b, _ = drain_current(d, gate, s, b, own)
        low = minimum(d, s)
        vth, _ = threshold(b - low, own)
        _, conductance_d = junction(b - d, own)
        _, conductance_s = junction(b - s, own)
        store(found, at, current)
        store(found, at + stride, by_d)
        store(found, at + 2 * stride, by_s)
        store(found, at + 3 * stride, by_b)
        store(found, at + 4 * stride, (gate - low) - vth)
        store(found, at + 5 * stride, vth)
        store(found, at + 6 * stride, conductance_d)
        store(found, at + 7 * stride, conductance_s)
