"""Sixteen floats or unsigned integers at once, inside numba kernels: types that map to LLVM's <16 x float>, <16 x i32>.

One AVX-512 instruction, two with AVX2, four with SSE2 or NEON. Sums run in the same order everywhere, so that a result
depends on the processor only through fused multiply-adds.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_builtin, models, register_model
from numpy.typing import NDArray

from aanntwin.kernel.jit import intrinsic

WIDTH = 16
_FLOATS = ir.VectorType(ir.FloatType(), WIDTH)
_WORDS = ir.VectorType(ir.IntType(32), WIDTH)
_LONGS = ir.VectorType(ir.IntType(64), WIDTH)
_I32 = ir.IntType(32)


class FloatsType(types.Type):
    """The numba type of sixteen floats."""

    def __init__(self) -> None:
        super().__init__(name="Floats16")


class WordsType(types.Type):
    """The numba type of sixteen unsigned 32-bit integers."""

    def __init__(self) -> None:
        super().__init__(name="Words16")


FLOATS = FloatsType()
WORDS = WordsType()


def round_up(size: int, step: int = WIDTH) -> int:
    """The next multiple of a step."""
    return -(-size // step) * step


def aligned(size: int, dtype: Any = np.float32) -> NDArray[Any]:
    """Zeros that start at a multiple of 64 bytes, so that no aligned vector lies in two cache lines."""
    room = np.zeros(size + WIDTH, dtype)
    start = (-room.ctypes.data // room.itemsize) % WIDTH
    return room[start : start + size]


def _primitive(numba_type: type, llvm_type: ir.Type) -> None:
    def __init__(self: Any, manager: Any, fe_type: Any) -> None:
        models.PrimitiveModel.__init__(self, manager, fe_type, llvm_type)

    register_model(numba_type)(type(f"{numba_type.__name__}Model", (models.PrimitiveModel,), {"__init__": __init__}))


_primitive(FloatsType, _FLOATS)
_primitive(WordsType, _WORDS)


def _splat(builder: Any, value: Any, vector: ir.VectorType) -> Any:
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(_I32, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(_I32, WIDTH), [0] * WIDTH))


def _floats(builder: Any, value: Any, kind: Any) -> Any:
    return value if kind == FLOATS else _splat(builder, value, _FLOATS)


def _is_float(*kinds: Any) -> bool:
    return FLOATS in kinds and all(kind in (FLOATS, types.float32) for kind in kinds)


def _define(function: Any, emit: Callable[[Any, Any, Any], Any]) -> None:
    """Define an operator for (Floats, Floats), (Floats, float32) and (float32, Floats)."""

    def generic(self: Any, args: tuple[Any, ...], kws: Any) -> Any:
        return signature(FLOATS, *args) if len(args) == 2 and _is_float(*args) else None

    infer_global(function)(type(f"Floats_{function.__name__}", (AbstractTemplate,), {"generic": generic}))
    for pair in ((FLOATS, FLOATS), (FLOATS, types.float32), (types.float32, FLOATS)):

        def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            left, right = (_floats(builder, value, kind) for value, kind in zip(args, sig.args, strict=True))
            return emit(builder, left, right)

        lower_builtin(function, *pair)(lower)


_define(operator.add, lambda builder, a, b: builder.fadd(a, b))
_define(operator.sub, lambda builder, a, b: builder.fsub(a, b))
_define(operator.mul, lambda builder, a, b: builder.fmul(a, b))


def _call(builder: Any, name: str, args: Any) -> Any:
    function_type = ir.FunctionType(_FLOATS, [_FLOATS] * len(args))
    return builder.call(cgutils.get_or_insert_function(builder.module, function_type, name), args)


@intrinsic
def fma(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c, rounded once."""
    if not _is_float(a, b, c):
        return None

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        values = [_floats(builder, value, kind) for value, kind in zip(args, sig.args, strict=True)]
        return _call(builder, "llvm.fma.v16f32", values)

    return FLOATS(a, b, c), codegen


@intrinsic
def root(typingctx: Any, value: Any) -> Any:
    """Square roots."""
    if value != FLOATS:
        return None
    return FLOATS(value), lambda context, builder, sig, args: _call(builder, "llvm.sqrt.v16f32", args)


@intrinsic
def splat(typingctx: Any, value: Any) -> Any:
    """All lanes equal to one float32 or one integer."""
    if value == types.float32:
        return FLOATS(value), lambda context, builder, sig, args: _splat(builder, args[0], _FLOATS)
    if value in (types.uint32, types.int64):

        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            word = args[0] if sig.args[0].bitwidth == 32 else builder.trunc(args[0], _I32)
            return _splat(builder, word, _WORDS)

        return WORDS(value), codegen
    return None


def _is_array(array: Any) -> bool:
    return isinstance(array, types.Array) and array.ndim == 1 and array.layout == "C" and array.dtype == types.float32


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, index: Any, lanes: int = WIDTH) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    vector = ir.VectorType(ir.FloatType(), lanes)
    return builder.bitcast(cgutils.gep_inbounds(builder, data, index), vector.as_pointer())


@intrinsic
def load(typingctx: Any, array: Any, index: Any) -> Any:
    """array[index : index + 16] of a contiguous 1-D float32 array; no bounds are checked."""
    if not _is_array(array) or not isinstance(index, types.Integer):
        return None

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.load(_pointer(context, builder, sig.args[0], *args), align=4)

    return FLOATS(array, index), codegen


@intrinsic
def store(typingctx: Any, array: Any, index: Any, value: Any) -> Any:
    """array[index : index + 16] = value for a contiguous 1-D float32 array; no bounds are checked."""
    if not _is_array(array) or not isinstance(index, types.Integer) or value != FLOATS:
        return None

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        builder.store(args[2], _pointer(context, builder, sig.args[0], args[0], args[1]), align=4)
        return context.get_dummy_value()

    return types.void(array, index, value), codegen


