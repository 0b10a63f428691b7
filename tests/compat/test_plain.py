"""NUMBA_DISABLE_JIT=1: trainings of the suites run as plain Python, without a warning, to the numbers kept for them.

What a compiler rounds once (a fused multiply-add) plain Python rounds twice, and the C library's exp and log of floats
are Python's of doubles there; so numbers agree to rounding, which training makes somewhat larger.
"""

import json
from pathlib import Path

import digest
import golden
import pytest
from waiting import finish

EXPECTED, SAME_MACHINE = digest.read(golden.FILE)
TOLERANCE = {
    "nmos hinge": 1e-9,
    "nmos cross entropy": 1e-9,
    "nmos prototype": 1e-9,
    "devices double-exponential": 1e-6,
    "psa dropout": 1e-6,
    "pixels, mlp gaussian": 1e-5,
    "pixels, cnn": 1e-5,
    "twin": 1e-5,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TOLERANCE)
def test_a_training_runs_without_the_compiler_to_the_same_numbers(python, tmp_path, monkeypatch, name):
    monkeypatch.delenv("RUN_DIR", raising=False)
    script = Path(__file__).with_name("one_run.py")
    finish(python("-W", "error", script, name, "digest.json", NUMBA_DISABLE_JIT=1), code=0)
    found = json.loads((tmp_path / "digest.json").read_text())
    assert found["plain"]
    assert found["digest"]["metrics"]
    tolerance = TOLERANCE[name] if SAME_MACHINE or name.startswith("nmos") else 1e-2
    assert digest.differences(found["digest"], EXPECTED[name], exact=False, tolerance=tolerance) == []
