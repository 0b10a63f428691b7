"""Small networks, so that a solve takes a millisecond, and commands run as processes."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from analog_nmos.backends.ngspice_library import find_library
from analog_nmos.topology import dense, shipped
from common.errors import InputError

ROOT = Path(__file__).parents[2]


def _has_ngspice():
    try:
        find_library()
    except InputError:
        return False
    return True


NGSPICE = _has_ngspice()


@pytest.fixture
def needs_ngspice():
    if not NGSPICE:
        pytest.skip("libngspice is not installed; scripts/setup.sh does it")


@pytest.fixture
def sparse_digits(tmp_path):
    """A file with six edges an output of the digit network: 64 inputs, 10 outputs, 60 edges."""
    network = shipped()
    chosen = np.sort(np.random.default_rng(0).permutation(640).reshape(64, 10)[:6].ravel())
    path = tmp_path / "sparse.npz"
    network.keep(chosen).save(path)
    return path


@pytest.fixture
def tiny():
    """Three inputs, two outputs, six edges."""
    return dense(3, 2)


@pytest.fixture
def start(tmp_path):
    """Start a module of ours as a process in the temporary folder; what still runs at the end is killed."""
    running = []

    def run(module, *words, prefix=(), **environment):
        process = subprocess.Popen(
            [*prefix, sys.executable, "-m", module, *map(str, words)],
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


class Finished:
    """What a command left: its exit code and what it printed."""

    def __init__(self, returncode, out, err):
        self.returncode, self.out, self.err = returncode, out, err


@pytest.fixture
def here(tmp_path, monkeypatch, capsys):
    """As `command`, but inside this process: for the runs that others are compared with, without the start-up time."""

    def run(module, *words, code=0):
        monkeypatch.chdir(tmp_path)
        try:
            found = importlib.import_module(module).main([str(word) for word in words])
        except SystemExit as stop:  # argparse's own way out
            found = stop.code
        done = Finished(found, *capsys.readouterr())
        assert done.returncode == code, done.err + done.out
        return done

    return run


@pytest.fixture
def command(start):
    """Run a module of ours to its end; checks the exit code, and returns what it printed."""

    def run(module, *words, code=0, **options):
        process = start(module, *words, **options)
        out, err = process.communicate(timeout=300)
        assert process.returncode == code, err + out
        return Finished(code, out, err)

    return run
