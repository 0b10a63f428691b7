"""NUMBA_DISABLE_JIT=1: the same sources as plain Python give what compiled code gives, and both what NumPy gives."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent


def run(plain, *arguments):
    environment = os.environ | {"NUMBA_DISABLE_JIT": str(int(plain)), "PYTHONPATH": str(HERE.parents[2])}
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    return done


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Results of every operation: compiled, and plain."""
    folder = tmp_path_factory.mktemp("operations")
    for plain in (False, True):
        run(plain, str(HERE / "every_operation.py"), str(folder / f"{plain}.npz"))
    return [dict(np.load(folder / f"{plain}.npz")) for plain in (False, True)]


def test_one_runs_vectors_and_the_other_single_numbers(found):
    assert [(int(part["width"]), bool(part["plain"])) for part in found] == [(8, False), (1, True)]


def test_doubles(found):
    a, b = np.random.default_rng(5).normal(size=(2, 32))
    wanted = [
        a + b, a - 2, 3 * a, a / b, np.sqrt(np.abs(a)), np.minimum(a, b), np.maximum(a, 0.5), np.exp(a),
        np.where(a < b, a, 0), np.where(a > b, 1, b), np.where(a <= b, a, b), np.full(32, 7.0), a * b + a,
        a[np.arange(32)[::-1] // 3],
    ]  # fmt: skip
    for part in found:
        np.testing.assert_allclose(part["doubles"], wanted, rtol=4.5e-16, atol=3e-16)


def test_floats(found):
    a, b = np.random.default_rng(5).normal(size=(2, 32)).astype(np.float32)
    fused = (a.astype(float) * b + a).astype(np.float32)
    first = np.where(np.arange(32) < 21, a, np.float32(0))
    wanted = [
        a + b, a - b, a * b, a / b, np.sqrt(np.abs(a)), fused, np.where(a <= b, a, b), np.minimum(a, b), first
    ]  # fmt: skip
    for part in found:
        np.testing.assert_array_equal(part["floats"], wanted)
        np.testing.assert_allclose(part["sums"], [1 + a.sum(), 1 + b.sum(), 1 + (a * b).sum(), 33], rtol=1e-5)


def test_words(found):
    sys.path.insert(0, str(HERE))
    try:
        from every_operation import numbers
    finally:
        sys.path.remove(str(HERE))
    a, b = numbers()[2]
    high = (a.astype(np.uint64) * b >> np.uint64(32)).astype(np.uint32)
    signed, unsigned = a.view(np.int32).astype(np.float32), a.astype(np.float32)
    wanted = [
        a + b, a * b, high, a ^ b, a & b, a << np.uint32(7), a >> np.uint32(7), np.arange(32, dtype=np.uint32) % 16,
        signed.view(np.uint32), unsigned.view(np.uint32), np.where(a >> 31, a, b), np.full(32, 2**32 - 1, np.uint32),
    ]  # fmt: skip
    for part in found:
        np.testing.assert_array_equal(part["words"], wanted)
