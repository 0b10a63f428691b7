"""Unsigned 32-bit integers, as generators of random numbers and the bits of floats need them.

Additions and products wrap. Words and floats have as many lanes, so that each becomes the other.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir

from common.kernels.jit import Decorator, intrinsic
from common.kernels.vector_kinds import FLOATS, I64, WORDS

_LONGS = ir.VectorType(I64, WORDS.lanes)


def _words(emit: Callable[[Any, Any, Any], Any]) -> Any:
    def operation(typingctx: Any, a: Any, b: Any) -> Any:
        if a != WORDS or b != WORDS:
            return None
        return WORDS(a, b), lambda context, builder, sig, args: emit(builder, *args)

    return operation


def _high(builder: Any, a: Any, b: Any) -> Any:
    product = builder.mul(builder.zext(a, _LONGS), builder.zext(b, _LONGS))
    return builder.trunc(builder.lshr(product, ir.Constant(_LONGS, [32] * WORDS.lanes)), WORDS.llvm)


def _wrapped(operation: Callable[[int, int], int]) -> Decorator:
    """An intrinsic whose meaning for single numbers is the operation on integers, modulo 2^32."""
    return intrinsic(plain=lambda a, b: np.uint32(operation(int(a), int(b)) & 0xFFFFFFFF))


plus = _wrapped(lambda a, b: a + b)(_words(lambda builder, a, b: builder.add(a, b)))
times_low = _wrapped(lambda a, b: a * b)(_words(lambda builder, a, b: builder.mul(a, b)))
times_high = _wrapped(lambda a, b: a * b >> 32)(_words(_high))
xor = _wrapped(lambda a, b: a ^ b)(_words(lambda builder, a, b: builder.xor(a, b)))
both = _wrapped(lambda a, b: a & b)(_words(lambda builder, a, b: builder.and_(a, b)))
left = _wrapped(lambda a, b: a << b)(_words(lambda builder, a, b: builder.shl(a, b)))  # by less than 32
right = _wrapped(lambda a, b: a >> b)(_words(lambda builder, a, b: builder.lshr(a, b)))


@intrinsic(plain=lambda: np.uint32(0))
def lanes(typingctx: Any) -> Any:
    """0, 1, .. 15: the number of each lane."""
    return WORDS(), lambda context, builder, sig, args: ir.Constant(WORDS.llvm, list(range(WORDS.lanes)))


def _convert(result: Any, source: Any, emit: Callable[[Any, Any], Any]) -> Any:
    def convert(typingctx: Any, value: Any) -> Any:
        if value != source:
            return None
        return result(value), lambda context, builder, sig, args: emit(builder, args[0])

    return convert


from_unsigned = intrinsic(plain=np.float32)(_convert(FLOATS, WORDS, lambda b, value: b.uitofp(value, FLOATS.llvm)))
from_signed = intrinsic(plain=lambda word: np.float32(word.view(np.int32)))(
    _convert(FLOATS, WORDS, lambda builder, value: builder.sitofp(value, FLOATS.llvm))
)
bits_of = intrinsic(plain=lambda value: value.view(np.uint32))(
    _convert(WORDS, FLOATS, lambda builder, value: builder.bitcast(value, WORDS.llvm))
)
as_floats = intrinsic(plain=lambda word: word.view(np.float32))(
    _convert(FLOATS, WORDS, lambda builder, value: builder.bitcast(value, FLOATS.llvm))
)


@intrinsic(plain=lambda word, yes, no: yes if word >> np.uint32(31) else no)
def swap_where(typingctx: Any, word: Any, yes: Any, no: Any) -> Any:
    """Lane by lane, `yes` where the word's highest bit is set and `no` elsewhere."""
    if word != WORDS or yes != FLOATS or no != FLOATS:
        return None

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        mask = builder.icmp_signed("<", args[0], ir.Constant(WORDS.llvm, [0] * WORDS.lanes))
        return builder.select(mask, args[1], args[2])

    return FLOATS(word, yes, no), codegen
