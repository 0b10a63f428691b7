"""Error bounds of the functions of kernels, in units in the last place, against doubles or decimal numbers."""

from decimal import Decimal, localcontext

import numpy as np
import pytest

from common.kernels import mathematics
from common.kernels.jit import STRICT, kernel
from common.kernels.vectors import WIDTH, load, store

RNG = np.random.default_rng(4)


@kernel(kept=False)
def _exp(x, y):
    for i in range(0, x.size, WIDTH):
        store(y, i, mathematics.exp(load(x, i)))


def test_exp():
    x = np.concatenate(
        [RNG.uniform(-700, 700, 8000), RNG.uniform(-20, 20, 8000), RNG.uniform(-1, 1, 8000), np.zeros(8)]
    )
    y = np.empty_like(x)
    _exp(x, y)
    with localcontext() as context:
        context.prec = 30
        errors = [abs(Decimal(b) - Decimal(a).exp()) / Decimal(s) for a, b, s in zip(x, y, np.spacing(y), strict=True)]
    assert max(errors) < 2.5
    assert y[-1] == 1


def between(low, high, n=2_000_000):
    """Floats of both ends and of all sizes between, each as likely as another; and many near the upper end."""
    ends = np.array([low, high], np.float32).view(np.uint32)
    evenly = RNG.integers(ends[0], ends[1], n, np.uint32, endpoint=True)
    near = ends[1] - RNG.integers(0, 2**24, n, np.uint32)
    return np.concatenate([ends, evenly, near]).view(np.float32)


# name, arguments, what it should be in double precision, bound in units in the last place
FLOATS = [
    ("log_float32", between(1e-37, 1.0), np.log, 1.75),
    ("sine_of_quarters_float32", between(1e-30, 1.0), lambda y: np.sin(np.pi / 2 * y), 5.0),
    ("expm1_float32", -between(1e-30, 100.0), np.expm1, 0.95),
]


@pytest.mark.parametrize(("name", "x", "exact", "bound"), FLOATS, ids=[row[0] for row in FLOATS])
def test_functions_of_floats(name, x, exact, bound):
    function = getattr(mathematics, name)

    @kernel(floats=STRICT, kept=False)
    def fill(x, y):
        for i in range(x.size):
            y[i] = function(x[i])

    found = np.empty_like(x)
    fill(x, found)
    wanted = exact(x.astype(np.float64))
    errors = np.abs(found - wanted) / np.spacing(np.abs(wanted).astype(np.float32))
    assert errors.max() < bound, f"at {x[errors.argmax()]!r}"
    assert errors.max() > bound / 2  # or it says too little


def test_what_is_exact_and_what_is_odd():
    @kernel(floats=STRICT, kept=False)
    def few(out):
        out[0] = mathematics.log_float32(np.float32(1))
        out[1] = mathematics.sine_of_quarters_float32(np.float32(-0.3))
        out[2] = -mathematics.sine_of_quarters_float32(np.float32(0.3))
        out[3] = mathematics.sine_of_quarters_float32(np.float32(0))
        out[4] = mathematics.expm1_float32(np.float32(0))
        out[5] = mathematics.expm1_float32(np.float32(-np.inf))

    out = np.empty(6, np.float32)
    few(out)
    assert out[1] == out[2]
    assert out[[0, 3, 4, 5]].tolist() == [0, 0, 0, -1]
