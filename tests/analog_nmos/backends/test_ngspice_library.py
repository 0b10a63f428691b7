"""libngspice: found, loaded and refused in one line; circuits and commands it does not accept."""

from __future__ import annotations

import ctypes.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import stretched

from analog_nmos.backends import ngspice_file
from analog_nmos.backends.ngspice_file import find_library
from analog_nmos.backends.ngspice_library import Circuit, Ngspice
from analog_nmos.cards.model_card import default_card_path
from common.errors import InputError, RunError

ROOT = Path(__file__).parents[3]
DIVIDER = "divider\nv1 1 0 dc 1\nr1 1 2 1k\nr2 2 0 1k\n.op\n.end\n"
LOAD = """
from analog_nmos.backends.ngspice_library import ngspice
from common.errors import InputError
try:
    print(ngspice().version)
except InputError as problem:
    print("InputError:", problem)
"""


def load_divider(spice: Ngspice) -> Circuit:
    return spice.load(DIVIDER, [1, 2], temp_C=27.0, rail="v1", rail_V=1.0)


def run_python(program: str, *options: str, **environment: str) -> list[str]:
    """What a fresh process printed, line by line; its stderr must be empty."""
    done = subprocess.run(
        [sys.executable, *options, "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=stretched(60),
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_missing_file_is_said_in_one_line() -> None:
    (line,) = run_python(LOAD, NGSPICE_LIBRARY_PATH="/nowhere/libngspice.so")
    assert line.startswith("InputError: NGSPICE_LIBRARY_PATH=/nowhere/libngspice.so: no such file; install libngspice")


def test_missing_library_is_said_with_how_to_install(monkeypatch, tmp_path) -> None:
    monkeypatch.delenv("NGSPICE_LIBRARY_PATH", raising=False)
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: None)
    monkeypatch.setattr(ngspice_file, "_PRIVATE", tmp_path)
    monkeypatch.setattr(ngspice_file, "_PREFIXES", (str(tmp_path),))
    with pytest.raises(InputError, match=r"^libngspice not found; install libngspice \(Debian/Ubuntu: apt-get"):
        find_library()


def test_private_library_comes_before_the_system(monkeypatch, tmp_path) -> None:
    monkeypatch.delenv("NGSPICE_LIBRARY_PATH", raising=False)
    monkeypatch.setattr(ngspice_file, "_PRIVATE", tmp_path)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "libngspice.so.0").touch()
    assert find_library() == tmp_path / "lib" / "libngspice.so.0"


def test_private_library_whose_helper_does_not_load(tmp_path) -> None:
    (tmp_path / "libngspice.so.0").touch()
    (tmp_path / "preload.txt").write_text("lib with a space.so\n")
    program = "import pathlib\nfrom analog_nmos.backends import ngspice_file\n"
    program += f"ngspice_file._PRIVATE = pathlib.Path({str(tmp_path)!r})\n"
    (line,) = run_python(program + LOAD, NGSPICE_LIBRARY_PATH="")
    assert line.startswith(f"InputError: libngspice cannot be loaded ({tmp_path}/lib with a space.so")


@pytest.mark.parametrize("content", ["text", "a library that is not ngspice"])
def test_file_that_is_no_ngspice(tmp_path, content) -> None:
    path = tmp_path / "libngspice.so"
    if content == "text":
        path.write_text("not a library")
    else:
        cffi = pytest.importorskip("_cffi_backend")
        path.write_bytes(Path(cffi.__file__).read_bytes())
    (line,) = run_python(LOAD, NGSPICE_LIBRARY_PATH=str(path))
    assert line.startswith(f"InputError: {path} ")
    assert "install libngspice" in line


def test_second_attempt_after_a_bad_file(spice: Ngspice, tmp_path) -> None:
    bad = tmp_path / "libngspice.so"
    bad.touch()
    program = (
        LOAD + f"import os\nos.environ['NGSPICE_LIBRARY_PATH'] = {str(find_library())!r}\nprint(ngspice().version)"
    )
    first, second = run_python(program, NGSPICE_LIBRARY_PATH=str(bad))
    assert first.startswith("InputError")
    assert int(second) == spice.version


