"""Signals that ask a run to stop: Ctrl-C soon, SIGTERM and SIGUSR1 (Slurm's notice) after the epoch if time allows."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from types import FrameType, TracebackType
from typing import Any, Self

from common.errors import InputError

CAUGHT = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


class StopSignals:
    """Remembers the first signal while the block runs; a second one ends the process at once.

    `grace_s` ($NONIDEAL_GRACE_S, default 20) is how long SIGTERM and SIGUSR1 may wait for the end of the epoch.
    """

    def __init__(self, grace_s: float | None = None) -> None:
        self.grace_s = _grace_s() if grace_s is None else grace_s
        self.received: signal.Signals | None = None
        self._deadline = 0.0
        self._before: dict[int, Any] = {}

    @property
    def overdue(self) -> bool:
        """Whether work should stop here and now, even inside an epoch."""
        return self.received is not None and time.monotonic() >= self._deadline

    def __enter__(self) -> Self:
        # Only the main thread may set handlers; in a thread of a sweep's worker the worker itself sees to signals.
        with contextlib.suppress(ValueError):
            for number in CAUGHT:
                self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None:
            self.at_once(number)
            return
        self.received = signal.Signals(number)
        self._deadline = time.monotonic() + (0.0 if number == signal.SIGINT else self.grace_s)

    def at_once(self, number: int) -> None:
        """What a second signal does: end the process."""
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


def _grace_s() -> float:
    text = os.environ.get("NONIDEAL_GRACE_S", "20")
    try:
        return float(text)
    except ValueError:
        raise InputError(f"NONIDEAL_GRACE_S={text!r} is not a number of seconds") from None
