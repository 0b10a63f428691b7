"""Stop the run that a worker's thread is in: signals reach main threads only.

The launcher's Ctrl-C is an exception in that thread. When the worker itself has to leave (preemption, a time limit),
runs that listen for signals stop at their last complete epoch, and only the others get that exception.
"""

from __future__ import annotations

import contextlib
import ctypes
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

from common.errors import Interrupted
from common.runs.signals import ask_threads

Report = Callable[[dict[str, Any]], None]


class Halted(Interrupted):
    """The sweep was stopped while the run was at work; it goes on from its last complete epoch."""

    def __init__(self) -> None:
        super().__init__("the sweep was stopped; starting it again goes on here", signal.SIGINT)


class _State:
    """What the one thread of this process that runs tasks is doing."""

    lock = threading.Lock()
    thread = 0
    folder = ""
    report: Report = staticmethod(lambda message: None)
    halting = False
    leaving = False


@contextlib.contextmanager
def at_work(folder: str, report: Report) -> Iterator[Callable[[], bool]]:
    """Mark the calling thread as working for a sweep folder; gives a function that says whether it is to stop.

    `report` gets {"event": "leaving"} when the worker has to end.

    Raises:
        RuntimeError: the process is at work already: a worker has one thread.
    """
    with _State.lock:
        if _State.thread:
            raise RuntimeError("this worker has more than one thread; start workers with --nthreads 1")
        _State.thread, _State.folder, _State.halting = threading.get_ident(), folder, False
        _State.report = staticmethod(report)
        if _State.leaving:
            report({"event": "leaving"})
    try:
        yield lambda: _State.halting or _State.leaving
    finally:
        _leave()


def halt(folder: str) -> bool:
    """Halt this process's work for a sweep folder; whether there is any. Called from another thread."""
    with _State.lock:
        if not _State.thread or _State.folder != folder:
            return False
        _interrupt()
        return True


def leave(number: int) -> None:
    """Let this process's run, if there is one, stop where it can be resumed elsewhere, and begin no other.

    Args:
        number: of the signal that has come.
    """
    with _State.lock:
        if _State.leaving:
            return
        _State.leaving = True
        if _State.thread:
            _State.report({"event": "leaving"})
            if not ask_threads(number):
                _interrupt()


def is_at_work() -> bool:
    """Whether this process's thread is in a task."""
    return _State.thread != 0


def _interrupt() -> None:
    if not _State.halting:
        _State.halting = True
        # It surfaces at the next Python instruction of that thread, after a call into C has returned.
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(_State.thread), ctypes.py_object(Halted))


def _leave() -> None:
    # The exception may still be on its way and arrive here: once it has, it does not come again.
    for _ in range(2):
        try:
            with _State.lock:
                _State.thread = 0
            return
        except Halted:
            continue
