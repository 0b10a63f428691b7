"""The time of day inside compiled code, in 25 ns, so that an epoch that never leaves it knows where its time goes."""

# mypy: allow-untyped-calls

from __future__ import annotations

import time
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types

from common.kernels.jit import intrinsic

MONOTONIC = time.CLOCK_MONOTONIC


@intrinsic(plain=time.monotonic)
def seconds(typingctx: Any) -> Any:
    """`time.monotonic()` by the C library's clock_gettime."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        number, size = ir.IntType(32), ir.IntType(64)
        kind = ir.FunctionType(number, (number, size.as_pointer()))
        read = cgutils.get_or_insert_function(builder.module, kind, "clock_gettime")
        found = cgutils.alloca_once(builder, ir.ArrayType(size, 2))  # seconds and nanoseconds
        parts = [cgutils.gep_inbounds(builder, found, 0, place) for place in (0, 1)]
        builder.call(read, (ir.Constant(number, MONOTONIC), parts[0]))
        whole, nano = (builder.sitofp(builder.load(part), ir.DoubleType()) for part in parts)
        return builder.fadd(whole, builder.fmul(nano, ir.Constant(ir.DoubleType(), 1e-9)))

    return types.float64(), codegen
