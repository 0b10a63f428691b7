"""How kernels are compiled: numba's decorators, typed, each with the model of floating-point numbers as argument.

With numba's compiler off (NUMBA_DISABLE_JIT=1) the same sources run as plain Python, one element at a time
(`common.kernels.vectors`): slowly, but a debugger can step through them and every line can be printed.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, cast

import numba
import numpy as np
from numba.extending import intrinsic as _intrinsic

from common.kernels.cache import keep

Function = Callable[..., Any]
Decorator = Callable[[Function], Function]
PLAIN = bool(cast(Any, numba.config).DISABLE_JIT)
_njit = cast(Any, numba.njit)


class Floats(NamedTuple):
    """What the compiler may do with floating-point numbers, and what a division of scalars by zero does."""

    contract: bool  # a product and a sum may become one fused multiply-add, where the processor has it
    error_model: str  # "python": a division by zero raises ZeroDivisionError; "numpy": it gives infinity or NaN


CHECKED = Floats(contract=False, error_model="python")
STRICT = Floats(contract=False, error_model="numpy")
CONTRACT = Floats(contract=True, error_model="numpy")


def intrinsic(function: Function | None = None, *, plain: Function | None = None) -> Function:
    """numba's intrinsic: a function that writes LLVM code for the types it is called with.

    Args:
        function: the intrinsic; without it, a decorator with the other argument.
        plain: the same for single numbers, for when nothing is compiled; without it, calls then fail.
    """

    def decorate(function: Function) -> Function:
        return plain if PLAIN and plain is not None else cast(Function, _intrinsic(function))

    return decorate if function is None else decorate(function)


def leaf(function: Function | None = None, *, floats: Floats = CHECKED) -> Function:
    """Compiled and always inlined; it allocates nothing and counts no references, nor may what it calls."""
    return _compiled(function, floats, forceinline=True, no_cpython_wrapper=True, _nrt=False)


def lean(function: Function | None = None, *, floats: Floats = CHECKED) -> Function:
    """Compiled, allocating nothing, but not inlined."""
    return _compiled(function, floats, _nrt=False)


def inlined(function: Function | None = None, *, floats: Floats = CHECKED) -> Function:
    """Compiled and always inlined."""
    return _compiled(function, floats, forceinline=True)


def compiled(function: Function | None = None, *, floats: Floats = CHECKED) -> Function:
    """Compiled, for calls from other kernels; releases the GIL when called from Python."""
    return _compiled(function, floats, nogil=True)


def kernel(
    function: Function | None = None, *, floats: Floats = CHECKED, folders: tuple[Path, ...] = (), kept: bool = True
) -> Function:
    """A compiled entry point that is called from Python: releases the GIL, compiles on first use, is kept on disk.

    Args:
        function: what to compile; without it, a decorator with the other arguments.
        floats: for this function; those it calls have their own.
        folders: of other compiled functions that it uses, besides its own folder and common/kernels.
        kept: False: compiled anew in every process, as what a user's own function has become part of must be.
    """

    def decorate(function: Function) -> Function:
        if PLAIN:
            return _silent(function)
        entry = compiled(function, floats=floats)
        return keep(entry, *folders) if kept else entry

    return decorate if function is None else decorate(function)


def kernels_of(folder: Path) -> Decorator:
    """`kernel` for a package whose compiled functions lie in several folders under this one."""
    return kernel(folders=(folder,))


def _compiled(function: Function | None, floats: Floats, **options: Any) -> Function:
    options["error_model"] = floats.error_model
    if floats.contract:
        options["fastmath"] = {"contract"}

    def decorate(function: Function) -> Function:
        if PLAIN:
            function.py_func = function  # type: ignore[attr-defined]  # as compiled functions have it
            return function
        return cast(Function, _njit(**options)(function))

    return decorate if function is None else decorate(function)


def _silent(function: Function) -> Function:
    """Without the warnings that compiled code does not give: of infinities, and of integers meant to overflow."""

    @functools.wraps(function)
    def entry(*args: Any) -> Any:
        with np.errstate(all="ignore"):
            return function(*args)

    entry.py_func = function  # type: ignore[attr-defined]
    return entry
