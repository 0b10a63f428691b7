"""The arrays of all coupled replicas in one block of floats and one of integers, and a replica's part of them.

numba takes a tenth of a microsecond for each array that a kernel is called with, and a replica has forty: as much as
a small network's whole solve. So kernels get a `Book`, and open a replica's `Wiring` and `Memory` in it, as views that
hold no reference to it: counting forty of them up and down took an eighth of a small network's solve.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numba.core import cgutils
from numba.np.arrayobj import populate_array
from numpy.typing import NDArray

from analog_nmos.backends.base import BoolArray, FloatArray
from analog_nmos.backends.native.coupled.factor import BLOCK
from analog_nmos.backends.native.coupled.fronts import Fronts
from analog_nmos.backends.native.coupled.wiring import Wiring
from analog_nmos.topology.network import IntArray
from common.kernels.by_address import Address
from common.kernels.jit import inlined, intrinsic
from common.kernels.vectors import WIDTH, aligned

FIELDS = 15
CHORD_WORK = 40  # multiply-adds of a factorisation per edge from which factors are used again


class Memory(NamedTuple):
    """What one replica remembers, and room; F free nodes, X fixed ones, K outputs, slots of edges.

    Attributes:
        weight: (slots,) 1 for an edge, 0 for filling.
        n_edges: (F,) edges that meet at each free node.
        gate_V: (slots,) gate voltages.
        vto_offset_V, kp_factor: (slots,) what each transistor's threshold and transconductance differ by.
        guess_V: (F,) the last free solution, in the state's order.
        sink_V: (K,) VOUT.
        node_V: (F + X,) all nodes, in the wiring's order.
        moved_V: (F + X,) their last step, which the internal nodes have yet to follow.
        load_S, source_A: (F,) what rshunt and the series resistors bring: conductance, and current at 0 V.
        work: FIELDS of each slot: internal d, s, b; their step; their step by S's; by D's; then of loose blocks the
            currents into the drain and the source end and bend, of a sheaf's first block sums of bends and currents.
        saved: free nodes and internal nodes, for source stepping.
        entries: room for what eight edges add to the matrix, and for `stars`.
        data: entries of the matrix, see `wiring`.
        matrix, inverse, panel, part: see `factor`.
        step, bend, flow, spare: (F,) right-hand sides and solutions.
        reach_V: (1,) how far the nodes are from where the matrix was factored; infinite if nothing goes on from there.
        drive_A: (K,) currents that are driven into the outputs; 0 but in a clamped phase.
    """

    weight: FloatArray
    n_edges: FloatArray
    gate_V: FloatArray
    vto_offset_V: FloatArray
    kp_factor: FloatArray
    guess_V: FloatArray
    sink_V: FloatArray
    node_V: FloatArray
    moved_V: FloatArray
    load_S: FloatArray
    source_A: FloatArray
    work: FloatArray
    saved: FloatArray
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
    drive_A: FloatArray


class Book(NamedTuple):
    """All replicas.

    Attributes:
        ints, floats: all arrays, end to end, each at a whole vector.
        int_at, float_at: (L, arrays, 2) where each replica's arrays begin and end.
        chords: (L,) whether factors cost enough to be used again.
        solve: the address of `phases.solve_at` for this circuit.
    """

    ints: IntArray
    int_at: IntArray
    floats: FloatArray
    float_at: IntArray
    chords: BoolArray
    solve: Address


def keep_book(wirings: Sequence[Wiring]) -> tuple[Book, list[Memory]]:
    """The book of some replicas, still without an address, and views of what each remembers; nothing is solved yet."""
    flat = [(*wiring[:-1], *wiring.fronts) for wiring in wirings]
    int_at = _places([[array.size for array in arrays] for arrays in flat])
    ints = np.zeros(int(int_at[-1, -1, 1]) + WIDTH, np.int64)
    for arrays, places in zip(flat, int_at.tolist(), strict=True):
        for array, (begin, end) in zip(arrays, places, strict=True):
            ints[begin:end] = array
    float_at = _places([_sizes(wiring) for wiring in wirings])
    floats = aligned(int(float_at[-1, -1, 1]) + WIDTH)
    memories = [Memory(*(floats[begin:end] for begin, end in places)) for places in float_at.tolist()]
    for memory, wiring in zip(memories, wirings, strict=True):
        memory.weight[wiring.slot] = 1.0
        ends = np.concatenate([wiring.drain[wiring.slot], wiring.source[wiring.slot]])
        memory.n_edges[:] = np.bincount(ends, minlength=wiring.free.size)[: wiring.free.size]
        memory.kp_factor[:] = 1.0
        memory.reach_V[:] = np.inf
    chords = np.array([_chords_pay(wiring) for wiring in wirings])
    return Book(ints, int_at, floats, float_at, chords, Address(0, 0)), memories


def _sizes(wiring: Wiring) -> list[int]:
    """Of a Memory's fields, in order."""
    slots, free, both = wiring.drain.size, wiring.free.size, wiring.free.size + wiring.fixed.size
    longest = max(int(wiring.fronts.stride.max(initial=0)), WIDTH)
    sizes = {
        "weight": slots,
        "gate_V": slots,
        "vto_offset_V": slots,
        "kp_factor": slots,
        "sink_V": wiring.outputs.size,
        "drive_A": wiring.outputs.size,
        "node_V": both,
        "moved_V": both,
        "work": FIELDS * slots,
        "saved": free + 3 * slots,
        "entries": max(4, wiring.shape.size**2) * WIDTH,
        "data": int(wiring.place.max()) + 1,
        "matrix": int(wiring.fronts.at[-1]),
        "panel": BLOCK * longest,
        "part": longest + WIDTH,
        "reach_V": 1,
    }
    return [sizes.get(name, free) for name in Memory._fields]


