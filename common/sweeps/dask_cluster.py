"""Where workers come from: processes of this machine, or a cluster that runs already."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import signal
from collections.abc import Iterator
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

from common.errors import InputError

CONNECT_S = 15.0
MEMORY_SHARE = 0.9  # of the machine, for all workers together
SETTINGS: dict[str, Any] = {
    # One task a worker and none in reserve: a worker that dies takes nothing with it but its own run.
    "distributed.scheduler.allowed-failures": 1,
    "distributed.scheduler.work-stealing": False,
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.scheduler.worker-ttl": None,  # a laptop that slept: its workers are late, not dead
    # A paused worker would never go on, and there is no data of Dask's in it to spill: restart it when it is full.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.limit": "1h",
    # Else a worker is given up for good if, some seconds after it was restarted once, it is just being restarted again.
    "distributed.deploy.lost-worker-timeout": "10000h",
}


def cores() -> int:
    """Cores that this process may use, as the operating system and containers grant them."""
    from dask.system import CPU_COUNT

    return int(CPU_COUNT)


def memory_limit(workers: int) -> int:
    """Bytes that each of so many local workers may take before it is restarted."""
    from distributed.system import MEMORY_LIMIT

    return int(MEMORY_SHARE * MEMORY_LIMIT / workers)


@contextlib.contextmanager
def local_client(workers: int, scratch: Path) -> Iterator[Any]:
    """A client of `workers` processes of one thread each on this machine; Dask's own files go below `scratch`.

    The processes do not see Ctrl-C, and they end with this process however that ends.
    """
    dask, distributed = _untyped("dask"), _untyped("distributed")
    with dask.config.set({**SETTINGS, "temporary-directory": str(scratch)}), contextlib.ExitStack() as stack:
        with _without_interrupts():
            cluster = distributed.LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                memory_limit=memory_limit(workers),
                dashboard_address=None,
                # Without a page it still opens a port: any free one, as another sweep may have the usual one.
                scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
                local_directory=str(scratch),
                silence_logs=logging.CRITICAL,
            )
            stack.callback(cluster.close, timeout=10)
            client = stack.enter_context(distributed.Client(cluster, set_as_default=False))
        yield client


@contextlib.contextmanager
def remote_client(address: str | None, file: Path | None) -> Iterator[Any]:
    """A client of a running scheduler, by its address or its scheduler file.

    Raises:
        InputError: no scheduler answers there.
    """
    if file is not None and not file.is_file():
        raise InputError(f"--scheduler-file {file}: no such file; has the scheduler been started?")
    library = _untyped("distributed")
    for name in ("distributed", "distributed.client"):  # set after the import, which sets them too
        logging.getLogger(name).setLevel(logging.CRITICAL)
    place: dict[str, Any] = {"scheduler_file": str(file)} if file else {"address": address}
    try:
        client = library.Client(**place, timeout=CONNECT_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as problem:
        option = f"--scheduler-file {file}" if file else f"--scheduler {address}"
        raise InputError(f"{option}: no scheduler answers there ({type(problem).__name__})") from None
    with client:
        yield client


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """Threads and processes made in this block never see SIGINT, as they inherit the mask; restarted workers too."""
    _start_tracker()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_tracker() -> None:
    """Start multiprocessing's helper now: on demand it would take SIGINT out of the mask. It is also kept from
    warning of the semaphores that it removes if the launcher is killed.
    """
    before = os.environ.get("PYTHONWARNINGS")
    os.environ["PYTHONWARNINGS"] = "ignore:resource_tracker"
    try:
        resource_tracker.ensure_running()
    finally:
        if before is None:
            del os.environ["PYTHONWARNINGS"]
        else:
            os.environ["PYTHONWARNINGS"] = before


def _untyped(name: str) -> Any:
    """A library whose types are not complete enough for a strict check."""
    return importlib.import_module(name)
