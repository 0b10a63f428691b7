"""The first layer's product with images: only pixels that are not zero, which for MNIST is one in seven.

Weights of the first layer lie with a row per pixel, (pixels, outputs), so that a pixel's weights are one stretch of
memory. Exact: a pixel that is zero carries no current, whatever its weights.
"""

from __future__ import annotations

from typing import Any

from common.kernels.jit import CONTRACT, kernel
from magnetoionic.kernels.rows import row_sum


@kernel(floats=CONTRACT)
def sparse_voltage(starts: Any, pixels: Any, currents: Any, weights: Any, voltage: Any) -> None:
    """voltage[b] = sum over the pixels p of image b of current[b, p] * weights[p].

    Args:
        starts: (images + 1,) int64: image b has the entries starts[b] to starts[b + 1] of the next two.
        pixels: (entries,) uint16.
        currents: (entries,) float32.
        weights: (pixels, outputs) float32.
        voltage: (images, outputs) float32, overwritten.
    """
    for b in range(voltage.shape[0]):
        row_sum(starts[b], starts[b + 1], pixels, currents, weights, 0, voltage[b])
