"""The CPU kernel of a kind: gather bytes, scale them to [0, 1] and corrupt them, in one pass."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.kernels.jit import STRICT, Function, inlined, kernel
from common.kernels.splitmix64 import bits_at


@functools.cache
def rows_kernel(pixel: Function) -> Function:
    """Compile a kind's `pixel` into a kernel.

    It takes bytes (N, D), indices (R, B), the byte value of full brightness, and for each replica p, limit and key; it
    writes float32 (R, B, D).
    """
    corrupted = inlined(pixel, floats=STRICT)

    def corrupt_rows(
        images_NxD: NDArray[np.uint8],
        index_RxB: NDArray[np.int64],
        top: Any,
        strength_R: NDArray[np.float32],
        limit_R: NDArray[np.uint64],
        key_R: NDArray[np.uint64],
        out_RxBxD: NDArray[np.float32],
    ) -> None:
        for r in range(index_RxB.shape[0]):
            limit, p = limit_R[r], strength_R[r]
            for b in range(index_RxB.shape[1]):
                row = index_RxB[r, b]
                key = bits_at(key_R[r], row)
                if p == 0:
                    for k in range(images_NxD.shape[1]):
                        out_RxBxD[r, b, k] = np.float32(images_NxD[row, k]) / top
                else:
                    for k in range(images_NxD.shape[1]):
                        bits = bits_at(key, k)
                        out_RxBxD[r, b, k] = corrupted(np.float32(images_NxD[row, k]) / top, bits, p, limit)

    # The cache on disk finds kernels by name and is renewed when sources in this folder change; hence a separate name
    # for each kind of ours, and no caching of a user's.
    corrupt_rows.__qualname__ = f"corrupt_rows.{pixel.__module__.rpartition('.')[2]}"
    return kernel(corrupt_rows, floats=STRICT, kept=pixel.__module__.startswith(f"{__package__}."))
