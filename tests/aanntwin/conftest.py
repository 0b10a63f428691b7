"""The bundled digits as 28x28 images, settings for them, and commands in this process or in one of their own."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from aanntwin.config import ModelParams, Nonidealities, Settings

ROOT = Path(__file__).parents[2]
# Every nonideality at once.
ALL = Nonidealities(
    input_noise=0.1,
    relu_cutoff=0.05,
    relu_out_noise=0.1,
    linear_out_noise=0.2,
    conv2d_out_noise=0.1,
    linear_input_clip=0.6,
    conv2d_input_clip=0.8,
    linear_input_nonlin=(0.01, 1.0, 0.05, -0.02),
    conv2d_input_nonlin=(0.0, 0.9, 0.1),
)
DEEP = ModelParams(conv_out_channels=5, kernel_size=5, stride=1, padding=0, pool_size=2, additional_layers=(33, 17))


@pytest.fixture(autouse=True)
def one_thread():
    """Small tensors: a second thread of torch's would only wait."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def digits():
    return Settings(dataset_name="digits", threads=1)


@pytest.fixture
def all_nonidealities():
    return ALL


@pytest.fixture
def deep():
    """A network with pooling, an odd number of channels and of kernel elements, and two additional layers."""
    return DEEP


@pytest.fixture
def start(tmp_path):
    """Start a module of ours as a process in the temporary folder; what still runs at the end is killed."""
    running = []

    def run(*words, **environment):
        process = subprocess.Popen(
            [sys.executable, *map(str, words)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
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


class Ended:
    """What a command left: its exit code and what it printed."""

    def __init__(self, returncode, out, err):
        self.returncode, self.out, self.err = returncode, out, err


@pytest.fixture
def here(tmp_path, monkeypatch, capsys):
    """Run a module's main inside this process, in the temporary folder; checks the exit code."""

    def run(module, *words, code=0):
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("RUN_DIR", raising=False)
        try:
            found = importlib.import_module(module).main([str(word) for word in words])
        except SystemExit as stop:  # argparse's own way out
            found = stop.code
        done = Ended(found, *capsys.readouterr())
        assert done.returncode == code, done.err + done.out
        return done

    return run
