"""Compiled kernels, kept between processes in a folder named by a hash of everything that made them.

numba's own cache asks whether the file of the cached function is newer, so that an edit in another file of the
package leaves stale code in use. Here the folder's name hashes all sources of the kernel's package and of this one, the
versions of numba, llvmlite and Python, and the processor, and each file carries a checksum of itself. A folder that
cannot be read or written, or a damaged file, costs compile time and nothing else. As with numba's cache, whoever can
write there can run code as the user: it lies in the user's own cache folder.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import platform
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llvmlite
import numba
from numba.core import codegen, compiler
from numba.core.caching import _Cache
from numba.core.serialize import dumps

HERE = Path(__file__).parent
KEEP = 4  # folders of other versions that stay
# What reading back a file of another version, or half a file, may raise.
UNREADABLE = (
    OSError, EOFError, pickle.PickleError, ValueError, TypeError, LookupError, AttributeError, ImportError,
    RuntimeError,
)  # fmt: skip


def keep(dispatcher: Callable[..., Any], *others: Path) -> Callable[..., Any]:
    """Keep what numba compiles for this function on disk.

    It may use compiled functions of its own package, of this one, and of those whose folders `others` names. With
    numba's compiler off (NUMBA_DISABLE_JIT=1) there is nothing to keep.
    """
    config: Any = numba.config
    if config.DISABLE_JIT:
        return dispatcher
    kernel: Any = dispatcher
    function = kernel.py_func
    package = Path(function.__code__.co_filename).parent
    kernel._cache = KernelCache(f"{function.__module__}.{function.__qualname__}", package, *others)
    return dispatcher


def cache_root() -> Path:
    """$NONIDEAL_CACHE, else $XDG_CACHE_HOME/nonideal, else ~/.cache/nonideal."""
    if own := os.environ.get("NONIDEAL_CACHE"):
        return Path(own)
    if shared := os.environ.get("XDG_CACHE_HOME"):
        return Path(shared) / "nonideal"
    return Path(os.path.expanduser("~")) / ".cache" / "nonideal"


def source_hash(*packages: Path) -> str:
    """Hash of the sources in some folders and in this one, and of what compiles them."""
    digest = hashlib.sha256()
    for path in sorted({path for folder in (*packages, HERE) for path in folder.rglob("*.py")}):
        digest.update(f"{path.name} {path.stat().st_size}\n".encode())
        digest.update(path.read_bytes())
    digest.update(repr((numba.__version__, llvmlite.__version__, platform.python_version(), _processor())).encode())
    return digest.hexdigest()[:24]


def _processor() -> Any:
    from llvmlite import binding

    return platform.machine(), binding.get_host_cpu_name(), codegen.get_host_cpu_features()


class KernelCache(_Cache):
    """The cache of one dispatcher, in the place of numba's FunctionCache; nothing is read before the first call."""

    def __init__(self, name: str, package: Path, *others: Path) -> None:
        self._name = name
        self._package, self._others = package, others
        self._folder: Path | None = None

    @property
    def cache_path(self) -> str:
        """Folder of the compiled kernels."""
        if self._folder is None:
            label = f"{self._package.parent.name}.{self._package.name}"
            self._folder = cache_root() / f"{label}-{source_hash(self._package, *self._others)}"
        return str(self._folder)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """What was compiled before for this signature, or None."""
        target_context.refresh()
        try:
            checksum, _, payload = self._file(sig, target_context).read_bytes().partition(b"\n")
            if hashlib.sha256(payload).hexdigest().encode() != checksum:
                return None
            return compiler.CompileResult._rebuild(target_context, *pickle.loads(payload))
        except UNREADABLE:
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep a compiled signature, if the folder lets us."""
        with contextlib.suppress(*UNREADABLE):
            payload = dumps(data._reduce())
            path = self._file(sig, data.target_context)
            fresh = not path.parent.exists()
            path.parent.mkdir(parents=True, exist_ok=True)
            if fresh:
                tidy(path.parent)
            descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
            try:
                with os.fdopen(descriptor, "wb") as stream:
                    stream.write(hashlib.sha256(payload).hexdigest().encode() + b"\n" + payload)
                os.replace(temporary, path)
            except OSError:
                os.unlink(temporary)
                raise

    def _file(self, sig: Any, target_context: Any) -> Path:
        key = repr((sig, target_context.codegen().magic_tuple()))
        return Path(self.cache_path) / f"{self._name}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.bin"

    def enable(self) -> None:
        """Always on."""

    def disable(self) -> None:
        """Always on."""

    def flush(self) -> None:
        """Forget what was compiled."""
        shutil.rmtree(self.cache_path, ignore_errors=True)


def tidy(current: Path, keep: int = KEEP) -> None:
    """Remove all but the newest folders of other versions beside `current`."""
    label = current.name.rpartition("-")[0]
    others = [path for path in current.parent.glob(f"{label}-*") if path.is_dir() and path != current]
    ages: dict[Path, float] = {}
    for path in others:
        with contextlib.suppress(OSError):
            ages[path] = path.stat().st_mtime
    for path in sorted(ages, key=ages.__getitem__, reverse=True)[keep:]:
        shutil.rmtree(path, ignore_errors=True)
