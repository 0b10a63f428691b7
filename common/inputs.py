"""Files that come from outside: read whole or refused in one line, whatever is in them.

Every reader takes `what`, the word that its messages begin with ("device curve", "run folder"), and raises InputError
for a missing file, a folder, a FIFO or a device (which may never end), a file too large, and content that is not what
was asked for. Sizes are bounded before memory is taken.
"""

from __future__ import annotations

import io
import json
import math
import os
import stat
import struct
import tomllib
import zipfile
import zlib
from pathlib import Path
from tokenize import TokenError
from typing import Any

from numpy.lib import format as npy
from numpy.typing import NDArray

from common.errors import InputError
from common.values import shorten as shorten

MIB = 1 << 20
TEXT_LIMIT = 64 * MIB
ARRAY_LIMIT = 512 * MIB
DEPTH = 100  # of JSON and TOML
# The header of an array is a Python literal: whatever its parser meets, the file is to blame.
_BAD_HEADER = (
    ArithmeticError, EOFError, LookupError, MemoryError, RecursionError, SyntaxError, TokenError, TypeError, ValueError,
)  # fmt: skip

# A damaged directory of a ZIP file sends its reader anywhere, before the start of the file too.
_BAD_MEMBER = (
    zipfile.BadZipFile, zlib.error, struct.error,
    EOFError, MemoryError, OSError, OverflowError, RuntimeError, ValueError,
)  # fmt: skip


def read_bytes(path: str | Path, what: str, limit: int = ARRAY_LIMIT, *, first: int | None = None) -> bytes:
    """The content of a regular file of at most `limit` bytes; or its `first` bytes, however many it has."""
    try:
        # Without O_NONBLOCK, opening a FIFO waits for somebody to write into it.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        raise InputError(f"{what} {path}: no such file") from None
    except (OSError, ValueError) as problem:  # ValueError: a null character in the name
        raise InputError(f"{what} {shorten(path)}: cannot be read ({_reason(problem)})") from None
    try:
        facts = os.fstat(handle)
        if stat.S_ISDIR(facts.st_mode):
            raise InputError(f"{what} {path}: is a folder, not a file")
        if not stat.S_ISREG(facts.st_mode):
            raise InputError(f"{what} {path}: is not a regular file")
        if first is None and facts.st_size > limit:
            size = f"{facts.st_size / MIB:.0f} MiB"
            raise InputError(f"{what} {path}: is too large ({size}); at most {limit // MIB} MiB are read")
        with open(handle, "rb", closefd=False) as stream:
            return stream.read(facts.st_size if first is None else first)  # read(limit) would take so much memory first
    except OSError as problem:
        raise InputError(f"{what} {path}: cannot be read ({_reason(problem)})") from None
    finally:
        os.close(handle)


def read_text(path: str | Path, what: str, limit: int = TEXT_LIMIT) -> str:
    """The text of a UTF-8 file, without the byte order mark that some programs put in front."""
    content = read_bytes(path, what, limit)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise InputError(f"{what} {path}: is not UTF-8 text (byte {problem.start}); save it as UTF-8") from None


def read_json(path: str | Path, what: str, limit: int = TEXT_LIMIT) -> dict[str, Any]:
    """The object in a JSON file."""
    return parse_json(read_text(path, what, limit), f"{what} {path}")


