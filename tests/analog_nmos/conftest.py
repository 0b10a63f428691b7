"""Small networks, so that a solve takes a millisecond, and commands run as processes."""

import os
import signal
import warnings

import numpy as np
import pytest

from analog_nmos.backends.ngspice_library import find_library
from analog_nmos.topology import dense, shipped
from common.errors import InputError
from common.runs import files as run_files
from common.runs import metrics as run_metrics
from common.runs import run as run_module


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


@pytest.fixture(scope="session")
def sparse_network():
    """Six edges an output of the digit network: 64 inputs, 10 outputs, 60 edges."""
    chosen = np.sort(np.random.default_rng(0).permutation(640).reshape(64, 10)[:6].ravel())
    return shipped().keep(chosen)


@pytest.fixture
def sparse_digits(sparse_network, tmp_path):
    """A file with that network."""
    path = tmp_path / "sparse.npz"
    sparse_network.save(path)
    return path


@pytest.fixture
def tiny():
    """Three inputs, two outputs, six edges."""
    return dense(3, 2)


@pytest.fixture
def killed():
    """Do some work in a copy of this process that kills itself just before, or after, it puts a file in place.

    `killed(work, name, count=1, after=False)`: the file by its name ("" for any), and which time it is written.
    Returns whether it came so far.
    """

    def run(work, name="", count=1, after=False):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the copy of a process with threads
            child = os.fork()
        if child:
            return os.waitpid(child, 0)[1] == signal.SIGKILL
        try:
            _kill_at(name, count, after)
            work()
        finally:
            os._exit(0)

    return run


def _kill_at(name, count, after):
    """Arm this process: os.replace and whole appended lines are how files get into place."""
    seen = 0

    def wrap(function, place):
        def wrapped(*words):
            nonlocal seen
            seen += os.path.basename(words[place]) == name or not name
            if seen == count and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            done = function(*words)
            if seen == count:
                os.kill(os.getpid(), signal.SIGKILL)
            return done

        return wrapped

    os.replace = wrap(os.replace, 1)
    for module in (run_files, run_metrics, run_module):
        module.append_line = wrap(run_files.append_line, 0)
