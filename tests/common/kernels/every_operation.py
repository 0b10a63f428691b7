"""Every vector operation on given numbers, as a process: python every_operation.py FILE. Needs no test library."""

import sys

import numpy as np

from common.kernels import vectors as v
from common.kernels.jit import PLAIN, kernel

STEP = v.FLOAT_WIDTH


@kernel(kept=False)
def doubles(a, b, places, out):
    n = a.size
    for i in range(0, n, v.WIDTH):
        x, y = v.load(a, i), v.load(b, i)
        results = (
            x + y, x - 2.0, 3.0 * x, x / y, v.sqrt(v.absolute(x)), v.minimum(x, y), v.maximum(x, 0.5), v.exp(x),
            v.select(x < y, x, 0.0), v.select(x > y, 1.0, y), v.select(x <= y, x, y), v.splat(7.0), v.fma(x, y, x),
            v.gather(a, places, i),
        )  # fmt: skip
        for k in range(len(results)):
            v.store(out, k * n + i, results[k])


@kernel(kept=False)
def floats(a, b, out, sums):
    n = a.size
    for i in range(0, n, STEP):
        x, y = v.load(a, i), v.load(b, i)
        results = (
            x + y, x - y, x * y, x / y, v.sqrt(v.absolute(x)), v.fma(x, y, x), v.select(x <= y, x, y), v.minimum(x, y),
            v.keep_first(x, 21 - i),
        )  # fmt: skip
        for k in range(len(results)):
            v.store(out, k * n + i, results[k])
        v.add_sums(sums, 0, x, y, x * y, v.splat(np.float32(1)))


@kernel(kept=False)
def words(a, b, out):
    n = a.size
    for i in range(0, n, STEP):
        x, y = v.bits_of(v.load(a, i)), v.bits_of(v.load(b, i))
        turn = v.splat(np.uint32(7))
        results = (
            v.plus(x, y), v.times_low(x, y), v.times_high(x, y), v.xor(x, y), v.both(x, y), v.left(x, turn),
            v.right(x, turn), v.plus(v.lanes(), v.splat(i % 16)), v.bits_of(v.from_signed(x)),
            v.bits_of(v.from_unsigned(x)), v.bits_of(v.swap_where(x, v.load(a, i), v.load(b, i))), v.splat(-1),
        )  # fmt: skip
        for k in range(len(results)):
            v.store(out, k * n + i, v.as_floats(results[k]))


def numbers():
    """(doubles a, b), (floats a, b), (words a, b), 32 of each."""
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=(2, 32))
    bits = rng.integers(0, 2**31 - 2**24, (2, 32)).astype(np.uint32)  # no NaN, whose payload may change on the way
    return (a, b), (a.astype(np.float32), b.astype(np.float32)), bits | np.uint32(2**31) * (bits % 2).astype(np.uint32)


def results():
    """What the operations give, by name, and the width they ran at."""
    pair, small, bits = numbers()
    found = {"doubles": np.zeros((14, 32)), "floats": np.zeros((9, 32), np.float32), "sums": np.ones(4, np.float32)}
    found["words"] = np.zeros((12, 32), np.float32)
    doubles(*pair, np.arange(32)[::-1].copy() // 3, found["doubles"].reshape(-1))
    floats(*small, found["floats"].reshape(-1), found["sums"])
    words(*bits.view(np.float32), found["words"].reshape(-1))
    return found | {"words": found["words"].view(np.uint32), "width": v.WIDTH, "plain": PLAIN}


if __name__ == "__main__":
    np.savez(sys.argv[1], **results())
