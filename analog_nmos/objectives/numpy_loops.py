"""NumPy's exp, log and sum inside compiled functions, to the last bit.

The mathematical library that compiled code calls rounds one exp in twenty otherwise than NumPy, which picks its own by
the processor. So that a run has the same numbers whether an epoch is compiled or not, compiled code calls NumPy's: the
inner loop of a ufunc lies at an address in its public C structure (PyUFuncObject in numpy/ufuncobject.h). The address
is an argument, never part of kept code.
"""

# mypy: allow-untyped-defs, allow-untyped-calls

from __future__ import annotations

import ctypes
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types

from common.kernels.jit import compiled, intrinsic

UNROLLED, BLOCK = 8, 128  # NumPy adds up to so many numbers with eight running sums, and more by halves
DEEPEST = 60  # halvings


class Loop(NamedTuple):
    """Where a ufunc's loop from double to double lies, and what it is called with."""

    address: int
    data: int


class _UFunc(ctypes.Structure):
    _fields_ = (
        ("head", ctypes.c_byte * object.__basicsize__),
        ("nin", ctypes.c_int),
        ("nout", ctypes.c_int),
        ("nargs", ctypes.c_int),
        ("identity", ctypes.c_int),
        ("functions", ctypes.POINTER(ctypes.c_size_t)),
        ("data", ctypes.POINTER(ctypes.c_size_t)),
        ("ntypes", ctypes.c_int),
        ("reserved", ctypes.c_int),
        ("name", ctypes.c_char_p),
    )


def loop_of(ufunc: np.ufunc) -> Loop | None:
    """The loop of a ufunc of one argument; None if this NumPy's structure is not the one that we know."""
    found = _UFunc.from_address(id(ufunc))
    if (found.nin, found.nout, found.nargs, found.ntypes) != (ufunc.nin, ufunc.nout, ufunc.nargs, ufunc.ntypes):
        return None
    if (ufunc.nin, ufunc.nout) != (1, 1) or found.name != ufunc.__name__.encode():
        return None
    index = ufunc.types.index("d->d")
    return Loop(found.functions[index], found.data[index])


_POINTERS, _SIZES = ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(ctypes.c_ssize_t)
_Loop = ctypes.CFUNCTYPE(None, _POINTERS, _SIZES, _SIZES, ctypes.c_void_p)  # arguments, length, strides, data


def _call(address: int, data: int, x: Any, y: Any) -> None:
    places, strides = (ctypes.c_void_p * 2)(x.ctypes.data, y.ctypes.data), (ctypes.c_ssize_t * 2)(8, 8)
    _Loop(address)(places, ctypes.c_ssize_t(x.size), strides, data)


@intrinsic(plain=_call)
def _apply(typingctx: Any, address: Any, data: Any, x: Any, y: Any) -> Any:
    """Call the loop at `address` on contiguous arrays of doubles x and y."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        byte, size = ir.IntType(8).as_pointer(), ir.IntType(64)
        pairs = zip(sig.args[2:], args[2:], strict=True)
        arrays = [context.make_array(kind)(context, builder, array) for kind, array in pairs]
        pointers = cgutils.alloca_once(builder, ir.ArrayType(byte, 2))
        strides = cgutils.alloca_once(builder, ir.ArrayType(size, 2))
        length = cgutils.alloca_once(builder, size)
        builder.store(builder.extract_value(arrays[0].shape, 0), length)
        for place, array in enumerate(arrays):
            builder.store(builder.bitcast(array.data, byte), cgutils.gep_inbounds(builder, pointers, 0, place))
            builder.store(ir.Constant(size, 8), cgutils.gep_inbounds(builder, strides, 0, place))
        kinds = (byte.as_pointer(), size.as_pointer(), size.as_pointer(), byte)
        loop = builder.inttoptr(args[0], ir.FunctionType(ir.VoidType(), kinds).as_pointer())
        first, steps = (cgutils.gep_inbounds(builder, one, 0, 0) for one in (pointers, strides))
        builder.call(loop, (first, length, steps, builder.inttoptr(args[1], byte)))
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, x, y), codegen


@compiled
def apply(loop, x, y):
    """y[:] = f(x) for contiguous arrays of doubles of one length; y may be x."""
    _apply(loop.address, loop.data, x, y)


@compiled
def pairwise_sum(x):
    """x.sum() in the order in which NumPy adds a contiguous row: halves of long ones, each by itself, then both."""
    if x.size <= BLOCK:
        return _block_sum(x, 0, x.size)
    # Not by recursion: a recursive function that numba reads back from disk crashes.
    parts, sums = np.empty((2 * DEEPEST, 2), np.int64), np.empty(DEEPEST)  # begin and size; size 0: add two sums
    parts[0, 0], parts[0, 1] = 0, x.size
    todo, found = 1, 0
    while todo:
        todo -= 1
        begin, size = parts[todo]
        if size == 0:
            found -= 1
            sums[found - 1] += sums[found]
        elif size <= BLOCK:
            sums[found] = _block_sum(x, begin, size)
            found += 1
        else:
            half = size // 2 - size // 2 % UNROLLED
            parts[todo, 1] = 0
            parts[todo + 1, 0], parts[todo + 1, 1] = begin + half, size - half
            parts[todo + 2, 0], parts[todo + 2, 1] = begin, half
            todo += 3
    return sums[0]


@compiled
def _block_sum(x, begin, size):
    if size < UNROLLED:
        total = 0.0
        for i in range(begin, begin + size):
            total += x[i]
        return total
    a, b, c, d = x[begin], x[begin + 1], x[begin + 2], x[begin + 3]
    e, f, g, h = x[begin + 4], x[begin + 5], x[begin + 6], x[begin + 7]
    whole = size - size % UNROLLED
    for i in range(begin + UNROLLED, begin + whole, UNROLLED):
        a += x[i]
        b += x[i + 1]
        c += x[i + 2]
        d += x[i + 3]
        e += x[i + 4]
        f += x[i + 5]
        g += x[i + 6]
        h += x[i + 7]
    total = ((a + b) + (c + d)) + ((e + f) + (g + h))
    for i in range(begin + whole, begin + size):
        total += x[i]
    return total
