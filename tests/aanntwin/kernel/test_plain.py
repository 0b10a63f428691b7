"""The same training without a compiler (NUMBA_DISABLE_JIT=1), and compiled for a processor with fewer registers."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba.core import codegen

from aanntwin.kernel.layout import MANY_REGISTERS

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The numbers of small_training.py, run with additional environment variables."""

    def train(**variables):
        out = tmp_path_factory.mktemp("training") / "found.npz"
        environment = os.environ | {"PYTHONPATH": str(HERE.parents[2])} | variables
        command = [sys.executable, str(HERE / "small_training.py"), str(out)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "Warning" not in done.stderr
        return dict(np.load(out))

    return train


@pytest.fixture(scope="module")
def compiled(trained):
    """As on this machine."""
    return trained(NUMBA_DISABLE_JIT="0")


def test_plain_python_gives_the_compiled_numbers_within_rounding(trained, compiled):
    plain = trained(NUMBA_DISABLE_JIT="1")
    assert list(plain) == list(compiled)
    for name, value in compiled.items():
        moved = value - compiled[name.replace("weights", "start")] if "weights" in name else value
        if "velocity" not in name:
            assert np.abs(moved).max() > 1e-3, f"{name} did not move"
        assert np.abs(plain[name] - value).max() <= 2e-5 * np.abs(moved).max(), name


@pytest.mark.slow
@pytest.mark.skipif(not MANY_REGISTERS, reason="this processor has no AVX-512, and the other way is tested anyway")
def test_the_number_of_registers_changes_no_bit(trained, compiled):
    features = codegen.get_host_cpu_features().replace("+avx512", "-avx512")
    few = trained(NUMBA_DISABLE_JIT="0", NUMBA_CPU_FEATURES=features)
    for name, value in compiled.items():
        np.testing.assert_array_equal(few[name], value, err_msg=name)
