"""What a compiled function was made from, wherever its file lies: a hash that changes when any of it does."""

from __future__ import annotations

import functools
import hashlib
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType
from typing import Any

from numba.core.dispatcher import Dispatcher


def fingerprint(*functions: Callable[..., Any]) -> str:
    """Hash of numba functions: their names and files, those of all that they call, and the constants that they use."""
    digest, seen = hashlib.sha256(), set[Any]()
    for function in functions:
        _add(function, digest, seen)
    return digest.hexdigest()[:16]


def _add(function: Any, digest: Any, seen: set[Any]) -> None:
    if function in seen:
        return
    seen.add(function)
    python = getattr(function, "py_func", function)
    digest.update(f"{python.__module__} {python.__qualname__}\n".encode())
    digest.update(_content(python.__code__.co_filename))
    for name, value in sorted(_used(python), key=lambda pair: pair[0]):
        if isinstance(value, Dispatcher):
            _add(value, digest, seen)
        elif isinstance(value, (bool, int, float, complex, str, tuple)):
            digest.update(f"{name} = {value!r}\n".encode())
        elif hasattr(value, "tobytes"):
            digest.update(name.encode() + value.tobytes())


@functools.cache
def _content(file: str) -> bytes:
    """A file as it was when this process first asked: near when its functions were loaded."""
    return Path(file).read_bytes()


def _used(python: Any) -> Iterator[tuple[str, Any]]:
    """Names and values from outside a function."""
    outside = inspect.getclosurevars(python)
    names = {name for code in _codes(python.__code__) for name in code.co_names}
    yield from outside.nonlocals.items()
    yield from ((name, value) for name, value in python.__globals__.items() if name in names)


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)
