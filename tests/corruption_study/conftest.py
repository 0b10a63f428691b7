import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SMALL = "--dataset digits --activations relu --repeats 2 --epochs 2 --ps 0 0.5 --hidden-sizes 32".split()


class Finished:
    """What a command left: its exit code and what it printed."""

    def __init__(self, returncode, out, err):
        self.returncode, self.out, self.err = returncode, out, err


@pytest.fixture
def small():
    """Options of a campaign of four runs that take a fraction of a second each."""
    return list(SMALL)


@pytest.fixture
def here(tmp_path, monkeypatch, capsys):
    """Call the main of a module of ours in this process, in the temporary folder."""

    def run(module, *words, code=0):
        monkeypatch.chdir(tmp_path)
        try:
            found = importlib.import_module(module).main([str(word) for word in words])
        except SystemExit as stop:
            found = stop.code
        done = Finished(found, *capsys.readouterr())
        assert done.returncode == code, done.err + done.out
        return done

    return run


@pytest.fixture
def start(tmp_path):
    """Start a module of ours as a process in the temporary folder; what still runs at the end is killed."""
    running = []

    def run(module, *words):
        process = subprocess.Popen(
            [sys.executable, "-m", module, *map(str, words)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
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
def mnist_root():
    root = os.environ.get("NONIDEAL_DATA")
    if not root or not (Path(root) / "MNIST").is_dir():
        pytest.skip("MNIST is not below $NONIDEAL_DATA")
    return root
