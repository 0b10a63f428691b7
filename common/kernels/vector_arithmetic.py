"""Arithmetic of doubles and floats, comparisons, and choices between two values."""

# mypy: allow-untyped-calls

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_builtin

from common.kernels.jit import intrinsic
from common.kernels.vector_kinds import DOUBLES, FLOATS, I32, I64, WORDS, Mask, as_vectors, call, kind_of, splatted


def _define(function: Any, result: Callable[[Any], Any], emit: Callable[[Any, Any, Any, Any], Any]) -> None:
    """Give an operator a meaning for two vectors, and for a vector and a scalar of its element."""

    def generic(self: Any, args: tuple[Any, ...], kws: Any) -> Any:
        if len(args) == 2 and (DOUBLES in args or FLOATS in args) and (kind := kind_of(*args)) is not None:
            return signature(result(kind), *args)
        return None

    template = type(f"Vector_{function.__name__}", (AbstractTemplate,), {"generic": generic})
    infer_global(function)(template)
    for kind in (DOUBLES, FLOATS):
        for pair in ((kind, kind), (kind, kind.element), (kind.element, kind)):

            def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
                both = kind_of(*sig.args)
                assert both is not None
                left, right = as_vectors(builder, both, sig, args)
                return emit(builder, left, right, both.flags)

            lower_builtin(function, *pair)(lower)


_define(operator.add, lambda kind: kind, lambda builder, a, b, flags: builder.fadd(a, b, flags=flags))
_define(operator.sub, lambda kind: kind, lambda builder, a, b, flags: builder.fsub(a, b, flags=flags))
_define(operator.mul, lambda kind: kind, lambda builder, a, b, flags: builder.fmul(a, b, flags=flags))
_define(operator.truediv, lambda kind: kind, lambda builder, a, b, flags: builder.fdiv(a, b, flags=flags))
_define(operator.lt, lambda kind: Mask(kind.lanes), lambda builder, a, b, _: builder.fcmp_ordered("<", a, b))
_define(operator.gt, lambda kind: Mask(kind.lanes), lambda builder, a, b, _: builder.fcmp_ordered(">", a, b))
_define(operator.le, lambda kind: Mask(kind.lanes), lambda builder, a, b, _: builder.fcmp_ordered("<=", a, b))


@intrinsic(plain=lambda mask, yes, no: yes if mask else no)
def select(typingctx: Any, mask: Any, yes: Any, no: Any) -> Any:
    """Lane by lane, `yes` where the mask holds and `no` elsewhere."""
    kind = kind_of(yes, no)
    if kind is None or mask != Mask(kind.lanes):
        return None

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        chosen = signature(kind, yes, no)
        return builder.select(args[0], *as_vectors(builder, kind, chosen, args[1:]))

    return kind(mask, yes, no), codegen


def _choose(comparison: str) -> Any:
    def choose(typingctx: Any, a: Any, b: Any) -> Any:
        kind = kind_of(a, b)
        if kind is None:
            return None

        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            left, right = as_vectors(builder, kind, sig, args)
            return builder.select(builder.fcmp_ordered(comparison, left, right), left, right)

        return kind(a, b), codegen

    return choose


# A NaN in either operand gives the second operand.
minimum = intrinsic(plain=lambda a, b: a if a < b else b)(_choose("<"))
maximum = intrinsic(plain=lambda a, b: a if a > b else b)(_choose(">"))


def _splat(value: Any) -> Any:
    if isinstance(value, np.uint32 | int | np.int64):
        return np.uint32(int(value) & 0xFFFFFFFF)
    return value if isinstance(value, np.float32) else np.float64(value)


@intrinsic(plain=_splat)
def splat(typingctx: Any, value: Any) -> Any:
    """All lanes equal to one double, one float or one integer, of which the lower 32 bits are taken."""
    kind = WORDS if value in (types.uint32, types.int64) else kind_of(value)
    if kind is None or value == kind:
        return None

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        long = sig.args[0] == types.int64
        return splatted(builder, builder.trunc(args[0], I32) if long else args[0], sig.return_type.llvm)

    return kind(value), codegen


def _fused(a: Any, b: Any, c: Any) -> Any:
    if isinstance(a, np.float32):  # a product of floats is exact in double precision
        return np.float32(np.float64(a) * np.float64(b) + np.float64(c))
    return a * b + c  # rounded twice: no library has it before Python 3.13


@intrinsic(plain=_fused)
def fma(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c, rounded once."""
    kind = kind_of(a, b, c)
    if kind is None:
        return None

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return call(builder, "fma", kind, as_vectors(builder, kind, sig, args))

    return kind(a, b, c), codegen


def _unary(name: str) -> Any:
    def unary(typingctx: Any, value: Any) -> Any:
        if value not in (DOUBLES, FLOATS):
            return None
        return value(value), lambda context, builder, sig, args: call(builder, name, value, args)

    return unary


sqrt = intrinsic(plain=np.sqrt)(_unary("sqrt"))
absolute = intrinsic(plain=abs)(_unary("fabs"))


@intrinsic(plain=bool)
def any_of(typingctx: Any, mask: Any) -> Any:
    """Whether the mask holds in any lane."""
    if not isinstance(mask, Mask):
        return None

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        whole = ir.IntType(mask.lanes)
        return builder.icmp_unsigned("!=", builder.bitcast(args[0], whole), ir.Constant(whole, 0))

    return types.boolean(mask), codegen


def _power(shifted: Any) -> Any:
    bits = int(np.float64(shifted).view(np.int64)) + 1023 << 52
    return np.uint64(bits & 0xFFFFFFFFFFFFFFFF).view(np.float64)


@intrinsic(plain=_power)
def power_of_two(typingctx: Any, shifted: Any) -> Any:
    """2**n for n in the low bits of a double that had 1.5 * 2**52 added."""
    if shifted != DOUBLES:
        return None
    longs = ir.VectorType(I64, DOUBLES.lanes)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        biased = builder.add(builder.bitcast(args[0], longs), ir.Constant(longs, [1023] * DOUBLES.lanes))
        return builder.bitcast(builder.shl(biased, ir.Constant(longs, [52] * DOUBLES.lanes)), DOUBLES.llvm)

    return DOUBLES(shifted), codegen
