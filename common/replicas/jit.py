"""numba as the replicas' kernels use it, and kernels of suites that call them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numba

from common.kernels.cache import keep

HERE = Path(__file__).parent
Function = Callable[..., Any]
_njit = cast(Any, numba.njit)


def kernel(function: Function) -> Function:
    """Compile for calls from Python, without the GIL. Strict floating point: an element's bits depend on it alone.

    It is kept on disk (`common.kernels`), and may use compiled functions of its own package and of this one.
    """
    return keep(cast(Function, _njit(nogil=True, error_model="numpy")(function)), HERE)


def inlined(function: Function) -> Function:
    """Compile for calls from other kernels."""
    return cast(Function, _njit(inline="always", error_model="numpy")(function))
