"""Copies of libngspice in this process, so that several circuits stay loaded and take turns at no cost.

One libngspice cannot do that, with `setcirc` or otherwise: it holds several circuits, but a single paused sweep. A
second circuit's `dc` gives up the first one's ("losing old state"), which begins anew at its next step; and the points
of a resumed sweep go to the plot of the sweep that began last, of whatever circuit (DCtrCurv keeps it in a static
variable). Loading a circuit anew at every turn costs tens of operating points.

All this lies in variables of the loaded file, and a copy of the file, loaded from another place, has variables of its
own. So each circuit gets a copy, in which it is as alone as it was in the one library: no command, failure or result
of one reaches another. A copy takes 5 MB of memory and 0.05 s; what is loaded stays loaded until the process ends, so
there are only a few, which are used again.
"""

from __future__ import annotations

import ctypes
import functools
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from analog_nmos.backends.ngspice_library import Ngspice, ngspice
from common.errors import InputError

MOST_COPIES = 4  # the installed library counts: two copies of a chip, one at another temperature, and one to spare


class Copies:
    """Libraries that circuits are loaded into.

    Args:
        first: the installed one, of which the others are copies.
        most: how many libraries to load at most, `first` included.
    """

    def __init__(self, first: Ngspice, most: int = MOST_COPIES) -> None:
        self._copies, self._most = [first], most

    def room(self) -> Ngspice:
        """A library to load a circuit into.

        One whose circuit nobody holds any more comes first, then a new copy. If there are as many as may be, the
        circuit that has not been used for longest loses its place, and its owner has to load it anew.

        Warns:
            UserWarning: the library cannot be copied (once): circuits that take turns are loaded anew each time.
        """
        free = next((copy for copy in self._copies if copy.has_room), None)
        if free is None and len(self._copies) < self._most:
            free = self._another()
        return free or min(self._copies, key=lambda copy: (copy.is_spoilt, copy.last_use))

    def _another(self) -> Ngspice | None:
        problems = []
        for copied in (_in_memory, _in_a_folder):
            try:
                with copied(_file_of(self._copies[0].library)) as path:
                    self._copies.append(Ngspice(path))
                return self._copies[-1]
            except (OSError, InputError) as problem:
                problems.append(str(problem))
        self._most = len(self._copies)
        warnings.warn(
            f"circuits that take turns are loaded anew each time, since libngspice cannot be copied: {problems[-1]}",
            stacklevel=2,
        )
        return None


@functools.cache
def copies() -> Copies:
    """Those of this process.

    Raises:
        InputError: no libngspice; see `ngspice`.
    """
    return Copies(ngspice())


@contextmanager
def _in_memory(library: Path) -> Iterator[Path]:
    """A copy of a file to load; Linux can keep it in memory, so that a /tmp that forbids execution does not matter.

    Its descriptor is never closed: the next file would get the same number and therefore name, which the loader would
    take for this one.
    """
    if not hasattr(os, "memfd_create"):
        raise OSError("no files in memory on this system")
    descriptor = os.memfd_create("libngspice")
    with open(descriptor, "wb", closefd=False) as file:
        file.write(library.read_bytes())
    yield Path(f"/proc/self/fd/{descriptor}")


@contextmanager
def _in_a_folder(library: Path) -> Iterator[Path]:
    """A copy of a file to load, which is deleted then; what is loaded stays."""
    with tempfile.TemporaryDirectory(prefix="nonideal-") as folder:
        yield Path(shutil.copy(library, folder))


class _Origin(ctypes.Structure):
    """Dl_info of dladdr."""

    _fields_ = (
        ("file", ctypes.c_char_p),
        ("base", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("at", ctypes.c_void_p),
    )


def _file_of(library: Path) -> Path:
    """The file of a loaded library that may be known to the linker by its name only."""
    if library.is_file():
        return library
    origin = _Origin()
    function = ctypes.CDLL(str(library)).ngSpice_Init
    if not ctypes.CDLL(None).dladdr(function, ctypes.byref(origin)) or origin.file is None:
        raise OSError(f"no file of {library} found")
    return Path(os.fsdecode(origin.file))
