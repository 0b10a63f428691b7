"""libngspice in this process: load it through PySpice, load a circuit, alter and solve it.

This is the only module that imports PySpice (GPL-3). libngspice keeps all it knows in global variables and is not
thread-safe, so there is one `Ngspice` object for each loaded file, and one circuit in it at a time. `ngspice()` is the
object of the installed file; `analog_nmos.backends.ngspice_copies` loads copies of that file for further circuits.

How an operating point is solved. ngspice's `op` builds the matrix again each time (CKTunsetup, CKTsetup) and
orders its pivots again, which costs 10 to 50 times the Newton iterations. So a circuit is put on a two-level
`dc` sweep that changes nothing and never ends, and paused after its first point. `alter` works on a paused
circuit, and `step` runs the next point and pauses again:

    dc temp <t> <t + 0.5> 1 <rail> <V> <V> 1e-300

- A new point of the outer level starts Newton's method from zero, as `op` does; one of the inner level would
  start from the point before. So the inner level has one point, and the outer one has no end.
- Before each point the inner level sets the temperature and computes all devices anew, so that an altered
  resistor takes effect.
- `pivrel` says how large a pivot must be relative to its column. ngspice's 1e-3 refuses the body nodes' diagonals
  (gmin), which fills the matrix of floating bodies: 47,000 entries for 640 transistors instead of 14,000.
  With 1e-9 the structure alone decides, and so always in the same way: no voltage depends, in any bit, on
  what was solved before.

Voltages are those of `op` to 1e-13 V, often to the last bit: the iterations are the same, and their rounding
differs only with the order of the pivots.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import logging
import re
import warnings
import weakref
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from analog_nmos.backends.ngspice_file import HOW_TO_INSTALL, find_library
from common.errors import InputError, RunError

MAX_POINTS = 10_000  # of one sweep: ngspice keeps them all, 8 bytes a node and point
_COMPLAINT = re.compile("error|unrecognized|warning|undefined parameter", re.IGNORECASE)
_SPOILT = "Cannot compute substitute"  # the broken expression stays in ngspice, which later crashes
_LONGEST_COMMAND = 1000  # ngspice cuts at 1023 characters
_loaded: set[int | None] = set()  # addresses of ngSpice_Init in the files loaded so far
_uses = itertools.count(1)


class Ngspice:
    """A loaded library, with at most one circuit in it. Use `ngspice()` or `Copies` rather than making one.

    Args:
        library: a file that no other object has loaded.

    Attributes:
        library: the file, or a name that the linker knows.
        version: of ngspice.
        is_spoilt: whether it accepts no circuit any more.
        last_use: grows with each circuit loaded and each point solved, in this or any other `Ngspice`.

    Raises:
        InputError: the file is not libngspice, or is loaded already.
    """

    def __init__(self, library: Path) -> None:
        self.library = library
        self._shared, self._ffi = _load_pyspice(library)
        self._library = self._shared._ngspice_shared
        self.version = int(self._shared.ngspice_version)
        # Weak, so that a circuit whose owner is gone makes room. It is freed when the next one comes, not at once:
        # Python may collect garbage at any time, in the midst of a command of ngspice too.
        self._circuit: weakref.ref[Circuit] | None = None
        self._is_empty, self.is_spoilt, self.last_use = True, False, 0

    def load(self, netlist: str, nodes: Iterable[int], *, temp_C: float, rail: str, rail_V: float) -> Circuit:
        """Replace the loaded circuit, if any, and solve the new one as its netlist has it.

        Args:
            netlist: text that ends in .end.
            nodes: numbers of the nodes whose voltages `Circuit.operating_point` returns, in that order.
            temp_C: temperature of the circuit.
            rail, rail_V: name and voltage of a source that is never altered.

        Raises:
            RunError: ngspice does not accept the netlist; the message holds its first complaint.
        """
        self.read(netlist)
        names = [f"v({int(node)})" for node in nodes]
        circuit = Circuit(self, names)
        self._circuit = weakref.ref(circuit)
        self.command("option pivrel=1e-9")
        for batch in _batches(names, " "):
            self.command(f"save {batch}")
        self.command("stop after 1")
        self.command(f"dc temp {temp_C!r} {temp_C + 0.5!r} 1 {rail} {rail_V!r} {rail_V!r} 1e-300")
        circuit.started()
        return circuit

    def read(self, netlist: str) -> None:
        """Replace the loaded circuit, if any, without solving the new one.

        Raises:
            RunError: as `load`.
        """
        if self.is_spoilt:
            raise RunError("ngspice has given up on earlier circuits of this process; start a new process")
        self.unload()
        # ngspice keeps pointers into the lines while it reads them: they must outlive the call.
        lines = [self._ffi.new("char[]", line.encode()) for line in netlist.rstrip("\n").split("\n")]
        failed = self._library.ngSpice_Circ(self._ffi.new("char*[]", [*lines, self._ffi.NULL]))
        self._is_empty = False  # even if it failed: ngspice keeps what it could read
        printed = self.drain()
        self.is_spoilt = any(_SPOILT in line for line in printed)
        bad = next((i for i, line in enumerate(printed) if _COMPLAINT.search(line)), None)
        if failed or bad is not None:
            self.unload()
            # A complaint has up to three lines: what, the line of the netlist, why.
            reason = "no reason given" if bad is None else " ".join(printed[bad : bad + 3])
            raise RunError(f"ngspice does not accept the circuit: {' '.join(reason.split())}")

    def unload(self) -> None:
        """Free the loaded circuit, if any, and its results."""
        self._circuit = None
        if not self._is_empty:
            self._is_empty = True
            self.command("destroy all")
            self.command("remcirc")  # its breakpoints and saves go with it
        self.drain()

    def is_loaded(self, circuit: Circuit) -> bool:
        """Whether it is here, and no other circuit has taken its place."""
        return self._circuit is not None and self._circuit() is circuit

    @property
    def has_room(self) -> bool:
        """Whether a circuit can be loaded without taking the place of one that somebody still holds."""
        return not self.is_spoilt and (self._circuit is None or self._circuit() is None)

    def used(self) -> None:
        """Take note of a use (see `last_use`)."""
        self.last_use = next(_uses)

    def command(self, text: str) -> None:
        """One ngspice command, at most 1000 characters; what it prints is kept for `drain`."""
        self._library.ngSpice_Command(text.encode())

    def last_value(self, vector: Any, points: int) -> float | None:
        """The last value of a vector of the current plot; None unless it has just that many points."""
        info = self._library.ngGet_Vec_Info(vector)
        if info == self._ffi.NULL or info.v_length != points:
            return None
        return float(info.v_realdata[points - 1])

    def vector(self, name: str) -> Any:
        """A vector's name in the form that `last_value` takes."""
        return self._ffi.new("char[]", name.encode())

    def forget(self) -> None:
        """Free the commands, of which ngspice keeps copies, and its output."""
        self._library.ngSpice_Command(self._ffi.NULL)
        self._shared.clear_output()

    def complaint(self) -> str | None:
        """The first line on stderr since the last `drain` or `forget`."""
        return next(iter(self._shared.stderr.splitlines()), None)

    def drain(self) -> list[str]:
        """What ngspice printed since the last call, stdout before stderr."""
        lines = [*self._shared.stdout.splitlines(), *self._shared.stderr.splitlines()]
        self.forget()
        return lines


