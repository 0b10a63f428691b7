"""Time of the native solver on the 640-edge network, beside what the processor could do and beside ngspice.

python -m benchmarks.native_solve            a minute; --ngspice-points 0 leaves ngspice out
"""

from __future__ import annotations

import argparse
import ctypes.util
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, ClassVar
from unittest import mock

import numba
import numpy as np

from analog_nmos.backends.native import NativeBackend
from analog_nmos.backends.native.transistor import device, edge
from analog_nmos.backends.native.transistor.parameters import device_parameters
from analog_nmos.cards.model_card import default_card_path, read_model_card
from analog_nmos.circuit import BODY_TIES, CircuitOptions
from analog_nmos.circuit.netlist import Sources, write_netlist
from analog_nmos.topology import shipped
from common.kernels import mathematics, vectors

CARD = read_model_card(default_card_path())
TOPOLOGY = shipped()


def best_us(function: Callable[[], Any], repeats: int) -> float:
    """Shortest of many runs in microseconds: the rest is other people's work on the same cores."""
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return 1e6 * min(times)


class Counted:
    """A number that counts what is done to it."""

    counts: ClassVar[Counter[str]] = Counter()

    def _count(self, other: Any, name: str) -> Counted:
        Counted.counts[name] += isinstance(other, Counted | float)
        return Counted()

    def __add__(self, other: Any) -> Counted:
        return self._count(other, "add")

    def __mul__(self, other: Any) -> Counted:
        return self._count(other, "multiply")

    def __truediv__(self, other: Any) -> Counted:
        return self._count(other, "divide")

    def __lt__(self, other: Any) -> Counted:
        return self._count(other, "compare")

    __radd__ = __sub__ = __rsub__ = __add__
    __rmul__, __rtruediv__, __gt__ = __mul__, __truediv__, __lt__


def operations() -> Counter[str]:
    """Vector operations of one pass over eight edges, counted by running the equations on `Counted` numbers."""

    def counted(name: str) -> Callable[..., Counted]:
        return lambda *args: Counted()._count(1.0, name)

    plain = {"minimum": "min/max", "maximum": "min/max", "select": "select", "absolute": "select", "sqrt": "root"}
    names = {name: counted(kind) for name, kind in plain.items()}
    names |= {"exp": lambda x: mathematics.exp.py_func(x), "any_of": lambda mask: True}
    names |= {"power_of_two": counted("select")}
    for function in (device.threshold, device.drain_current, device.junction):
        names[function.__name__] = function.py_func
    Counted.counts = Counter()
    parameters = device_parameters(CARD, CircuitOptions(body_tie="floating"))
    patches = [
        mock.patch.object(module, name, replacement)
        for module in (device, edge, mathematics)
        for name, replacement in names.items()
        if hasattr(module, name) and not (module is mathematics and name == "exp")
    ]
    for patch in patches:
        patch.start()
    try:
        edge.newton_step.py_func(*(Counted() for _ in range(6)), parameters)
    finally:
        for patch in patches:
            patch.stop()
    # What only hidden nodes need (the reply to the drain's end: 6 products) is dropped by the compiler; moving the
    # internal nodes (3), summing and the convergence test (3) come on top.
    return Counted.counts


@numba.njit
def _multiply_adds(x, y, n):  # type: ignore[no-untyped-def]
    a, b, c, d = vectors.load(x, 0), vectors.load(x, 8), vectors.load(x, 16), vectors.load(x, 24)
    e, f, g, h = vectors.load(x, 32), vectors.load(x, 40), vectors.load(x, 48), vectors.load(x, 56)
    k = vectors.load(y, 0)
    for _ in range(n):
        a, b, c, d = a * k + k, b * k + k, c * k + k, d * k + k
        e, f, g, h = e * k + k, f * k + k, g * k + k, h * k + k
    vectors.store(x, 0, ((a + b) + (c + d)) + ((e + f) + (g + h)))


@numba.njit
def _divisions(x, y, n):  # type: ignore[no-untyped-def]
    a, b, c, d = vectors.load(x, 0), vectors.load(x, 8), vectors.load(x, 16), vectors.load(x, 24)
    k = vectors.load(y, 0)
    for _ in range(n):
        a, b, c, d = k / a, k / b, k / c, k / d
    vectors.store(x, 0, (a + b) + (c + d))


@numba.njit
def _roots(x, y, n):  # type: ignore[no-untyped-def]
    a, b, c, d = vectors.load(x, 0), vectors.load(x, 8), vectors.load(x, 16), vectors.load(x, 24)
    for _ in range(n):
        a, b, c, d = vectors.sqrt(a), vectors.sqrt(b), vectors.sqrt(c), vectors.sqrt(d)
    vectors.store(x, 0, (a + b) + (c + d))


