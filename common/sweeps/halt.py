"""Stop the run that a worker's thread is in, by an exception in that thread: signals reach main threads only."""

from __future__ import annotations

import contextlib
import ctypes
import signal
import threading
from collections.abc import Callable, Iterator

from common.errors import Interrupted


class Halted(Interrupted):
    """The sweep was stopped while the run was at work; it goes on from its last complete epoch."""

    def __init__(self) -> None:
        super().__init__("the sweep was stopped; starting it again goes on here", signal.SIGINT)


class _State:
    """What this process's one thread of work does."""

    lock = threading.Lock()
    thread = 0
    folder = ""
    halting = False


@contextlib.contextmanager
def at_work(folder: str) -> Iterator[Callable[[], bool]]:
    """Mark the calling thread as working for a sweep folder; gives a function that says whether it was halted.

    Raises:
        RuntimeError: the process is at work already: a worker has one thread.
    """
    with _State.lock:
        if _State.thread:
            raise RuntimeError("this worker has more than one thread; start workers with --nthreads 1")
        _State.thread, _State.folder, _State.halting = threading.get_ident(), folder, False
    try:
        yield lambda: _State.halting
    finally:
        _leave()


def halt(folder: str) -> bool:
    """Halt this process's work for a sweep folder; whether there is any. Called from another thread."""
    with _State.lock:
        if not _State.thread or _State.folder != folder:
            return False
        if not _State.halting:
            _State.halting = True
            # It surfaces at the next Python instruction of that thread, after a call into C has returned.
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(_State.thread), ctypes.py_object(Halted))
        return True


def _leave() -> None:
    # The exception may still be on its way and arrive here: once it has, it does not come again.
    for _ in range(2):
        try:
            with _State.lock:
                _State.thread = 0
            return
        except Halted:
            continue
