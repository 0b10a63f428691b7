"""Send what a run prints to files: Python's streams and those of C libraries alike."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def captured(stdout: Path, stderr: Path) -> Iterator[None]:
    """Append standard output and error of this process to two files within the block, line by line.

    Raises:
        OSError: the files cannot be opened.
    """
    with contextlib.ExitStack() as stack:
        for number, path, redirect in (
            (1, stdout, contextlib.redirect_stdout),
            (2, stderr, contextlib.redirect_stderr),
        ):
            stream = stack.enter_context(open(path, "a", buffering=1, errors="replace"))
            _flush()
            stack.callback(_restore, number, os.dup(number))
            os.dup2(stream.fileno(), number)
            stack.enter_context(redirect(stream))
        yield


def _restore(number: int, before: int) -> None:
    os.dup2(before, number)
    os.close(before)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