class Circuit:
    """A circuit that `Ngspice.load` has loaded, paused between two operating points."""

    def __init__(self, spice: Ngspice, names: Sequence[str]) -> None:
        self._spice = spice
        self._vectors = [spice.vector(name) for name in names]
        self._points = 0  # solved so far; 0 if the sweep has ended in a failure

    @property
    def is_ready(self) -> bool:
        """Whether it can solve another point. One that failed, was replaced or is full has to be loaded again."""
        return self._spice.is_loaded(self) and 0 < self._points < MAX_POINTS

    def started(self) -> None:
        """Take note of the sweep's first point (for `Ngspice.load`)."""
        self._read()
        self._spice.forget()

    def alter(self, names: Iterable[str], values: Iterable[float]) -> None:
        """Set sources (volts) and resistors (ohms).

        Raises:
            RunError: ngspice complains; the message holds its first line.
        """
        commands = (f"alter {name}={value!r}" for name, value in zip(names, values, strict=True))
        for batch in _batches(commands, ";"):
            self._spice.command(batch)
        complaint = self._spice.complaint()
        if complaint is not None:
            self._spice.drain()
            raise RunError(f"ngspice does not alter the circuit: {complaint}")

    def operating_point(self) -> list[float] | None:
        """Solve from zero: the voltages of the chosen nodes, or None (and `is_ready` turns False)."""
        if not self.is_ready:
            return None
        self._spice.command("step")
        values = self._read()
        self._spice.forget()
        return values

    def _read(self) -> list[float] | None:
        """The point just solved. A failed one adds no value; an older value is not returned instead."""
        self._spice.used()
        values = [self._spice.last_value(vector, self._points + 1) for vector in self._vectors]
        self._points = 0 if None in values else self._points + 1
        return [value for value in values if value is not None] if self._points else None


