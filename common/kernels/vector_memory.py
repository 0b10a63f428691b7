"""Vectors from arrays and into them, single lanes, and sums over lanes. No bounds are checked."""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numpy.typing import NDArray

from common.kernels.jit import PLAIN, intrinsic, leaf
from common.kernels.vector_kinds import DOUBLES, FLOATS, I32, I64, Vector, of_array, splatted

LINE = 64  # bytes of a cache line


def aligned(size: int, dtype: Any = np.float64) -> NDArray[Any]:
    """Zeros that start at a multiple of 64 bytes, so that no vector straddles two cache lines."""
    room = np.zeros(size + LINE // np.dtype(dtype).itemsize, dtype)
    start = (-room.ctypes.data % LINE) // room.itemsize
    return room[start : start + size]


def _pointer(context: Any, builder: Any, sig: Any, args: Any, vector: ir.VectorType) -> Any:
    data = context.make_array(sig.args[0])(context, builder, args[0]).data
    return builder.bitcast(cgutils.gep_inbounds(builder, data, args[1]), vector.as_pointer())


def _bytes(kind: Vector) -> int:
    return int(kind.element.bitwidth) // 8


@intrinsic(plain=lambda array, index: array[index])
def load(typingctx: Any, array: Any, index: Any) -> Any:
    """array[index : index + WIDTH] of a contiguous 1-D array of float64 or float32."""
    kind = of_array(array, index)
    if kind is None:
        return None

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.load(_pointer(context, builder, sig, args, kind.llvm), align=_bytes(kind))

    return kind(array, index), codegen


def _store(array: Any, index: Any, value: Any) -> None:
    array[index] = value


@intrinsic(plain=_store)
def store(typingctx: Any, array: Any, index: Any, value: Any) -> Any:
    """array[index : index + WIDTH] = value for a contiguous 1-D array of float64 or float32."""
    kind = of_array(array, index)
    if kind is None or value not in (kind, kind.element):
        return None

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vector = splatted(builder, args[2], kind.llvm) if value == kind.element else args[2]
        builder.store(vector, _pointer(context, builder, sig, args, kind.llvm), align=_bytes(kind))
        return context.get_dummy_value()

    return types.void(array, index, value), codegen


@intrinsic(plain=lambda array, indices, at: array[indices[at]])
def gather(typingctx: Any, array: Any, indices: Any, at: Any) -> Any:
    """array[indices[at : at + WIDTH]] of a contiguous 1-D array of float64 or float32, and one of int64."""
    kind, whole = of_array(array, at), isinstance(indices, types.Array) and indices.ndim == 1 and indices.layout == "C"
    if kind is None or not whole or indices.dtype != types.int64:
        return None

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        places = cgutils.gep_inbounds(builder, context.make_array(sig.args[1])(context, builder, args[1]).data, args[2])
        found = ir.Constant(kind.llvm, ir.Undefined)
        for i in range(kind.lanes):
            place = builder.load(cgutils.gep_inbounds(builder, places, ir.Constant(I64, i)))
            value = builder.load(cgutils.gep_inbounds(builder, data, place))
            found = builder.insert_element(found, value, ir.Constant(I32, i))
        return found

    return kind(array, indices, at), codegen


@intrinsic(plain=lambda vector, index: vector)
def lane(typingctx: Any, vector: Any, index: Any) -> Any:
    """One of a vector's numbers."""
    if not isinstance(vector, Vector) or not isinstance(index, types.Integer):
        return None
    return vector.element(vector, index), lambda context, builder, sig, args: builder.extract_element(*args)


@intrinsic(plain=lambda value, count: value if count > 0 else np.float32(0))
def keep_first(typingctx: Any, value: Any, count: Any) -> Any:
    """The first `count` lanes of floats; the others zero."""
    if value != FLOATS or not isinstance(count, types.Integer):
        return None
    longs = ir.VectorType(I64, FLOATS.lanes)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        limit = splatted(builder, context.cast(builder, args[1], sig.args[1], types.int64), longs)
        mask = builder.icmp_signed("<", ir.Constant(longs, list(range(FLOATS.lanes))), limit)
        return builder.select(mask, args[0], ir.Constant(FLOATS.llvm, [0.0] * FLOATS.lanes))

    return FLOATS(value, count), codegen


def _shuffle(builder: Any, a: Any, b: Any, lanes: Any) -> Any:
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(I32, len(lanes)), list(lanes)))


def _halved(builder: Any, vectors: list[Any], half: int, width: int) -> list[Any]:
    """Half as many vectors: of each pair both halves of every block added, side by side."""
    low = [lane + 2 * half * block for block in range(width // (2 * half)) for lane in range(half)]
    low += [lane + width for lane in low]
    high = [lane + half for lane in low]
    return [
        builder.fadd(_shuffle(builder, x, y, low), _shuffle(builder, x, y, high))
        for x, y in zip(vectors[::2], vectors[1::2], strict=True)
    ]


def _add_numbers(array: Any, index: Any, a: Any, b: Any, c: Any, d: Any) -> None:
    for k, value in enumerate((a, b, c, d)):
        array[index + k] += value


@intrinsic(plain=_add_numbers)
def add_sums(typingctx: Any, array: Any, index: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """array[index : index + 4] += the sums over the lanes of a, b, c and d, always in the same order."""
    kind = of_array(array, index)
    if kind is None or {a, b, c, d} != {kind}:
        return None
    width = kind.lanes

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pairs = _halved(builder, list(args[2:]), width // 2, width)
        (total,) = _halved(builder, pairs, width // 4, width)  # a quarter of the lanes holds parts of each
        distance = width // 8
        while distance > 0:
            total = builder.fadd(total, _shuffle(builder, total, total, [lane ^ distance for lane in range(width)]))
            distance //= 2
        sums = _shuffle(builder, total, total, [block * width // 4 for block in range(4)])
        pointer = _pointer(context, builder, sig, args, ir.VectorType(kind.llvm.element, 4))
        builder.store(builder.fadd(builder.load(pointer, align=_bytes(kind)), sums), pointer, align=_bytes(kind))
        return context.get_dummy_value()

    return types.void(array, index, a, b, c, d), codegen


@leaf
def _total(v: Any) -> Any:
    left = (lane(v, 0) + lane(v, 1)) + (lane(v, 2) + lane(v, 3))
    return left + ((lane(v, 4) + lane(v, 5)) + (lane(v, 6) + lane(v, 7)))


@leaf
def _largest(v: Any) -> Any:
    left = max(max(lane(v, 0), lane(v, 1)), max(lane(v, 2), lane(v, 3)))
    return max(left, max(max(lane(v, 4), lane(v, 5)), max(lane(v, 6), lane(v, 7))))


def _only(v: Any) -> Any:
    return v


assert DOUBLES.lanes == 8  # as the two functions above count them
total = _only if PLAIN else _total  # sum of the lanes of doubles, in a fixed order
largest = _only if PLAIN else _largest  # of the lanes of doubles
