"""How the kernels are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

from common.compiled.cache import keep

Function = TypeVar("Function", bound=Callable[..., Any])

_njit = cast(Any, numba.njit)


def inline(function: Function) -> Function:
    """A part of the kernels of this package."""
    return cast(Function, _njit(forceinline=True, fastmath={"contract"}, error_model="numpy")(function))


def kernel(function: Function) -> Function:
    """Called from Python: releases the interpreter's lock, is kept compiled on disk, and may fuse multiply and add."""
    return cast(Function, keep(_njit(nogil=True, fastmath={"contract"}, error_model="numpy")(function)))