def _batches(words: Iterable[str], separator: str) -> Iterator[str]:
    """Words joined to lines that a command may have: a line costs ngspice less than its words one by one."""
    batch: list[str] = []
    length = 0
    for word in words:
        if batch and length + len(word) > _LONGEST_COMMAND:
            yield separator.join(batch)
            batch, length = [], 0
        batch.append(word)
        length += len(word) + len(separator)
    if batch:
        yield separator.join(batch)


@functools.cache
def ngspice() -> Ngspice:
    """The installed library of this process.

    Raises:
        InputError: no libngspice; one line that says how to install it.
    """
    return Ngspice(find_library())


def _load_pyspice(library: Path) -> tuple[Any, Any]:
    """PySpice's object around the library, and its cffi."""
    address = _address(library)
    # PySpice 1.5 has invalid escape sequences in its strings, which a newer Python warns of at import.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from PySpice.Spice.NgSpice import Shared

    # PySpice warns of an ngspice newer than 34, whose C interface is the same, and logs what `drain` returns.
    logging.getLogger("PySpice.Spice.NgSpice.Shared").setLevel(logging.CRITICAL)

    def load_copy(shared: Any, verbose: bool) -> None:
        """Instead of PySpice's own, which declares the C types again and is refused."""
        shared._ngspice_shared = Shared.ffi.dlopen(str(library))

    # A subclass, since PySpice keeps the path in the class; it formats it, so braces must be doubled.
    members: dict[str, Any] = {"LIBRARY_PATH": str(library).replace("{", "{{").replace("}", "}}")}
    if _loaded:
        members["_load_library"] = load_copy
    shared = type("NgSpiceShared", (Shared.NgSpiceShared,), members)()
    _loaded.add(address)
    return shared, Shared.ffi


def _address(library: Path) -> int | None:
    """Where the library lies. InputError for a file that is not libngspice, before PySpice, which cannot retry."""
    try:
        loaded = ctypes.CDLL(str(library))
    except OSError as problem:
        raise InputError(f"{library} cannot be loaded ({problem}); {HOW_TO_INSTALL}") from None
    if not hasattr(loaded, "ngSpice_Init"):
        raise InputError(f"{library} is not an ngspice library; {HOW_TO_INSTALL}")
    address = ctypes.cast(loaded.ngSpice_Init, ctypes.c_void_p).value
    if address in _loaded:  # two objects around the same variables would take each other's circuits for their own
        raise InputError(f"{library} is loaded already")
    return address
