"""Ctrl-C and SIGTERM at the launcher: the first stops cleanly, the second ends the process at once."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from types import FrameType, TracebackType
from typing import Any

CAUGHT = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


class Stopping:
    """Remembers the first signal while the block runs."""

    def __init__(self, prog: str) -> None:
        self._prog = prog
        self._before: dict[int, Any] = {}
        self.received: signal.Signals | None = None

    def __enter__(self) -> Stopping:
        with contextlib.suppress(ValueError):  # a notebook's thread: its owner sees to signals
            for number in CAUGHT:
                self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.received is None:
            self.received = signal.Signals(number)
            return
        # Local workers end by themselves when this process is gone, and their runs go on from checkpoints.
        line = f"{self._prog}: stopped at once by a second {signal.Signals(number).name}\n"
        with contextlib.suppress(OSError):
            os.write(sys.stderr.fileno(), line.encode())
        os._exit(128 + number)