def _compare(comparison: str) -> Any:
    def where(typingctx: Any, a: Any, b: Any, yes: Any, no: Any) -> Any:
        if any(kind not in (FLOATS, types.float32) for kind in (a, b, yes, no)):
            return None

        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            left, right, first, second = (
                _floats(builder, value, kind) for value, kind in zip(args, sig.args, strict=True)
            )
            mask = builder.fcmp_ordered(comparison, left, right)
            return builder.select(mask, first, second)

        return FLOATS(a, b, yes, no), codegen

    return intrinsic(where)


where_above = _compare(">")  # lane by lane, `yes` where a > b and `no` elsewhere, also where either is NaN
where_up_to = _compare("<=")


@intrinsic
def keep_first(typingctx: Any, value: Any, count: Any) -> Any:
    """The first `count` lanes; the others zero."""
    if value != FLOATS or not isinstance(count, types.Integer):
        return None

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        lanes = ir.Constant(_LONGS, list(range(WIDTH)))
        limit = context.cast(builder, args[1], sig.args[1], types.int64)
        mask = builder.icmp_signed("<", lanes, _splat(builder, limit, _LONGS))
        return builder.select(mask, args[0], ir.Constant(_FLOATS, [0.0] * WIDTH))

    return FLOATS(value, count), codegen


def _shuffle(builder: Any, a: Any, b: Any, lanes: Any) -> Any:
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(_I32, len(lanes)), list(lanes)))


@intrinsic
def add_sums(typingctx: Any, array: Any, index: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """array[index : index + 4] += the sums over the lanes of a, b, c and d."""
    if not _is_array(array) or not isinstance(index, types.Integer) or {a, b, c, d} != {FLOATS}:
        return None

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vectors = list(args[2:])
        for half in (8, 4):  # halves of two vectors side by side, until one vector holds four lanes of each
            low = [lane + 2 * half * block for block in range(WIDTH // (2 * half)) for lane in range(half)]
            high = [lane + half for lane in low]
            pairs = [(vectors[i], vectors[i + 1]) for i in range(0, len(vectors), 2)]
            vectors = [
                builder.fadd(
                    _shuffle(builder, x, y, [*low, *(lane + WIDTH for lane in low)]),
                    _shuffle(builder, x, y, [*high, *(lane + WIDTH for lane in high)]),
                )
                for x, y in pairs
            ]
        total = vectors[0]
        for distance in (2, 1):
            total = builder.fadd(total, _shuffle(builder, total, total, [lane ^ distance for lane in range(WIDTH)]))
        sums = _shuffle(builder, total, total, [0, 4, 8, 12])
        pointer = _pointer(context, builder, sig.args[0], args[0], args[1], 4)
        builder.store(builder.fadd(builder.load(pointer, align=4), sums), pointer, align=4)
        return context.get_dummy_value()

    return types.void(array, index, a, b, c, d), codegen


# --- unsigned integers ----------------------------------------------------------------------------------------


def _words(emit: Callable[[Any, Any, Any], Any]) -> Any:
    def operation(typingctx: Any, a: Any, b: Any) -> Any:
        if a != WORDS or b != WORDS:
            return None
        return WORDS(a, b), lambda context, builder, sig, args: emit(builder, *args)

    return intrinsic(operation)


def _high(builder: Any, a: Any, b: Any) -> Any:
    product = builder.mul(builder.zext(a, _LONGS), builder.zext(b, _LONGS))
    return builder.trunc(builder.lshr(product, ir.Constant(_LONGS, [32] * WIDTH)), _WORDS)


plus = _words(lambda builder, a, b: builder.add(a, b))
times_low = _words(lambda builder, a, b: builder.mul(a, b))
times_high = _words(_high)
xor = _words(lambda builder, a, b: builder.xor(a, b))
either = _words(lambda builder, a, b: builder.or_(a, b))
both = _words(lambda builder, a, b: builder.and_(a, b))
left = _words(lambda builder, a, b: builder.shl(a, b))
right = _words(lambda builder, a, b: builder.lshr(a, b))


@intrinsic
def lanes(typingctx: Any) -> Any:
    """0, 1, .. 15."""
    return WORDS(), lambda context, builder, sig, args: ir.Constant(_WORDS, list(range(WIDTH)))


def _convert(result: Any, source: Any, emit: Callable[[Any, Any], Any]) -> Any:
    def convert(typingctx: Any, value: Any) -> Any:
        if value != source:
            return None
        return result(value), lambda context, builder, sig, args: emit(builder, args[0])

    return intrinsic(convert)


from_unsigned = _convert(FLOATS, WORDS, lambda builder, value: builder.uitofp(value, _FLOATS))
from_signed = _convert(FLOATS, WORDS, lambda builder, value: builder.sitofp(value, _FLOATS))
bits_of = _convert(WORDS, FLOATS, lambda builder, value: builder.bitcast(value, _WORDS))
as_floats = _convert(FLOATS, WORDS, lambda builder, value: builder.bitcast(value, _FLOATS))


@intrinsic
def swap_where(typingctx: Any, word: Any, yes: Any, no: Any) -> Any:
    """Lane by lane, `yes` where the word's highest bit is set and `no` elsewhere."""
    if word != WORDS or yes != FLOATS or no != FLOATS:
        return None

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        mask = builder.icmp_signed("<", args[0], ir.Constant(_WORDS, [0] * WIDTH))
        return builder.select(mask, args[1], args[2])

    return FLOATS(word, yes, no), codegen
