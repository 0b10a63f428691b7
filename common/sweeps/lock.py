"""One launcher a sweep folder: the second is refused, a dead one's place is taken over."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from common.errors import InputError

NAME = "launcher.json"
BEAT_S, STALE_S = 15.0, 180.0


class LauncherLock:
    """Holds launcher.json of a sweep folder. Use as a context manager.

    On one machine the kernel's file lock decides, which ends with its process however that ends. Other machines do not
    always see that lock, so for them the file holds the host and a heartbeat; one older than three minutes is stale.

    Raises:
        InputError: another launcher is at work there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._path = folder, folder / NAME
        self._handle = -1
        self._last_beat = 0.0
        self._started = time.time()

    def __enter__(self) -> LauncherLock:
        self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            self._claim()
        except BaseException:
            os.close(self._handle)
            raise
        self._write(released=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):  # a full disk: the kernel's lock ends with the file
            self._write(released=True)
        os.close(self._handle)

    def beat(self) -> None:
        """Say that the launcher is alive; cheap enough for every turn of a loop."""
        if time.monotonic() - self._last_beat > BEAT_S:
            self._write(released=False)

    def _claim(self) -> None:
        local = False
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            # Some network file systems have no locks at all; there the heartbeat decides for this machine too.
            local = problem.errno in (errno.EWOULDBLOCK, errno.EACCES)
        holder = read_holder(self._folder)
        elsewhere = holder.get("host") != socket.gethostname() and not holder.get("released", True)
        age_s = time.time() - float(holder.get("heartbeat", 0.0))
        if local or (elsewhere and age_s < STALE_S):
            who = f"process {holder.get('pid', '?')} on {holder.get('host', '?')}"
            raise InputError(
                f"sweep folder {self._folder}: another launcher is at work on it ({who}); stop that one or wait for it"
            )

    def _write(self, *, released: bool) -> None:
        facts = {"host": socket.gethostname(), "pid": os.getpid(), "started": self._started}
        text = json.dumps({**facts, "heartbeat": time.time(), "released": released}) + "\n"
        # In place, as the kernel's lock belongs to this very file; padding keeps a reader from seeing two texts mixed.
        data = text.encode().ljust(200)
        os.pwrite(self._handle, data, 0)
        self._last_beat = time.monotonic()


def read_holder(folder: Path) -> dict[str, Any]:
    """Who holds the sweep folder, or held it last: host, pid, started, heartbeat (s since 1970), released."""
    with contextlib.suppress(OSError, ValueError):
        holder = json.loads((folder / NAME).read_text())
        if isinstance(holder, dict):
            return holder
    return {}


def is_held(folder: Path) -> bool:
    """Whether a launcher is at work on the folder, as far as can be seen from here."""
    holder = read_holder(folder)
    if holder.get("released", True):
        return False
    if holder.get("host") == socket.gethostname():
        return Path(f"/proc/{holder['pid']}").exists() if Path("/proc").exists() else True
    return time.time() - float(holder.get("heartbeat", 0.0)) < STALE_S
