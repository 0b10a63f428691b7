"""Where libngspice is: in $NGSPICE_LIBRARY_PATH, in .tools, or among the system's libraries."""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import os
import re
import subprocess
import sys
from pathlib import Path

from common.errors import InputError

HOW_TO_INSTALL = (
    "install libngspice (Debian/Ubuntu: apt-get install libngspice0, Fedora: dnf install libngspice, "
    "macOS: brew install libngspice), or run scripts/setup.sh, or set NGSPICE_LIBRARY_PATH to the file"
)
_PRIVATE = Path(__file__).parents[2] / ".tools" / "ngspice"  # where scripts/setup.sh unpacks it without root
_PREFIXES = ("/usr/lib", "/usr/lib64", "/usr/local/lib", "/opt/homebrew/lib", f"{sys.prefix}/lib")


def find_library() -> Path:
    """$NGSPICE_LIBRARY_PATH, else what scripts/setup.sh unpacked, else the system's libngspice.

    Raises:
        InputError: there is none, or one of .tools lacks a library that it needs.
    """
    chosen = os.environ.get("NGSPICE_LIBRARY_PATH")
    if chosen:
        if not Path(chosen).is_file():
            raise InputError(f"NGSPICE_LIBRARY_PATH={chosen}: no such file; {HOW_TO_INSTALL}")
        return Path(chosen)
    private = sorted(_PRIVATE.rglob("libngspice.so*"))
    if private:
        _preload(_PRIVATE / "preload.txt")
        return private[0]
    found = _from_linker() or _from_prefixes()
    if found is None:
        raise InputError(f"libngspice not found; {HOW_TO_INSTALL}")
    return found


def _preload(listing: Path) -> None:
    """Load the libraries that a private libngspice needs, since the linker does not look beside it."""
    lines = listing.read_text().splitlines() if listing.is_file() else []
    for line in lines:
        try:
            ctypes.CDLL(str(listing.parent / line), mode=ctypes.RTLD_GLOBAL)
        except OSError as problem:
            raise InputError(f"libngspice cannot be loaded ({problem}); {HOW_TO_INSTALL}") from None


def _from_linker() -> Path | None:
    name = ctypes.util.find_library("ngspice")
    if name is None:
        return None
    if os.path.isabs(name):
        return Path(name)
    with contextlib.suppress(OSError, subprocess.SubprocessError):  # no ldconfig: the linker knows the name
        listing = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, timeout=10).stdout
        match = re.search(rf"{re.escape(name)} .*=> (\S+)", listing)
        if match:
            return Path(match[1])
    return Path(name)


def _from_prefixes() -> Path | None:
    for prefix in _PREFIXES:
        for pattern in ("libngspice.so*", "libngspice*.dylib", "*/libngspice.so*"):
            found = sorted(Path(prefix).glob(pattern))
            if found:
                return found[0]
    return None
