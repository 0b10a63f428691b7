"""The first layer's product with images: only pixels that are not zero, which for MNIST is one in seven.

Weights of the first layer lie with a row per pixel, (pixels, outputs), so that a pixel's weights are one stretch of
memory. Exact: a pixel that is zero carries no current, whatever its weights.
"""

from __future__ import annotations

from typing import Any

from common.kernels.jit import CONTRACT, kernel

BLOCK = 512  # outputs at a time: the weights of a batch's pixels then stay in the core's cache


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
        total = voltage[b]
        total[:] = 0.0
        entry, end = starts[b], starts[b + 1]
        while entry + 8 <= end:  # eight pixels at a time, so that a total is fetched and stored less often
            c0, c1, c2, c3 = currents[entry], currents[entry + 1], currents[entry + 2], currents[entry + 3]
            c4, c5, c6, c7 = currents[entry + 4], currents[entry + 5], currents[entry + 6], currents[entry + 7]
            row0, row1 = weights[pixels[entry]], weights[pixels[entry + 1]]
            row2, row3 = weights[pixels[entry + 2]], weights[pixels[entry + 3]]
            row4, row5 = weights[pixels[entry + 4]], weights[pixels[entry + 5]]
            row6, row7 = weights[pixels[entry + 6]], weights[pixels[entry + 7]]
            for j in range(total.size):
                left = (c0 * row0[j] + c1 * row1[j]) + (c2 * row2[j] + c3 * row3[j])
                right = (c4 * row4[j] + c5 * row5[j]) + (c6 * row6[j] + c7 * row7[j])
                total[j] += left + right
            entry += 8
        while entry < end:
            current, row = currents[entry], weights[pixels[entry]]
            for j in range(total.size):
                total[j] += current * row[j]
            entry += 1
