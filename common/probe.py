"""Measure how long work takes, here or in processes of its own with their peak memory, for estimates."""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import resource
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from threading import BrokenBarrierError
from typing import Any

from common.errors import RunError

BARRIER_S = 300.0
Ready = Callable[[], None]


@dataclass(frozen=True)
class Measured:
    """What one process reports.

    Attributes:
        value: what the work returned.
        seconds: from `ready()` (or the beginning, where it is not called) until the work returned.
        memory_MiB: of the process at its largest.
    """

    value: Any
    seconds: float
    memory_MiB: float


def measure(
    work: Callable[..., Any], *arguments: Any, processes: int = 1, what: str = "a measurement"
) -> list[Measured]:
    """Call `work(ready, *arguments)` in so many new processes at once, and return what each of them reports.

    Cores that share a memory or a clock slow each other down; so what several workers will do is measured in as many.

    Args:
        work: a function of a module. It prepares, calls `ready()`, which waits until all processes have come so far,
            and then does what is to be timed. One that times itself need not call it.
        arguments: they and what is returned can be pickled.
        processes: how many.
        what: begins the message of a failure, e.g. "a short run of run_0000_seed0".

    Raises:
        RunError: the work raised something, or its process died.
    """
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(processes)
    children: dict[Connection, Any] = {}
    try:
        for _ in range(processes):
            here, there = context.Pipe(duplex=False)
            children[here] = context.Process(target=_child, args=(work, arguments, barrier, there))
            children[here].start()
            there.close()
        return _reports(children, what)
    finally:
        for connection, child in children.items():
            child.kill()
            child.join()
            connection.close()


def _reports(children: dict[Connection, Any], what: str) -> list[Measured]:
    """In the order of the children; the first failure counts, as the others then wait in vain."""
    found: dict[Connection, Measured] = {}
    while len(found) < len(children):
        for connection in wait([waiting for waiting in children if waiting not in found]):
            assert isinstance(connection, Connection)
            try:
                report = connection.recv()
            except EOFError:
                children[connection].join()
                code = children[connection].exitcode
                raise RunError(f"{what} broke off (exit code {code})") from None
            if isinstance(report, str):
                raise RunError(f"{what} failed: {report}")
            found[connection] = report
    return [found[connection] for connection in children]


def _child(work: Callable[..., Any], arguments: tuple[Any, ...], barrier: Any, report: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, which ends this process
    start = time.perf_counter()

    def ready() -> None:
        nonlocal start
        barrier.wait(BARRIER_S)
        start = time.perf_counter()

    try:
        value = work(ready, *arguments)
        report.send(Measured(value, time.perf_counter() - start, peak_memory_MiB()))
    except BrokenBarrierError:
        report.send(f"a process was not ready within {BARRIER_S:.0f} s")
    except Exception as problem:  # noqa: BLE001 - the parent raises it, with the message alone
        text = " ".join(str(problem).split())
        report.send(text if isinstance(problem, RunError) and text else f"{type(problem).__name__}: {text}")


def peak_memory_MiB() -> float:
    """Of this process at its largest so far."""
    with contextlib.suppress(OSError, StopIteration):  # getrusage would count the process that started this one too
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 1024


def seconds_once(work: Callable[[], object]) -> float:
    """How long some work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def seconds_of(work: Callable[[], object]) -> float:
    """How long some work takes when it is done for the second time: the first one loads and compiles."""
    work()
    return seconds_once(work)


def clock(seconds: float) -> str:
    """0:01:05: hours, minutes and seconds; rounded up, so that nothing takes no time."""
    whole = math.ceil(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
