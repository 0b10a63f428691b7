"""A pass through a network as one compiled call: a table of operations, and the kernel that goes through it.

A step of a deep and narrow network has two hundred calls of a microsecond each, half of it spent on calling. The table
holds addresses: whoever keeps a program keeps the tensors too.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import numba
import numpy as np
import torch
from llvmlite import ir
from numba.core import types
from numpy.typing import NDArray
from torch import Tensor

import common.replicas
from common.kernels.jit import STRICT, intrinsic, kernel
from common.replicas.blas import COLUMNS, multiply, plan_of, sgemm_address
from common.replicas.dropout import drop, dropout_, limit_and_scale
from common.replicas.kernels import sum_rows
from common.replicas.linear import sum_over_batch
from common.replicas.product import product
from psa_resmlp.model import kernels as K

PRODUCT, BIAS, BIAS_RELU, BIAS_SKIP_RELU, DROP, SUM, BACK, BACK_SKIP = range(8)
_CODES = {
    K.add_bias: BIAS, K.add_bias_relu: BIAS_RELU, K.add_bias_skip_relu: BIAS_SKIP_RELU, sum_rows: SUM,
    K.relu_back: BACK, K.relu_back_skip: BACK_SKIP,
}  # fmt: skip
Row = tuple[int, ...]
carray = cast(Any, numba).carray


def in_one_call(calls: Sequence[functools.partial[Any]]) -> Callable[[], None] | None:
    """What does all these calls in one, with the same bits; None where one of them cannot be compiled.

    Args:
        calls: of torch.bmm and `product` with their three tensors, of `dropout_`, `sum_over_batch` and the kernels of
            `psa_resmlp.model.kernels`, for tensors on the CPU whose memory does not move.
    """
    rows = []
    for call in calls:
        row = _row(call) if sgemm_address() else None
        if row is None:
            return None
        rows.append([*row, *[0] * (1 + COLUMNS - len(row))])
    return _Whole(calls, np.array(rows, np.int64).reshape(-1, 1 + COLUMNS))


class _Whole:
    def __init__(self, calls: Sequence[functools.partial[Any]], table: NDArray[np.int64]) -> None:
        self._calls, self._table = calls, table  # the calls hold the tensors whose addresses the table has

    def __call__(self) -> None:
        _run(sgemm_address(), self._table)


def _row(call: functools.partial[Any]) -> Row | None:
    if call.func in (torch.bmm, product):
        plan = plan_of(*call.args, **{f"{name}_RxMxN": x for name, x in call.keywords.items()})
        return plan and (PRODUCT, *plan)
    if call.func is dropout_:
        x, rate, keys = call.args
        limit, scale = limit_and_scale(rate)
        bits = int(scale.view(np.int32))
        return DROP, x.shape[0], x[0].numel(), limit, bits, x.data_ptr(), keys.ctypes.data
    arrays = [x.numpy() if isinstance(x, Tensor) else x for x in call.args]
    function = sum_rows if call.func is sum_over_batch else call.func
    if function not in _CODES or not all(_fits(x) for x in arrays):
        return None
    [distance] = [x.strides[0] // x.itemsize for x in arrays if x.ndim == 2]
    return _CODES[function], *arrays[0].shape, distance, *(x.ctypes.data for x in arrays)


def _fits(x: NDArray[np.float32]) -> bool:
    """Whether the kernel can tell where all its numbers lie: (R, N) may be rows of something wider."""
    return bool(x.flags.c_contiguous) if x.ndim != 2 else x.strides[1] == x.itemsize


def _pointer_to(element: Any) -> Any:
    def pointer(typingctx: Any, address: Any) -> Any:
        kind = types.CPointer(element)

        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return builder.inttoptr(args[0], context.get_value_type(kind))

        return kind(address), codegen

    return intrinsic(pointer)


_floats, _keys = _pointer_to(types.float32), _pointer_to(types.uint64)


@intrinsic
def _float_of(typingctx: Any, bits: Any) -> Any:
    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.bitcast(builder.trunc(args[0], ir.IntType(32)), ir.FloatType())

    return types.float32(bits), codegen


@kernel(floats=STRICT, folders=(Path(common.replicas.__file__).parent,))
def _run(sgemm: int, table: NDArray[np.int64]) -> None:
    for i in range(table.shape[0]):
        code, row = table[i, 0], table[i, 1:]
        if code == PRODUCT:
            multiply(sgemm, row)
        elif code == DROP:
            x, keys = carray(_floats(row[4]), (row[0], row[1])), carray(_keys(row[5]), (row[0],))
            drop(x, keys, np.uint64(row[2]), _float_of(row[3]))
        else:
            shape = (row[0], row[1], row[2])
            rows = (row[0], row[3])  # of the vector that each replica has one of
            first = carray(_floats(row[4]), shape)
            second = carray(_floats(row[5]), shape)
            if code == BIAS:
                K.add_bias(first, carray(_floats(row[5]), rows)[:, : row[2]])
            elif code == BIAS_RELU:
                K.add_bias_relu(first, carray(_floats(row[5]), rows)[:, : row[2]])
            elif code == BIAS_SKIP_RELU:
                skip = carray(_floats(row[6]), shape)
                K.add_bias_skip_relu(first, carray(_floats(row[5]), rows)[:, : row[2]], skip)
            elif code == SUM:
                sum_rows(first, carray(_floats(row[5]), rows)[:, : row[2]])
            elif code == BACK:
                scale = carray(_floats(row[6]), (row[0],))
                K.relu_back(first, second, scale, carray(_floats(row[7]), rows)[:, : row[2]])
            elif code == BACK_SKIP:
                after, scale = carray(_floats(row[6]), shape), carray(_floats(row[7]), (row[0],))
                K.relu_back_skip(first, second, after, scale, carray(_floats(row[8]), rows)[:, : row[2]])