def throughput_ns() -> dict[str, float]:
    """Nanoseconds of one multiply-add, division and root of eight doubles on this processor."""
    found = {}
    for name, function, at_once in (("multiply", _multiply_adds, 8), ("divide", _divisions, 4), ("root", _roots, 4)):
        x, y = np.full(64, 1.1), np.full(8, 0.5)
        found[name] = best_us(lambda f=function, x=x, y=y: f(x, y, 2000), 50) * 1e3 / (2000 * at_once)  # type: ignore[misc]
    return found


def print_floor() -> float:
    """Print the floor of a pass over eight edges and return it in nanoseconds."""
    counts, speed = operations(), throughput_ns()
    print("operations of a pass over 8 edges: " + ", ".join(f"{n} {name}" for name, n in sorted(counts.items())))
    print("processor, 8 doubles at once: " + ", ".join(f"{name} {ns:.2f} ns" for name, ns in speed.items()))
    arithmetic = counts["multiply"] * speed["multiply"]
    divider = counts["divide"] * speed["divide"] + counts["root"] * speed["root"]
    print(f"floor of a pass: multiply-adds {arithmetic:.0f} ns beside divisions and roots {divider:.0f} ns")
    return max(arithmetic, divider)


def samples(n: int) -> Any:
    """Digits scaled to 0..1 V, shape (n, 64)."""
    from sklearn.datasets import load_digits

    return np.resize(load_digits().images.reshape(-1, 64) / 16.0, (n, 64))


def native_us(tie: str, gate_V: float, n: int) -> dict[str, float]:
    """Microseconds of each kind of solve and Newton passes of a free one."""
    backend, inputs, on = NativeBackend([TOPOLOGY], CARD, CircuitOptions(body_tie=tie)), samples(n), np.array([True])
    backend.set_gates(np.full((1, TOPOLOGY.n_edges), gate_V))
    rows = [inputs[i : i + 1] for i in range(n)]
    free_V = backend.solve_free(rows[0], on).node_V[:, TOPOLOGY.out_nodes]
    clamped = np.zeros((1, 10), bool)
    clamped[0, [3, 5]] = True
    target_V = free_V + np.where(clamped, 0.025, 0.0)
    start = backend.passes
    batch = inputs[:360]
    many = best_us(lambda: backend.solve_many(0, batch), 20) / len(batch)
    passes = (backend.passes - start) / (21 * len(batch) * 10)
    order = iter(rows * 21)

    def epoch() -> None:
        for _ in range(n):
            backend.solve_free(next(order), on)

    free = best_us(epoch, 20) / n
    backend.solve_free(rows[0], on)
    clamp = best_us(lambda: backend.solve_clamped(rows[0], target_V, clamped, on), 2000)
    return {"free": free, "clamped": clamp, "many": many, "passes": passes}


def ngspice_us(tie: str, gate_V: float, points: int) -> float:
    """Microseconds of an operating point in ngspice the published way: default tolerances, cold, outputs printed."""
    from PySpice.Spice.NgSpice.Shared import NgSpiceShared

    NgSpiceShared.LIBRARY_PATH = ctypes.util.find_library("ngspice")
    ngspice = NgSpiceShared.new_instance()
    sources = Sources(samples(1)[0], np.full(TOPOLOGY.n_edges, gate_V), np.zeros(10))
    ngspice.load_circuit(write_netlist(TOPOLOGY, CARD, CircuitOptions(body_tie=tie), sources))
    outputs = " ".join(f"v({node})" for node in TOPOLOGY.out_nodes)

    def solve() -> None:
        ngspice.exec_command("op")
        ngspice.exec_command(f"print {outputs}")
        ngspice.exec_command("destroy all")

    time_us = best_us(solve, points)
    ngspice.exec_command("remcirc")
    return time_us


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--gate", type=float, default=4.0, help="gate voltage of all edges (V)")
    parser.add_argument("--samples", type=int, default=400, help="digits a timing runs over")
    parser.add_argument("--ngspice-points", type=int, default=10, help="operating points of ngspice (0: none)")
    arguments = parser.parse_args(argv)
    floor_ns = print_floor()
    blocks = TOPOLOGY.n_edges // vectors.WIDTH
    print(f"\n{TOPOLOGY.n_edges} edges, gates at {arguments.gate:g} V, microseconds a solve, Python call included")
    print("body      free  clamped 2    many  passes  floor  ngspice  ratio")
    for tie in reversed(BODY_TIES):
        found = native_us(tie, arguments.gate, arguments.samples)
        floor_us = found["passes"] * blocks * floor_ns / 1e3
        line = f"{tie:9s}{found['free']:5.1f}{found['clamped']:11.1f}{found['many']:8.1f}"
        line += f"{found['passes']:8.2f}{floor_us:7.1f}"
        if arguments.ngspice_points and ctypes.util.find_library("ngspice"):
            theirs = ngspice_us(tie, arguments.gate, arguments.ngspice_points)
            line += f"{theirs:9.0f}{theirs / found['free']:7.0f}"
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
