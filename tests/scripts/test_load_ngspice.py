"""scripts/load_ngspice.py: the order in which it loads what a library needs, and its errors."""

import ctypes
import importlib.util
import subprocess
import sys
from ctypes.util import find_library
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "load_ngspice.py"


@pytest.fixture
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("load_ngspice", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class FakeLoader:
    """Stands in for ctypes.CDLL: a library loads once those it needs are loaded."""

    def __init__(self, needs: dict[str, list[str]]) -> None:
        self.needs = needs
        self.loaded: list[str] = []

    def __call__(self, path: str, mode: int) -> object:
        assert mode == ctypes.RTLD_GLOBAL
        name = Path(path).name
        for needed in self.needs.get(name, []):
            if needed not in self.loaded:
                raise OSError(f"{needed}: cannot open shared object file: No such file or directory")
        self.loaded.append(name)
        return object()


NEEDS = {"libngspice.so.0": ["libm.so.6", "libfftw3.so.3", "libgomp.so.1"], "libfftw3.so.3": ["libgomp.so.1"]}


def test_needed_libraries_come_first_and_once(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loader = FakeLoader(NEEDS)
    loader.loaded.append("libm.so.6")  # the system's, not in the folder
    monkeypatch.setattr(ctypes, "CDLL", loader)
    (tmp_path / "lib").mkdir()
    for name in ["libngspice.so.0", "libfftw3.so.3", "libgomp.so.1"]:
        (tmp_path / "lib" / name).touch()
    loaded_first: list[Path] = []
    script.load(tmp_path / "lib" / "libngspice.so.0", tmp_path, loaded_first)
    assert [path.name for path in loaded_first] == ["libgomp.so.1", "libfftw3.so.3"]


def test_a_need_that_is_nowhere_is_an_error(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", FakeLoader(NEEDS))
    assert script.main([str(tmp_path / "libngspice.so.0"), "--folder", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("error: libm.so.6: cannot open")


def run(library: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPT, library], capture_output=True, text=True, check=False)


def test_the_systems_ngspice_loads_with_nothing_before_it() -> None:
    library = find_library("ngspice")
    if not library:
        pytest.skip("no libngspice on this system: bash scripts/setup.sh installs it")
    result = run(library)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_a_missing_file_and_another_library_are_errors() -> None:
    assert run("/nowhere/libngspice.so").stderr.startswith("error: /nowhere/libngspice.so")
    result = run(find_library("c") or "libc.so.6")
    assert result.returncode == 1
    assert result.stderr.endswith("is not an ngspice library\n")