def parse_json(text: str, where: str) -> dict[str, Any]:
    """The object in a JSON text; `where` begins the message if there is none."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise InputError(f"{where}: is nested too deeply") from None
    except ValueError as problem:
        raise InputError(f"{where}: is not JSON ({problem})") from None
    if text.count("{") + text.count("[") > DEPTH:  # fewer brackets cannot be nested so deeply
        _check_depth(value, where)
    if not isinstance(value, dict):
        raise InputError(f"{where}: holds no JSON object but {type(value).__name__}")
    return value


def read_toml(path: str | Path, what: str, limit: int = TEXT_LIMIT) -> dict[str, Any]:
    """The table in a TOML file."""
    text = read_text(path, what, limit)
    try:
        table = tomllib.loads(text)
    except RecursionError:
        raise InputError(f"{what} {path}: is nested too deeply") from None
    except ValueError as problem:
        raise InputError(f"{what} {path}: is not TOML ({problem})") from None
    _check_depth(table, f"{what} {path}")
    return table


def _check_depth(value: Any, where: str) -> None:
    """Refuse a value that is nested too deeply for code that walks through it by recursion."""
    level: list[Any]
    level, depth = [[value]], 0
    while level:
        depth += 1
        if depth > DEPTH:
            raise InputError(f"{where}: is nested too deeply (more than {DEPTH} levels)")
        level = [
            item
            for each in level
            for item in (each.values() if isinstance(each, dict) else each)
            if isinstance(item, (dict, list))
        ]


def read_array(path: str | Path, what: str, limit: int = ARRAY_LIMIT) -> NDArray[Any]:
    """The array of an .npy file; pickled objects are never read."""
    return _array(read_bytes(path, what, limit), f"{what} {path}", limit)


def read_arrays(path: str | Path, what: str, limit: int = ARRAY_LIMIT) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz file by name, `limit` bytes together at most; see `open_arrays`."""
    archive = Arrays(path, what, limit)
    return {name: archive[name] for name in archive.names}


class Arrays:
    """An .npz file whose arrays are read one by one, so that a damaged one that is not needed does no harm.

    Attributes:
        names: of its arrays, without .npy.
    """

    def __init__(self, path: str | Path, what: str, limit: int = ARRAY_LIMIT) -> None:
        self._where, self._limit = f"{what} {path}", limit
        content = read_bytes(path, what, limit)
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as problem:
            raise InputError(f"{self._where}: is not an NPZ file ({_reason(problem)})") from None
        self._members = {entry.filename.removesuffix(".npy"): entry for entry in self._zip.infolist()}
        self.names = tuple(self._members)
        total = sum(entry.file_size for entry in self._members.values())
        if total > limit:
            raise InputError(f"{self._where}: unpacks to {total / MIB:.0f} MiB; at most {limit // MIB} MiB are read")

    def __contains__(self, name: object) -> bool:
        return name in self._members

    def __getitem__(self, name: str) -> NDArray[Any]:
        where = f"{self._where}: array {name}"
        if name not in self._members:
            raise InputError(f"{where} is missing")
        entry = self._members[name]
        if entry.flag_bits & 1:
            raise InputError(f"{where} is encrypted")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InputError(f"{where} is damaged (NPZ files are not packed by method {entry.compress_type})")
        try:
            content = self._zip.read(entry)
        except _BAD_MEMBER as problem:
            raise InputError(f"{where} is damaged ({_reason(problem)})") from None
        return _array(content, where, self._limit)


def _array(content: bytes, where: str, limit: int) -> NDArray[Any]:
    stream = io.BytesIO(content)
    try:
        version = npy.read_magic(stream)
        read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read_header(stream)
        bytes_needed = min(math.prod(shape) * dtype.itemsize, 1 << 62)  # a number that fits into a message
        held = len(content) - stream.tell()
        if not dtype.hasobject and (bytes_needed != held or min(shape, default=0) < 0):
            raise InputError(f"{where} is damaged ({held} bytes where its header says {bytes_needed})")
        if dtype.hasobject:
            raise InputError(f"{where} is a pickled object, which is never read")
        if bytes_needed > limit:
            raise InputError(f"{where} is too large ({bytes_needed / MIB:.0f} MiB)")
        stream.seek(0)
        array: NDArray[Any] = npy.read_array(stream, allow_pickle=False)
    except InputError:
        raise
    except _BAD_HEADER as problem:
        raise InputError(f"{where} is damaged ({_reason(problem)})") from None
    return array


def _reason(problem: BaseException) -> str:
    text = getattr(problem, "strerror", None) or " ".join(str(problem).split()) or type(problem).__name__
    return text if len(text) <= 160 else f"{text[:157]}..."
