"""The oracle: one ngspice process a test session (libngspice is one global instance and not thread-safe)."""

import ctypes.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import stretched


@pytest.fixture(scope="session")
def ngspice():
    """A function from a netlist to node voltages in volts, by node name in lower case."""
    library = ctypes.util.find_library("ngspice")
    if library is None:
        pytest.skip("libngspice is not installed")
    pytest.importorskip("PySpice", reason="PySpice is not installed")
    worker = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("ngspice_oracle.py")), library],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )

    def solve(netlist):
        worker.stdin.write(json.dumps(netlist) + "\n")
        worker.stdin.flush()
        return json.loads(worker.stdout.readline())

    yield solve
    worker.stdin.close()
    worker.wait(timeout=stretched(10))
    worker.stdout.close()
