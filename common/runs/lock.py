"""A folder belongs to one process: a second one is refused, a dead one's is taken over, and one that lost it stops.

The lock is a file that names its holder, made by an atomic link, so that it holds on network file systems too, with or
without locks of the kernel. It is removed at the end; whether the holder of one that is left still lives is decided by
`common.runs.process`.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import socket
import threading
import time
import uuid
import zlib
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from common.errors import InputError, Interrupted
from common.inputs import read_json
from common.runs import files
from common.runs.process import is_alive, this_process

RUN_LOCK = "run.lock"
BEAT_S, CHECK_S, TURN_S = 15.0, 1.0, 0.01
TRIES = 50
RECORD_BYTES = 1024  # more than any record has, so that one written over another leaves nothing of it
NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


class Held(InputError):
    """Another process is at work on the folder."""


class FolderLost(Interrupted):
    """This process was suspended for so long that another took over its folder; it stops and writes nothing there."""

    def __init__(self, message: str) -> None:
        super().__init__(message, 0)
        self.exit_code = 1


class FolderLock:
    """Holds a folder for this process. Use as a context manager, or `acquire` and `release`.

    While it is held, everything that `common.runs.files` writes into the folder is preceded by `check`.

    Args:
        folder: it must exist.
        name: of the file in it.
        what: how messages begin, e.g. "run folder".
    """

    def __init__(self, folder: Path, name: str = RUN_LOCK, what: str = "run folder") -> None:
        self._folder, self._path, self._what = folder, folder / name, what
        self._token = uuid.uuid4().hex
        self._handle = -1
        self._checked = 0.0
        self._over = threading.Event()
        self._one_at_a_time = threading.Lock()
        self.lost = ""

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def acquire(self) -> None:
        """Take the folder, from a dead process if need be, and remove what was left there under temporary names.

        Raises:
            Held: a living one has it.
            OSError: the folder cannot be written.
        """
        try:
            self._handle = self._claim()
        except OSError as problem:
            raise OSError(problem.errno, problem.strerror, str(self._folder)) from None
        self._checked = time.time()
        files.GUARDS[self._folder] = self.check
        files.remove_temporaries(self._folder, ours=True)
        # A thread, as work may go on for minutes between two places where it could say so.
        threading.Thread(target=self._beat, name=f"lock of {self._folder}", daemon=True).start()

    def release(self) -> None:
        """Release the folder; only the first call counts."""
        self._over.set()
        with self._one_at_a_time:
            if self._handle < 0:
                return
            files.GUARDS.pop(self._folder, None)
            with contextlib.suppress(OSError):
                if _token(read_holder(self._path)) == self._token:
                    self._path.unlink()
            os.close(self._handle)
            self._handle = -1

    def check(self) -> None:
        """See that the folder is still this process's; reads the file at most once a second.

        Raises:
            FolderLost: it is not.
        """
        if not self.lost and not 0 <= time.time() - self._checked < CHECK_S:
            self._reread()
        if self.lost:
            raise FolderLost(self.lost)

    def _claim(self) -> int:
        draft = self._path.with_name(f".{self._path.name}.{self._token}.tmp")
        try:
            for _ in range(TRIES):
                if not draft.exists():  # the first time, or a holder that was just leaving has tidied up
                    draft.write_bytes(self._record())
                if _link(draft, self._path):
                    handle = os.open(self._path, os.O_RDWR)
                    with contextlib.suppress(OSError):  # earlier versions ask for the kernel's lock
                        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return handle
                if is_held(self._path):
                    break
                _remove_dead(self._path, draft)
            raise refusal(self._path, self._what)
        finally:
            draft.unlink(missing_ok=True)

    def _record(self) -> bytes:
        facts = {**this_process(), "heartbeat": time.time(), "token": self._token}
        return json.dumps(facts).encode().ljust(RECORD_BYTES - 1) + b"\n"

    def _beat(self) -> None:
        while not self._over.wait(BEAT_S):
            self._reread()
            with self._one_at_a_time, contextlib.suppress(OSError):
                if not self.lost and self._handle >= 0:
                    # In place: a new file under this name could replace another process's.
                    os.pwrite(self._handle, self._record(), 0)
                    os.fsync(self._handle)

    def _reread(self) -> None:
        """Set `lost` if the file names another process, or is gone and stays so."""
        holder = None
        for _ in range(3):  # a process that takes it for a dead one's moves it away for a moment
            holder = read_holder(self._path)
            if _token(holder) == self._token:
                self._checked = time.time()
                return
            if self._over.wait(0.05):
                return
        if holder is None:
            self.lost = f"{self._what} {self._folder}: its {self._path.name} was removed"
        elif _token(holder):
            self.lost = f"{self._what} {self._folder}: was taken over by {describe(holder)}"
        if self.lost:
            self.lost += "; this process stops and leaves it alone"


def read_holder(path: Path) -> dict[str, Any] | None:
    """Who holds a folder by this file, or held it when killed; None if there is no such file.

    Of a file that cannot be read, all that is known is when it was written.
    """
    try:
        written = path.lstat().st_mtime
    except OSError:
        return None
    with contextlib.suppress(InputError):
        return read_json(path, "lock")
    return {"boot_id": "", "heartbeat": written}


def is_held(path: Path) -> bool:
    """Whether a living process holds a folder by this file, as far as can be seen from here."""
    holder = read_holder(path)
    if holder is None or holder.get("released") or not is_alive(holder):
        return False
    earlier_version = "boot_id" not in holder and holder.get("host") == socket.gethostname()
    return not (earlier_version and _has_no_kernel_lock(path))


def refusal(path: Path, what: str) -> Held:
    """The error that names who holds a folder by this file; `what` begins it, e.g. "run folder"."""
    who = describe(read_holder(path) or {})
    return Held(f"{what} {path.parent}: another process is at work on it ({who}); stop that one or wait for it")


def describe(holder: dict[str, Any]) -> str:
    """A holder in words."""
    return f"process {holder.get('pid', '?')} on {holder.get('host', '?')}"


def _token(holder: dict[str, Any] | None) -> Any:
    return None if holder is None else holder.get("token")


def _link(draft: Path, path: Path) -> bool:
    """Give the draft a second name, unless there is such a file; of several that try at once one succeeds."""
    try:
        os.link(draft, path)
    except FileExistsError:
        with contextlib.suppress(FileNotFoundError):  # the holder has just tidied its folder up
            return draft.stat().st_nlink > 1  # a file server may do it and lose the answer
        return False
    except FileNotFoundError:  # as above
        return False
    except OSError as problem:
        if problem.errno not in NO_LINKS:
            raise
        try:  # a file system without links: a copy, which somebody may see before it is whole
            content = draft.read_bytes()
            with open(path, "xb") as stream:
                stream.write(content)
        except (FileExistsError, FileNotFoundError):
            return False
    return True


def _remove_dead(path: Path, draft: Path) -> None:
    """Remove a dead process's lock. Only one process at a time may, so that nobody's new one is taken for the old one.

    That right is a file too, named after the dead one's lock; it does not outlive the process that has it.
    """
    dead = read_holder(path)
    if dead is None:
        return
    right = path.with_name(f".{path.name}.{zlib.crc32(repr(dead).encode()):08x}.tmp")
    if not _link(draft, right):
        if not is_held(right):
            right.unlink(missing_ok=True)
        time.sleep(TURN_S)
        return
    try:
        if read_holder(path) == dead and not is_held(path):
            path.unlink()
    finally:
        right.unlink(missing_ok=True)


def _has_no_kernel_lock(path: Path) -> bool:
    try:
        with open(path, "r+b") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
