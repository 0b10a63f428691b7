"""Which process wrote something, and whether it still runs: on this machine for certain, elsewhere by its heartbeat."""

from __future__ import annotations

import contextlib
import functools
import os
import socket
import time
import zlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

STALE_S = 180.0


def this_process() -> dict[str, Any]:
    """What identifies this process, in JSON's types.

    Its number alone does not: containers give the same small ones again and again. Linux knows when a process began, in
    ticks since the machine booted, and in which namespace its number counts; elsewhere these three are None.
    """
    return {
        "host": socket.gethostname(),
        "boot_id": _boot_id(),
        "pid_namespace": _namespace(),
        "pid": os.getpid(),
        "pid_started": started(os.getpid()),
    }


def is_alive(facts: Mapping[str, Any], stale_s: float = STALE_S) -> bool:
    """Whether the process of these facts still runs.

    Args:
        facts: those of `this_process` and a `heartbeat` (seconds since 1970, or a date in ISO format); what earlier
            versions wrote has only host, pid and heartbeat.
        stale_s: how old a heartbeat may be where the process cannot be seen: on another machine, in another
            container, or in another life of this machine.
    """
    here, pid = this_process(), facts.get("pid")
    pid = pid if isinstance(pid, int) and pid > 0 else None
    if "boot_id" not in facts and facts.get("host") == here["host"]:
        return _exists(pid)
    if here["boot_id"] and all(facts.get(name) == here[name] for name in ("boot_id", "pid_namespace")):
        return pid is not None and started(pid) == facts.get("pid_started", 0)
    same = facts.get("boot_id") is None and facts.get("host") == here["host"]
    return age_s(facts.get("heartbeat")) < stale_s and not (same and not _exists(pid))


def age_s(heartbeat: Any) -> float:
    """How long ago a heartbeat was; infinite where there is none that can be read."""
    with contextlib.suppress(TypeError, ValueError, OverflowError):
        if isinstance(heartbeat, str):
            return time.time() - datetime.fromisoformat(heartbeat).timestamp()
        return time.time() - float(heartbeat)
    return float("inf")


def started(pid: int) -> int | None:
    """When a process began, in clock ticks since boot; None if there is no such process, or only its exit status."""
    try:
        # The second field is a name in brackets, which may itself hold brackets and blanks.
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


@functools.cache
def machine() -> str:
    """Eight letters for the place in which the numbers of processes count, for names of temporary files."""
    return f"{zlib.crc32(f'{socket.gethostname()} {_boot_id()} {_namespace()}'.encode()):08x}"


def is_there(machine_of: str, pid: int) -> bool | None:
    """Whether a process with this number is there; None if it counts in another place than `machine()`."""
    return _exists(pid) if machine_of == machine() else None


def _exists(pid: int | None) -> bool:
    if pid is None:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # it lives, and belongs to someone else
        return True
    return started(pid) is not None or started(os.getpid()) is None  # None of both: this system does not say


@functools.cache
def _boot_id() -> str | None:
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return None


def _namespace() -> str | None:
    with contextlib.suppress(OSError):
        return os.readlink("/proc/self/ns/pid")
    return None