def test_path_with_braces(spice: Ngspice, tmp_path) -> None:
    folder = tmp_path / "a {0} {b"
    folder.mkdir()
    link = folder / "libngspice.so"
    link.symlink_to(find_library().resolve())
    assert run_python(LOAD, NGSPICE_LIBRARY_PATH=str(link)) == [str(spice.version)]


def test_no_warning_at_import(spice: Ngspice) -> None:
    assert run_python(LOAD, "-W", "error") == [str(spice.version)]


def test_pyspice_class_is_left_as_it_was(spice: Ngspice) -> None:
    look = "from PySpice.Spice.NgSpice.Shared import NgSpiceShared as shared\nprint(shared.LIBRARY_PATH)\n"
    before, _, after = run_python(look + LOAD + look, "-W", "ignore", NGSPICE_LIBRARY_PATH=str(find_library()))
    assert before == after


def test_card_is_read_without_a_warning(spice: Ngspice) -> None:
    card = default_card_path().read_text()
    spice.read(f"card\n{card}\nv1 1 0 dc 1\nx1 1 1 0 0 NMOSWRAP\n.op\n.end\n")


@pytest.mark.parametrize(
    ("netlist", "complaint"),
    [
        ("t\nv1 1 0 1\nx1 1 0 nosuch\n.op\n.end\n", "Error: unknown subckt: x1 1 0 nosuch"),
        ("t\nv1 1 0 1\nm1 1 1 0 0 nosuch l=1u w=1u\n.op\n.end\n", "m1 1 1 0 0 nosuch"),
        ("t\nv1 1 0 dc abc\nr1 1 0 1k\n.op\n.end\n", r"v1 1 0 dc abc unknown parameter \(abc\)"),
        ("t\nv1 1 0 1\nm1 1 1 0 0 n\n.model n nmos (level=1 theta=0.3)\n.op\n.end\n", r"parameter \(theta\)"),
        ("t\nv1 1 0 1\n.subckt a 1 2\nr1 1 2 1\nx1 1 0 a\n.op\n.end\n", "Mismatch of .subckt ... .ends"),
    ],
)
def test_refused_netlist(spice: Ngspice, netlist, complaint) -> None:
    with pytest.raises(RunError, match=f"^ngspice does not accept the circuit: .*{complaint}"):
        spice.read(netlist)
    assert load_divider(spice).operating_point() == pytest.approx([1.0, 0.5])


@pytest.mark.parametrize(("name", "value"), [("r9", 1.0), ("r2", float("nan"))])
def test_alter_is_not_silent(spice: Ngspice, name, value) -> None:
    circuit = load_divider(spice)
    with pytest.raises(RunError, match=r"^ngspice does not alter the circuit: Error: no such"):
        circuit.alter([name], [value])
    circuit.alter(["r2"], [3e3])
    assert circuit.operating_point() == pytest.approx([1.0, 0.75])


def test_many_alters_and_nodes_fit_into_commands(spice: Ngspice) -> None:
    count = 400
    resistors = "".join(f"r{n} {n} 0 1k\nv{n} {n} 0 dc 0\n" for n in range(1, count))
    nodes = range(1, count)
    circuit = spice.load(f"many\nvr r 0 dc 1\n{resistors}.op\n.end\n", nodes, temp_C=27.0, rail="vr", rail_V=1.0)
    values = [1 / (3 * n) for n in nodes]
    circuit.alter([f"v{n}" for n in nodes], values)
    assert circuit.operating_point() == pytest.approx(values, rel=1e-15)


def test_circuit_without_its_rail_has_no_operating_point(spice: Ngspice) -> None:
    circuit = spice.load("t\nr1 1 0 1k\n.op\n.end\n", [1], temp_C=27.0, rail="v1", rail_V=1.0)
    assert not circuit.is_ready
    assert circuit.operating_point() is None


def test_replaced_circuit_has_no_operating_point(spice: Ngspice) -> None:
    circuit = load_divider(spice)
    load_divider(spice)
    assert not circuit.is_ready
    assert circuit.operating_point() is None
