"""Files that are never half written: a temporary name beside the file and os.replace, or whole appended lines."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import math
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from common.inputs import read_bytes
from common.runs.process import is_there, machine

# By folder: called before anything is written there; raises if this process may not (see `common.runs.lock`).
GUARDS: dict[Path, Callable[[], None]] = {}
OLD_S = 24 * 3600.0
_TEMPORARY = re.compile(r"\..+\.([0-9a-f]{8})-(\d+)\.tmp")
_tidied: set[Path] = set()
_encoder = json.JSONEncoder(allow_nan=False)


@contextlib.contextmanager
def atomic_writer(path: Path, *, durable: bool = False) -> Iterator[IO[bytes]]:
    """A binary stream that becomes `path` when the block ends well; otherwise the old file stays as it was.

    Args:
        path: the file; its folder must exist.
        durable: also wait until the disk has it, for files that later runs start from.

    Raises:
        OSError: the disk is full or the folder cannot be written; the message names `path`.
    """
    draft = temporary(path)
    _tidy_once(path.parent)
    try:
        with open(draft, "wb") as stream:
            yield stream
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        _ask_guard(path.parent)
        os.replace(draft, path)
    except BaseException as problem:
        _give_up(draft, path, problem)
        raise


def write_bytes(path: Path, content: bytes | memoryview, *, durable: bool = False) -> None:
    """Write a file atomically, as `atomic_writer` does, for what is in memory as a whole: a third of its time.

    An epoch writes some twenty small files: without a stream between them and the system they are fast enough for
    epochs of some milliseconds.
    """
    folder, name = os.path.split(path)
    draft = os.path.join(folder, _draft(name))
    _tidy_once(path.parent)
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        try:
            left = memoryview(content)
            while left:
                left = left[os.write(handle, left) :]
            if durable:
                os.fsync(handle)
        finally:
            os.close(handle)
        _ask_guard(path.parent)
        os.replace(draft, path)
    except BaseException as problem:
        _give_up(draft, path, problem)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically (UTF-8)."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically; NumPy numbers and paths are allowed, a NaN becomes null."""
    write_text(path, _indented(plain(value), "\n") + "\n")


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write an .npy file atomically; arrays of Python objects are refused."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    write_bytes(path, stream.getbuffer())


def append_line(path: Path, line: str) -> None:
    """Append one whole line; on a full disk the part that went in is taken back and OSError is raised.

    A torn line at the end, left by a kill, is removed first.
    """
    data = line.rstrip("\n").encode() + b"\n"
    _ask_guard(path.parent)
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        size = os.fstat(handle).st_size
        if size and os.pread(handle, 1, size - 1) != b"\n":
            size = path.read_bytes().rfind(b"\n") + 1
            os.ftruncate(handle, size)
        try:
            written = os.write(handle, data)
        except OSError as problem:
            raise OSError(problem.errno, problem.strerror, str(path)) from None
        if written < len(data):
            os.ftruncate(handle, size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    finally:
        os.close(handle)


def read_lines(path: Path) -> list[str]:
    """The whole lines of a growing file, without newlines or a torn last one; none if there is no file.

    Raises:
        InputError: it is no regular file, or cannot be read.
    """
    if not os.path.lexists(path):
        return []
    data = read_bytes(path, "file")
    return data[: data.rfind(b"\n") + 1].decode(errors="replace").splitlines()


def temporary(path: Path) -> Path:
    """The name beside a file under which this process writes it."""
    return path.with_name(_draft(path.name))


def _draft(name: str) -> str:
    return f".{name}.{machine()}-{os.getpid()}.tmp"


def _give_up(draft: str | Path, path: Path, problem: BaseException) -> None:
    """Remove a draft that became no file; an error of the system is raised anew, with the name of the file."""
    with contextlib.suppress(OSError):
        os.unlink(draft)
    if isinstance(problem, OSError) and problem.errno:
        raise OSError(problem.errno, problem.strerror, str(path)) from None


def _tidy_once(folder: Path) -> None:
    if folder not in _tidied:
        _tidied.add(folder)
        remove_temporaries(folder)


def remove_temporaries(folder: Path, *, ours: bool = False) -> None:
    """Remove what killed processes left under temporary names.

    Args:
        folder: where; not below.
        ours: nobody else writes here, so that nothing under such a name is of use. Otherwise it goes if its process is
            known to be gone, or after a day.
    """
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            if entry.name.startswith(".") and entry.name.endswith(".tmp") and (ours or _is_left(entry)):
                with contextlib.suppress(OSError):  # another process has just removed it
                    os.unlink(entry)


def _is_left(entry: os.DirEntry[str]) -> bool:
    found = _TEMPORARY.fullmatch(entry.name)
    if found is None:
        return False
    there = is_there(found[1], int(found[2]))
    return not there and (there is False or time.time() - entry.stat(follow_symlinks=False).st_mtime > OLD_S)


def _ask_guard(folder: Path) -> None:
    if folder in GUARDS:
        GUARDS[folder]()


def _indented(value: Any, line: str) -> str:
    """What json.dumps(value, indent=2, allow_nan=False) gives for a plain value, in a third of the time.

    `line` begins a line where the value stands. The module json indents in Python, and slowly.
    """
    inner = f"{line}  "
    if isinstance(value, dict) and value:
        items = [f"{_encoder.encode(key)}: {_indented(item, inner)}" for key, item in value.items()]
        return f"{{{inner}{f',{inner}'.join(items)}{line}}}"
    if isinstance(value, list) and value:
        return f"[{inner}{f',{inner}'.join([_indented(item, inner) for item in value])}{line}]"
    return float.__repr__(value) if type(value) is float and math.isfinite(value) else _encoder.encode(value)


def plain(value: Any) -> Any:
    """The same value in JSON's own types; numbers that are not finite become None."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value
