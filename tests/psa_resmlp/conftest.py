"""Commands in this process or as processes, and small studies."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from psa_resmlp.architectures import parse
from psa_resmlp.tables import Study, Trial

ROOT = Path(__file__).parents[2]


class Finished:
    """What a command left: its exit code and what it printed."""

    def __init__(self, returncode, out, err):
        self.returncode, self.out, self.err = returncode, out, err


@pytest.fixture
def here(tmp_path, monkeypatch, capsys):
    """Run a module's main() inside this process, in the temporary folder; checks the exit code."""

    def run(module, *words, code=0):
        monkeypatch.chdir(tmp_path)
        try:
            found = importlib.import_module(f"psa_resmlp.{module}").main([str(word) for word in words])
        except SystemExit as stop:  # argparse's own way out
            found = stop.code
        done = Finished(found, *capsys.readouterr())
        assert done.returncode == code, done.err + done.out
        return done

    return run


@pytest.fixture
def command(tmp_path):
    """Run a module as a process in the temporary folder; checks the exit code."""

    def run(module, *words, code=0):
        done = subprocess.run(
            [sys.executable, "-m", f"psa_resmlp.{module}", *map(str, words)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == code, done.stderr + done.stdout
        return Finished(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def study_of():
    """A study from {name: {mode: accuracies}}; None stands for a missing trial."""

    def make(cells, family="resmlp"):
        study = Study(family)
        for name, modes in cells.items():
            study.cells.setdefault(parse(name), {})
            for mode, values in modes.items():
                for number, value in enumerate(values, 1):
                    if value is not None:
                        study.add(parse(name), mode, Trial(number, value))
        return study

    return make


@pytest.fixture
def start(tmp_path):
    """Start a module of ours as a process in the temporary folder; what still runs at the end is killed."""
    running = []

    def run(module, *words, **environment):
        process = subprocess.Popen(
            [sys.executable, "-m", module, *map(str, words)],
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