def _places(sizes: list[list[int]]) -> NDArray[np.int64]:
    rooms = np.array(sizes, np.int64)
    whole = -(-rooms // WIDTH) * WIDTH
    begin = (np.cumsum(whole) - whole.ravel()).reshape(rooms.shape)
    return np.stack([begin, begin + rooms], axis=2)


def _chords_pay(wiring: Wiring) -> bool:
    if wiring.fronts.entry_from.size == 0:
        return False
    pivots, boundary = np.diff(wiring.fronts.first), np.diff(wiring.fronts.rows_at)
    return bool((pivots * (pivots + boundary) ** 2).sum() > CHORD_WORK * wiring.drain.size)


@intrinsic(plain=lambda array, begin, end: array[begin:end])
def _part(typingctx: Any, array: Any, begin: Any, end: Any) -> Any:
    """array[begin:end] of a contiguous 1-D array that outlives it: it holds no reference, which would be counted."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        whole = context.make_array(sig.args[0])(context, builder, args[0])
        part = context.make_array(sig.return_type)(context, builder)
        first = cgutils.gep_inbounds(builder, whole.data, args[1])
        populate_array(part, first, [builder.sub(args[2], args[1])], [whole.itemsize], whole.itemsize, None)
        return part._getvalue()

    return array(array, begin, end), codegen


@inlined
def _int(book: Any, r: Any, k: Any) -> Any:
    return _part(book.ints, book.int_at[r, k, 0], book.int_at[r, k, 1])


@inlined
def _float(book: Any, r: Any, k: Any) -> Any:
    return _part(book.floats, book.float_at[r, k, 0], book.float_at[r, k, 1])


@inlined
def wiring_of(book: Any, r: Any) -> Any:
    """Replica r's Wiring."""
    return Wiring(
        _int(book, r, 0), _int(book, r, 1), _int(book, r, 2), _int(book, r, 3), _int(book, r, 4), _int(book, r, 5),
        _int(book, r, 6), _int(book, r, 7), _int(book, r, 8), _int(book, r, 9), _int(book, r, 10), _int(book, r, 11),
        _int(book, r, 12), _int(book, r, 13), _int(book, r, 14),
        Fronts(
            _int(book, r, 15), _int(book, r, 16), _int(book, r, 17), _int(book, r, 18), _int(book, r, 19),
            _int(book, r, 20), _int(book, r, 21), _int(book, r, 22), _int(book, r, 23), _int(book, r, 24),
            _int(book, r, 25), _int(book, r, 26),
        ),
    )  # fmt: skip


@inlined
def memory_of(book: Any, r: Any) -> Any:
    """Replica r's Memory."""
    return Memory(
        _float(book, r, 0), _float(book, r, 1), _float(book, r, 2), _float(book, r, 3), _float(book, r, 4),
        _float(book, r, 5), _float(book, r, 6), _float(book, r, 7), _float(book, r, 8), _float(book, r, 9),
        _float(book, r, 10), _float(book, r, 11), _float(book, r, 12), _float(book, r, 13), _float(book, r, 14),
        _float(book, r, 15), _float(book, r, 16), _float(book, r, 17), _float(book, r, 18), _float(book, r, 19),
        _float(book, r, 20), _float(book, r, 21), _float(book, r, 22), _float(book, r, 23), _float(book, r, 24),
    )  # fmt: skip
