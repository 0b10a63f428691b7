"""Signals that ask a run to stop: Ctrl-C soon; SIGTERM, SIGUSR1 (Slurm's notice) and SIGHUP (the terminal was closed)
after the epoch if time allows.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any, Self

from common.errors import InputError

CAUGHT = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP)
_in_threads: set[StopSignals] = set()


def ask_threads(number: int) -> bool:
    """Pass a signal on to the runs in threads of this process, which no signal reaches; whether there are any."""
    listening = list(_in_threads)
    for signals in listening:
        signals.ask(number)
    return bool(listening)


def ignored(number: int) -> bool:
    """Whether the process was started so that it ignores a signal, as `nohup` does with SIGHUP."""
    return signal.getsignal(number) == signal.SIG_IGN


class StopSignals:
    """Remembers the first signal while the block runs; a second one ends the process at once.

    `grace_s` ($NONIDEAL_GRACE_S, default 20) is how long all signals but Ctrl-C may wait for the end of the epoch.
    A SIGHUP that is ignored on entry (nohup) stays so.
    """

    def __init__(self, grace_s: float | None = None) -> None:
        self.grace_s = _grace_s() if grace_s is None else grace_s
        self.received: signal.Signals | None = None
        self._deadline = 0.0
        self._before: dict[int, Any] = {}
        self._terminals: list[int] = []

    @property
    def overdue(self) -> bool:
        """Whether work should stop here and now, even inside an epoch."""
        return self.received is not None and time.monotonic() >= self._deadline

    def __enter__(self) -> Self:
        # Only the main thread may set handlers; in a thread of a sweep's worker the worker itself calls ask_threads.
        if threading.current_thread() is not threading.main_thread():
            _in_threads.add(self)
            return self
        self._terminals = [stream for stream in (1, 2) if os.isatty(stream)]
        for number in CAUGHT:
            if number != signal.SIGHUP or not ignored(number):
                self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        _in_threads.discard(self)
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def ask(self, number: int) -> None:
        """Remember a signal, unless one came before."""
        if self.received is None:
            self.received = signal.Signals(number)
            self._deadline = time.monotonic() + (0.0 if number == signal.SIGINT else self.grace_s)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self._leave_terminals()
        elif self.received is not None:  # a closed terminal may send several SIGHUP without meaning that
            self.at_once(number)
        self.ask(number)

    def _leave_terminals(self) -> None:
        """Discard further output: writing to a terminal that is gone is an error."""
        for stream in self._terminals:
            with contextlib.suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream)

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
