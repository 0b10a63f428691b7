"""The native solver with numba's compiler off: the same sources as plain Python find the same voltages."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from analog_nmos.backends.base import Status
from analog_nmos.circuit import BODY_TIES

HERE = Path(__file__)


def test_plain_python_finds_the_voltages_of_compiled_kernels(tmp_path):
    found = []
    for plain in "01":
        environment = os.environ | {"NUMBA_DISABLE_JIT": plain, "PYTHONPATH": str(HERE.parents[4])}
        command = [sys.executable, str(HERE.with_name("a_few_solves.py")), str(tmp_path / f"{plain}.npz")]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        found.append(np.load(tmp_path / f"{plain}.npz"))
    compiled, plain = found
    assert (bool(compiled["plain"]), bool(plain["plain"])) == (False, True)
    cases = [f"{network} {tie}" for network in ("640 edges", "torus", "layers") for tie in BODY_TIES]
    for case in [*cases, "640 edges different", "torus different"]:
        assert (compiled[f"{case} status"] == int(Status.CONVERGED)).all()
        np.testing.assert_array_equal(plain[f"{case} status"], compiled[f"{case} status"])
        for name in ("node_V", "many_V"):
            assert np.ptp(compiled[f"{case} {name}"][0]) > 0.01
            np.testing.assert_allclose(plain[f"{case} {name}"], compiled[f"{case} {name}"], rtol=1e-12)
