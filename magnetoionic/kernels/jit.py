"""How the kernels are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

from common.kernels.cache import keep

Function = TypeVar("Function", bound=Callable[..., Any])

_njit = cast(Any, numba.njit)


def inline(function: Function) -> Function:
    """Compile a function that the kernels of this package inline."""
    return cast(Function, _njit(forceinline=True, fastmath={"contract"}, error_model="numpy")(function))


def kernel(function: Function) -> Function:
    """Compile a function for calls from Python: without the GIL, cached on disk, with fused multiply-add allowed."""
    return cast(Function, keep(_njit(nogil=True, fastmath={"contract"}, error_model="numpy")(function)))
