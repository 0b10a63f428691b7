"""Warnings of Python and of libraries as lines for people: without file names and lines of source."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator
from typing import Any, TextIO


@contextlib.contextmanager
def short_warnings() -> Iterator[None]:
    """Within this block a warning is a line on stderr, `warning: <message>`, and the same line comes once.

    Which warnings are shown, hidden or raised is left to the filters, which libraries and tests set.
    """
    seen: set[str] = set()

    def show(
        message: Warning | str, category: type[Warning], filename: str, lineno: int,
        file: TextIO | None = None, line: str | None = None,
    ) -> None:  # fmt: skip
        text = f"warning: {' '.join(str(message).split())}"
        if text not in seen:
            seen.add(text)
            print(text, file=file or sys.stderr)

    # Not catch_warnings(), which at its end would also take back the filters of libraries imported meanwhile.
    module: Any = warnings
    before, module.showwarning = warnings.showwarning, show
    try:
        yield
    finally:
        module.showwarning = before
