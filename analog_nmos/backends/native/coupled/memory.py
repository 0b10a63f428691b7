"""What a coupled replica remembers between kernel calls, and what the kernels need room for."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analog_nmos.backends.base import FloatArray
from analog_nmos.backends.native.coupled.factor import BLOCK
from analog_nmos.backends.native.coupled.wiring import Wiring
from common.kernels.vectors import WIDTH, aligned

FIELDS = 15


class Memory(NamedTuple):
    """Arrays of one replica; F free nodes, X fixed ones, slots of edges.

    Attributes:
        gate_V, kp_factor: (slots,) gate voltages (less threshold offsets), and factors on the transconductance.
        node_V: (F + X,) all nodes, in the wiring's order.
        moved_V: (F + X,) their last step, which the internal nodes have yet to follow.
        load_S, source_A: (F,) what rshunt and the series resistors bring: conductance, and current at 0 V.
        work: FIELDS of each slot: internal d, s, b; their step; their step by S's; by D's; then of loose blocks the
            currents into the drain and the source end and bend, of a sheaf's first block sums of bends and currents.
        entries: room for what eight edges add to the matrix.
        data: entries of the matrix, see `wiring`.
        matrix, inverse, panel, part: see `factor`.
        step, bend, flow, spare: (F,) right-hand sides and solutions.
        reach_V: (1,) how far the nodes are from where the matrix was factored; infinite if nothing goes on from there.
    """

    gate_V: FloatArray
    kp_factor: FloatArray
    node_V: FloatArray
    moved_V: FloatArray
    load_S: FloatArray
    source_A: FloatArray
    work: FloatArray
    entries: FloatArray
    data: FloatArray
    matrix: FloatArray
    inverse: FloatArray
    panel: FloatArray
    part: FloatArray
    step: FloatArray
    bend: FloatArray
    flow: FloatArray
    spare: FloatArray
    reach_V: FloatArray


def memory(wiring: Wiring) -> Memory:
    """Room for one replica, with nothing solved yet."""
    n_slots, n_free = wiring.weight.size, wiring.free.size
    longest = max(int(wiring.fronts.stride.max(initial=0)), WIDTH)
    kp_factor = aligned(n_slots)
    kp_factor[:] = 1.0

    def room() -> NDArray[np.float64]:
        return np.zeros(n_free)

    return Memory(
        gate_V=aligned(n_slots),
        kp_factor=kp_factor,
        node_V=np.zeros(n_free + wiring.fixed.size),
        moved_V=np.zeros(n_free + wiring.fixed.size),
        load_S=room(),
        source_A=room(),
        work=aligned(FIELDS * n_slots),
        entries=aligned(4 * WIDTH),
        data=np.zeros(wiring.data_size),
        matrix=aligned(int(wiring.fronts.at[-1])),
        inverse=room(),
        panel=aligned(BLOCK * longest),
        part=aligned(longest + WIDTH),
        step=room(),
        bend=room(),
        flow=room(),
        spare=room(),
        reach_V=np.full(1, np.inf),
    )
