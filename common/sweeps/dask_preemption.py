"""Workers that have to end: by scancel, a time limit, preemption, or when Dask closes them.

Two plugins, which the launcher hands to all workers and nannies of the cluster, also those that come later. A worker
that gets SIGTERM, SIGUSR1 or SIGHUP reports it, lets its run stop at its last complete epoch, and then ends as it would
have ended without the plugin. Its nanny, which would kill it after eight seconds, waits for that.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from contextlib import suppress
from types import FrameType
from typing import Any

import dask
from distributed import Nanny, NannyPlugin, Worker, WorkerPlugin

from common.runs.signals import StopSignals, ignored
from common.sweeps.halt import is_at_work, leave

LEAVE = (signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP)
POLL_S, NEWS_S = 0.1, 1.0
LATE_S = 5.0


class LeaveInTime(WorkerPlugin):
    """Handles the signals of a worker's process, and Dask's own reasons to close it."""

    name = "nonideal-leave-in-time"
    idempotent = True  # to put it there anew would close the old one, and with it the run of another launcher

    def __init__(self) -> None:
        self._worker: Worker | None = None  # None also where the process is somebody's program
        self._before: Any = signal.SIG_DFL
        self._going: asyncio.Task[None] | None = None

    def setup(self, worker: Worker) -> None:
        """In the worker, as it begins."""
        if threading.current_thread() is not threading.main_thread():
            return
        self._worker = worker
        self._before = signal.getsignal(signal.SIGTERM)
        for number in LEAVE:
            if number != signal.SIGHUP or not ignored(number):
                signal.signal(number, self._receive)

    def teardown(self, worker: Worker) -> None:
        """In the worker, as it closes: Dask then waits for its thread for a while."""
        if self._worker is not None:
            leave(signal.SIGTERM)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        assert self._worker is not None
        if _is_full(self._worker):  # its nanny ends it for its memory, which is no preemption
            self._end(signal.SIG_DFL)
            return
        self._worker.loop.add_callback(self._leave, number)

    def _leave(self, number: int) -> None:
        if self._going is None:  # a job's processes may get the signal from several sides
            leave(number)
            self._going = asyncio.create_task(self._end_when_over())

    async def _end_when_over(self) -> None:
        while is_at_work():
            await asyncio.sleep(POLL_S)
        await asyncio.sleep(NEWS_S)  # for the last messages
        self._end(self._before)

    def _end(self, before: Any) -> None:
        """Do what SIGTERM did before us: end the process, or Dask's clean way out."""
        signal.signal(signal.SIGTERM, before)
        os.kill(os.getpid(), signal.SIGTERM)


class WaitForWorker(NannyPlugin):
    """Gives a worker time to leave before its nanny kills it."""

    name = "nonideal-wait-for-worker"
    idempotent = True

    def setup(self, nanny: Nanny) -> None:
        """In the nanny: what ends it by SIGTERM ends it by SIGUSR1 as well, instead of on the spot."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGUSR1, lambda number, frame: signal.raise_signal(signal.SIGTERM))

    async def teardown(self, nanny: Nanny) -> None:
        """In the nanny, as it closes."""
        _ignore_second()
        if nanny.pid:
            with suppress(ProcessLookupError):
                os.kill(nanny.pid, signal.SIGTERM)
        end = time.monotonic() + StopSignals().grace_s + LATE_S  # Slurm kills what is left after 30 s
        while nanny.pid and time.monotonic() < end:
            await asyncio.sleep(POLL_S)


def _ignore_second() -> None:
    """Ignore a further SIGTERM: Slurm often sends several, and after the first Dask lets the next end the process."""
    in_main = threading.current_thread() is threading.main_thread()
    if in_main and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:  # else it is one nanny of several that closes
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _is_full(worker: Worker) -> bool:
    limit = worker.memory_manager.memory_limit
    share = dask.config.get("distributed.worker.memory.terminate")
    return bool(limit and share) and worker.monitor.proc.memory_info().rss > 0.98 * share * limit
