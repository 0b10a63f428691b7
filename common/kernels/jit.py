"""numba's decorators with the types that the rest of the package can rely on, and the five ways we compile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numba
from numba.extending import intrinsic as _intrinsic

from common.kernels.cache import keep

Function = Callable[..., Any]
_njit = cast(Any, numba.njit)


def intrinsic(function: Function) -> Function:
    """numba's intrinsic: a function that writes LLVM code for the types it is called with."""
    return cast(Function, _intrinsic(function))


def leaf(function: Function) -> Function:
    """Compiled and always inlined; it allocates nothing and counts no references, nor may what it calls."""
    return cast(Function, _njit(forceinline=True, no_cpython_wrapper=True, _nrt=False)(function))


def lean(function: Function) -> Function:
    """Compiled, allocating nothing, but not inlined."""
    return cast(Function, _njit(_nrt=False)(function))


def inlined(function: Function) -> Function:
    """Compiled and always inlined."""
    return cast(Function, _njit(forceinline=True)(function))


def compiled(function: Function) -> Function:
    """Compiled, for calls from other kernels; releases the GIL when called from Python."""
    return cast(Function, _njit(nogil=True)(function))


def kernel(function: Function) -> Function:
    """A compiled entry point that is called from Python: releases the GIL, compiles on first use, is kept on disk."""
    return keep(compiled(function))


def kernels_of(folder: Path) -> Callable[[Function], Function]:
    """`kernel` for a package whose compiled functions lie in several folders under this one."""
    return lambda function: keep(compiled(function), folder)
