"""Torch's own matrix product, called from compiled code: the bits of torch.bmm without the cost of calling it.

A product of 128 x 18 with 18 x 18 takes 0.9 us, and torch as much again to reach it. The BLAS library inside torch has
the ordinary entry `sgemm_`; a product uses it where, tried once on random numbers in the same layout, it gives the bits
that `common.replicas.product` promises. Where torch brings another library or none, or adds up small products itself,
there is no such plan and callers stay with torch.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import ctypes
import functools
from pathlib import Path
from typing import Any

import numpy as np
import torch
from llvmlite import ir
from numba.core import cgutils, types
from numpy.typing import NDArray
from torch import Tensor

from common.kernels.jit import PLAIN, STRICT, inlined, intrinsic, kernel
from common.replicas.product import alone, like

COLUMNS = 15  # numbers of a plan
Plan = tuple[int, ...]
_plans: dict[tuple[object, ...], bool] = {}


@functools.cache
def sgemm_address() -> int:
    """Where torch's `sgemm_` lies; 0 if torch has none, or nothing is compiled."""
    folder = Path(torch.__file__).parent / "lib"
    for path in sorted(folder.glob("libtorch_cpu.*")):
        try:
            return ctypes.cast(ctypes.CDLL(str(path)).sgemm_, ctypes.c_void_p).value or 0 if not PLAIN else 0
        except (OSError, AttributeError):  # not to be loaded by this name, or without this entry
            continue
    return 0


@intrinsic
def _sgemm(typingctx: Any, address: Any, sizes: Any, a: Any, b: Any, c: Any) -> Any:
    """C = A B by columns; sizes: (A transposed, B transposed, m, n, k, lda, ldb, ldc), all int64, others addresses."""
    i8, i64, f32 = ir.IntType(8), ir.IntType(64), ir.FloatType()
    byte = i8.as_pointer()

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        def place(value: Any) -> Any:
            slot = cgutils.alloca_once(builder, value.type)
            builder.store(value, slot)
            return builder.bitcast(slot, byte)

        # Whole numbers as 64 bits serve libraries with 32 and with 64: the processors in question store low bits first.
        flipped_a, flipped_b, *lengths = (builder.extract_value(args[1], k) for k in range(8))
        letter = {False: ir.Constant(i8, ord("N")), True: ir.Constant(i8, ord("T"))}
        flags = [
            place(builder.select(builder.icmp_signed("!=", flag, ir.Constant(i64, 0)), letter[True], letter[False]))
            for flag in (flipped_a, flipped_b)
        ]
        m, n, k, lda, ldb, ldc = (place(length) for length in lengths)
        one, zero = place(ir.Constant(f32, 1.0)), place(ir.Constant(f32, 0.0))
        left, right, out = (builder.inttoptr(value, byte) for value in args[2:])
        values = [*flags, m, n, k, one, left, lda, right, ldb, zero, out, ldc]
        function = builder.inttoptr(args[0], ir.FunctionType(ir.VoidType(), [byte] * len(values)).as_pointer())
        builder.call(function, values)
        return context.get_dummy_value()

    return types.void(address, sizes, a, b, c), codegen


@inlined(floats=STRICT)
def multiply(address: Any, plan: Any) -> None:
    """Compute what `plan_of` describes; plan: (COLUMNS,) int64, address: of `sgemm_`."""
    sizes = (plan[1], plan[2], plan[3], plan[4], plan[5], plan[6], plan[7], plan[8])
    for r in range(plan[0]):
        _sgemm(address, sizes, plan[9] + r * plan[10], plan[11] + r * plan[12], plan[13] + r * plan[14])


@kernel(floats=STRICT)
def _multiply(address: int, plan: NDArray[np.int64]) -> None:
    multiply(address, plan)


def plan_of(a_RxMxK: Tensor, b_RxKxN: Tensor, out_RxMxN: Tensor) -> Plan | None:
    """The numbers with which `multiply` writes a @ b into `out`, whose memory must not move meanwhile.

    None: `sgemm_` does not give the bits of `common.replicas.product`, or there is none.
    """
    tensors = (a_RxMxK, b_RxKxN, out_RxMxN)
    if sgemm_address() == 0 or any(x.device.type != "cpu" for x in tensors):
        return None
    plan = _plan(*tensors)
    if plan is None:
        return None
    key = (*((x.shape, x.stride()) for x in tensors), torch.get_num_threads())
    if key not in _plans:
        _plans[key] = _right(*tensors)
    return plan if _plans[key] else None


def _right(*tensors: Tensor) -> bool:
    a, b = like(tensors[0], 1), like(tensors[1], 2)
    out = torch.empty_strided(tensors[2].shape, tensors[2].stride())
    _multiply(sgemm_address(), np.array(_plan(a, b, out), np.int64))
    return torch.equal(out, alone(a, b, torch.empty(out.shape)))


def _plan(a: Tensor, b: Tensor, out: Tensor) -> Plan | None:
    """BLAS counts by columns: out^T = b^T a^T."""
    (left, lda), (right, ldb), (flipped, ldc) = (_layout(x) for x in (b, a, out))
    if lda == 0 or ldb == 0 or ldc == 0 or flipped:
        return None
    (replicas, m, n), k = out.shape, a.shape[2]
    places = [number for x in (b, a, out) for number in (x.data_ptr(), 4 * x.stride(0))]
    return (replicas, int(left), int(right), n, m, k, lda, ldb, ldc, *places)


def _layout(x: Tensor) -> tuple[bool, int]:
    """(whether its columns lie side by side, distance of its columns or else rows); a distance of 0: neither."""
    _, rows, columns = x.shape
    if x.stride(2) == 1 and x.stride(1) >= columns:
        return False, x.stride(1)
    return (True, x.stride(2)) if x.stride(1) == 1 and x.stride(2) >= rows else (False, 0)
