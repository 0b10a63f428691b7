"""Eight doubles at once, inside numba kernels: a vector type that maps to LLVM's <8 x double>.

numba's own loops do not vectorise here (aliasing between work arrays, and exp), so the kernels name vectors:
`a * b + c` on `Vec8` values is one AVX-512 instruction, two with AVX2, four with SSE2 or NEON. Comparisons give a
`Mask8` for `select`. Products and sums may be contracted to fused multiply-adds; NaN and infinity stay what they are.
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

from common.kernels.jit import intrinsic, leaf

WIDTH = 8
_DOUBLES = ir.VectorType(ir.DoubleType(), WIDTH)
_INTS = ir.VectorType(ir.IntType(64), WIDTH)
_BITS = ir.VectorType(ir.IntType(1), WIDTH)
_FLAGS = ("contract", "nsz")


class Vec8Type(types.Type):
    """The numba type of eight doubles."""

    def __init__(self) -> None:
        super().__init__(name="Vec8")


class Mask8Type(types.Type):
    """The numba type of eight truth values."""

    def __init__(self) -> None:
        super().__init__(name="Mask8")


VEC8 = Vec8Type()
MASK8 = Mask8Type()


def aligned(size: int) -> NDArray[np.float64]:
    """Zeros that start at a multiple of 64 bytes, so that no vector straddles two cache lines."""
    room = np.zeros(size + WIDTH)
    start = (-room.ctypes.data // room.itemsize) % WIDTH
    return room[start : start + size]


def _primitive(numba_type: type, llvm_type: ir.Type) -> None:
    def __init__(self: Any, manager: Any, fe_type: Any) -> None:
        models.PrimitiveModel.__init__(self, manager, fe_type, llvm_type)

    register_model(numba_type)(type(f"{numba_type.__name__}Model", (models.PrimitiveModel,), {"__init__": __init__}))


_primitive(Vec8Type, _DOUBLES)
_primitive(Mask8Type, _BITS)


def _splat(builder: Any, value: Any, numba_type: Any) -> Any:
    """A Vec8 operand as it is, a scalar broadcast to all eight lanes."""
    if numba_type == VEC8:
        return value
    undefined = ir.Constant(_DOUBLES, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
    return builder.shuffle_vector(first, undefined, zeros)


def _define(function: Any, result: Any, emit: Callable[[Any, Any, Any], Any]) -> None:
    """Give the operator `function` a meaning for (Vec8, Vec8), (Vec8, float) and (float, Vec8)."""

    def generic(self: Any, args: tuple[Any, ...], kws: Any) -> Any:
        if len(args) == 2 and VEC8 in args and all(arg in (VEC8, types.float64) for arg in args):
            return signature(result, *args)
        return None

    infer_global(function)(type(f"Vec8_{function.__name__}", (AbstractTemplate,), {"generic": generic}))
    for pair in ((VEC8, VEC8), (VEC8, types.float64), (types.float64, VEC8)):

        def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            left, right = (_splat(builder, value, kind) for value, kind in zip(args, sig.args, strict=True))
            return emit(builder, left, right)

        lower_builtin(function, *pair)(lower)


_define(operator.add, VEC8, lambda builder, a, b: builder.fadd(a, b, flags=_FLAGS))
_define(operator.sub, VEC8, lambda builder, a, b: builder.fsub(a, b, flags=_FLAGS))
_define(operator.mul, VEC8, lambda builder, a, b: builder.fmul(a, b, flags=_FLAGS))
_define(operator.truediv, VEC8, lambda builder, a, b: builder.fdiv(a, b, flags=_FLAGS))
_define(operator.lt, MASK8, lambda builder, a, b: builder.fcmp_ordered("<", a, b))
_define(operator.gt, MASK8, lambda builder, a, b: builder.fcmp_ordered(">", a, b))


def _is_vec(*args: Any) -> bool:
    return all(arg in (VEC8, types.float64) for arg in args)


@intrinsic
def select(typingctx: Any, mask: Any, yes: Any, no: Any) -> Any:
    """Lane by lane, `yes` where the mask holds and `no` elsewhere."""
    if mask != MASK8 or not _is_vec(yes, no):
        return None

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.select(args[0], _splat(builder, args[1], sig.args[1]), _splat(builder, args[2], sig.args[2]))

    return VEC8(MASK8, yes, no), codegen


def _choose(comparison: str) -> Any:
    def choose(typingctx: Any, a: Any, b: Any) -> Any:
        if not _is_vec(a, b):
            return None

        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            left, right = (_splat(builder, value, kind) for value, kind in zip(args, sig.args, strict=True))
            return builder.select(builder.fcmp_ordered(comparison, left, right), left, right)

        return VEC8(a, b), codegen

    return intrinsic(choose)


minimum = _choose("<")  # a NaN in either operand gives the second operand
maximum = _choose(">")


@intrinsic
def splat(typingctx: Any, value: Any) -> Any:
    """All eight lanes equal to one float."""
    if value != types.float64:
        return None
    return VEC8(value), lambda context, builder, sig, args: _splat(builder, args[0], sig.args[0])


def _unary(name: str) -> Any:
    def unary(typingctx: Any, value: Any) -> Any:
        if value != VEC8:
            return None

        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            function_type = ir.FunctionType(_DOUBLES, (_DOUBLES,))
            return builder.call(cgutils.get_or_insert_function(builder.module, function_type, name), args)

        return VEC8(VEC8), codegen

    return intrinsic(unary)


sqrt = _unary("llvm.sqrt.v8f64")
absolute = _unary("llvm.fabs.v8f64")


@intrinsic
def any_of(typingctx: Any, mask: Any) -> Any:
    """Whether the mask holds in any lane."""
    if mask != MASK8:
        return None

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        bits = builder.bitcast(args[0], ir.IntType(WIDTH))
        return builder.icmp_unsigned("!=", bits, ir.Constant(ir.IntType(WIDTH), 0))

    return types.boolean(MASK8), codegen


@intrinsic
def _power_of_two(typingctx: Any, shifted: Any) -> Any:
    """2**n for n in the low bits of a double that had 1.5 * 2**52 added."""
    if shifted != VEC8:
        return None

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        bits = builder.bitcast(args[0], _INTS)
        bias = ir.Constant(_INTS, [1023] * WIDTH)
        exponent = builder.shl(builder.add(bits, bias), ir.Constant(_INTS, [52] * WIDTH))
        return builder.bitcast(exponent, _DOUBLES)

    return VEC8(VEC8), codegen


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(cgutils.gep_inbounds(builder, data, index), _DOUBLES.as_pointer())


def _is_array(array: Any) -> bool:
    return isinstance(array, types.Array) and array.ndim == 1 and array.layout == "C" and array.dtype == types.float64


@intrinsic
def load(typingctx: Any, array: Any, index: Any) -> Any:
    """array[index : index + 8] of a contiguous 1-D float64 array; no bounds are checked."""
    if not _is_array(array) or not isinstance(index, types.Integer):
        return None

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.load(_pointer(context, builder, sig.args[0], *args), align=8)

    return VEC8(array, index), codegen


@intrinsic
def store(typingctx: Any, array: Any, index: Any, value: Any) -> Any:
    """array[index : index + 8] = value for a contiguous 1-D float64 array; no bounds are checked."""
    if not _is_array(array) or not isinstance(index, types.Integer) or not _is_vec(value):
        return None

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vector = _splat(builder, args[2], sig.args[2])
        builder.store(vector, _pointer(context, builder, sig.args[0], args[0], args[1]), align=8)
        return context.get_dummy_value()

    return types.void(array, index, value), codegen


@intrinsic
def gather(typingctx: Any, array: Any, indices: Any, at: Any) -> Any:
    """array[indices[at : at + 8]] of contiguous 1-D float64 and int64 arrays; no bounds are checked."""
    whole = isinstance(indices, types.Array) and indices.ndim == 1 and indices.layout == "C"
    if not _is_array(array) or not whole or indices.dtype != types.int64 or not isinstance(at, types.Integer):
        return None

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        places = cgutils.gep_inbounds(builder, context.make_array(sig.args[1])(context, builder, args[1]).data, args[2])
        found = ir.Constant(_DOUBLES, ir.Undefined)
        for i in range(WIDTH):
            place = builder.load(cgutils.gep_inbounds(builder, places, ir.Constant(ir.IntType(64), i)))
            value = builder.load(cgutils.gep_inbounds(builder, data, place))
            found = builder.insert_element(found, value, ir.Constant(ir.IntType(32), i))
        return found

    return VEC8(array, indices, at), codegen


@intrinsic
def lane(typingctx: Any, vector: Any, index: Any) -> Any:
    """One of the eight doubles."""
    if vector != VEC8 or not isinstance(index, types.Integer):
        return None
    return types.float64(vector, index), lambda context, builder, sig, args: builder.extract_element(*args)


@leaf
def total(v: Any) -> Any:
    """Sum of the eight lanes, in a fixed order."""
    left = (lane(v, 0) + lane(v, 1)) + (lane(v, 2) + lane(v, 3))
    return left + ((lane(v, 4) + lane(v, 5)) + (lane(v, 6) + lane(v, 7)))


@leaf
def largest(v: Any) -> Any:
    """Largest of the eight lanes."""
    left = max(max(lane(v, 0), lane(v, 1)), max(lane(v, 2), lane(v, 3)))
    return max(left, max(max(lane(v, 4), lane(v, 5)), max(lane(v, 6), lane(v, 7))))


@leaf
def exp(x: Any) -> Any:
    """e**x for |x| < 700 to 1.5 ulp: x = n ln 2 + r, a Taylor polynomial of degree 12 in r, and n into the exponent."""
    shifted = x * 1.4426950408889634 + 6755399441055744.0
    n = shifted - 6755399441055744.0
    r = (x - n * 0.6931471803691238) - n * 1.9082149292705877e-10
    s = r * r
    even = ((((s * (1 / 479001600) + 1 / 3628800) * s + 1 / 40320) * s + 1 / 720) * s + 1 / 24) * s + 0.5
    odd = (((s * (1 / 39916800) + 1 / 362880) * s + 1 / 5040) * s + 1 / 120) * s + 1 / 6
    return (((odd * r + even) * s + r) + 1.0) * _power_of_two(shifted)
