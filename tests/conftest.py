"""What tests of every suite use: commands as processes and in this process, and the real images where they are."""

import importlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from waiting import finish, stretched

ROOT = Path(__file__).parents[1]
os.environ["COLUMNS"] = "100"  # help and tables are as wide in pytest-xdist's processes as elsewhere


@dataclass(frozen=True)
class Finished:
    """What a command left: its exit code and what it printed."""

    returncode: int
    out: str
    err: str


@pytest.fixture
def python(tmp_path):
    """Start Python with these words in the temporary folder; what still runs at the end is killed."""
    running = []

    def run(*words, prefix=(), **environment):
        process = subprocess.Popen(
            [*prefix, sys.executable, *map(str, words)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), **{name: str(value) for name, value in environment.items()}},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield run
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def start(python):
    """Start a module of ours as a process; see `python`."""
    return lambda module, *words, **options: python("-m", module, *words, **options)


@pytest.fixture
def command(start):
    """Run a module of ours to its end; checks the exit code, and returns what it printed."""

    def run(module, *words, code=0, **options):
        return Finished(code, *finish(start(module, *words, **options), code))

    return run


@pytest.fixture
def here(tmp_path, monkeypatch, capsys):
    """As `command`, but inside this process: for the runs that others are compared with, without the start-up time."""

    def run(module, *words, code=0):
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("RUN_DIR", raising=False)
        try:
            found = importlib.import_module(module).main([str(word) for word in words])
        except SystemExit as stop:  # argparse's own way out
            found = stop.code
        done = Finished(found, *capsys.readouterr())
        assert done.returncode == code, done.err + done.out
        return done

    return run


@pytest.fixture
def foreign_settings(monkeypatch):
    """matplotlib as a user's matplotlibrc may have set it up: for text it wants LaTeX and a font that is not there."""
    import matplotlib

    monkeypatch.setitem(matplotlib.rcParams, "text.usetex", True)
    monkeypatch.setitem(matplotlib.rcParams, "font.family", ["No Such Font"])


@pytest.fixture
def mnist_root():
    """The folder with the real files: $NONIDEAL_DATA, else ../shared/data beside the repository."""
    root = Path(os.environ.get("NONIDEAL_DATA") or ROOT.parent / "shared" / "data")
    if not (root / "MNIST" / "raw").is_dir():
        pytest.skip(f"no MNIST in {root} (set NONIDEAL_DATA)")
    return root


@dataclass(frozen=True)
class Notebook:
    """What a notebook showed: its printed text, and how many images."""

    text: str
    images: int


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    """Run a notebook in the temporary folder; it must be kept without outputs and run without errors."""

    def run(path):
        nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
        monkeypatch.setenv("PYTHONPATH", str(ROOT))
        for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR"):
            (tmp_path / "jupyter").mkdir(exist_ok=True)
            monkeypatch.setenv(name, str(tmp_path / "jupyter" / name.lower()))
        content = nbformat.read(path, as_version=4)
        nbformat.validate(content)
        code = [cell for cell in content.cells if cell.cell_type == "code"]
        assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
        resources = {"metadata": {"path": str(tmp_path)}}
        nbclient.NotebookClient(
            content, kernel_name="python3", timeout=int(stretched(180)), resources=resources
        ).execute()
        outputs = [output for cell in code for output in cell.outputs]
        assert not [output for output in outputs if output.output_type == "error"]
        printed = [out.text for out in outputs if out.output_type == "stream" and out.name == "stdout"]
        return Notebook("".join(printed), sum("image/png" in output.get("data", {}) for output in outputs))

    return run
