"""Normal random numbers as a function of seed, epoch, image, layer and element, by `common.kernels.philox`."""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aanntwin.kernel.layout import WIDTH, round_up, zeros
from common.kernels.jit import kernel, leaf
from common.kernels.philox import normal_pair, philox
from common.kernels.vectors import FLOAT_WIDTH, fma, lanes, load, plus, splat, store
from common.seeding import seed_sequence

BLOCK = 4 * WIDTH  # normals of one counter in each of sixteen lanes
_ONE, _u = np.float32(1.0), np.uint32


@leaf
def add_normals(
    values: Any, start: int, count: int, scale: Any, key0: Any, key1: Any, site: int, image: int, epoch: int
) -> None:
    """values[start + i] += scale * normal(i) for all i < count; up to 15 elements after these are changed as well."""
    for base in range(0, count, BLOCK):
        for first in range(0, WIDTH, FLOAT_WIDTH):  # once, but element by element where nothing is compiled
            c0 = plus(lanes(), splat(_u(base // 4 + first)))
            w0, w1, w2, w3 = philox(c0, splat(_u(image)), splat(_u(site)), splat(_u(epoch)), key0, key1)
            n0, n1 = normal_pair(w0, w1)
            n2, n3 = normal_pair(w2, w3)
            at = start + base + first
            store(values, at, fma(n0, scale, load(values, at)))
            if count > base + WIDTH:
                store(values, at + WIDTH, fma(n1, scale, load(values, at + WIDTH)))
            if count > base + 2 * WIDTH:
                store(values, at + 2 * WIDTH, fma(n2, scale, load(values, at + 2 * WIDTH)))
            if count > base + 3 * WIDTH:
                store(values, at + 3 * WIDTH, fma(n3, scale, load(values, at + 3 * WIDTH)))


def _fill(values: Any, count: int, key: Any, site: int, image: int, epoch: int) -> None:
    add_normals(values, 0, count, _ONE, key[0], key[1], site, image, epoch)


_fill_kernel = kernel(_fill)


def make_key(seed: int, *names: str | int) -> NDArray[np.uint32]:
    """The generator's key for a seed and a stream's names."""
    return seed_sequence(seed, *names).generate_state(2, np.uint32).astype(np.uint32)


def normals(count: int, key: NDArray[np.uint32], *, site: int, image: int, epoch: int) -> NDArray[np.float32]:
    """The normals that a layer adds to an image: a float32 array of the layer's elements in their order."""
    values = zeros(round_up(count, BLOCK))
    _fill_kernel(values, count, key, site, image, epoch)
    return values[:count]
