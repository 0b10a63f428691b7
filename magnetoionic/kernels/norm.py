"""Batch normalization without affine parameters, with ReLU or without, forwards and backwards; and the loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from common.kernels.jit import CONTRACT, kernel


@kernel(floats=CONTRACT)
def normalize_batch(
    voltage: Any, eps: Any, momentum: Any, mean: Any, inverse: Any, running_mean: Any, running_var: Any
) -> None:
    """Replace voltages by their normalized values and move the running statistics.

    Args:
        voltage: (B, N) float32 with B > 1, overwritten by (voltage - mean) / sqrt(variance + eps).
        eps, momentum: as in torch's BatchNorm1d.
        mean, inverse: (N,) float32, overwritten: the batch's mean and 1 / sqrt(variance + eps).
        running_mean, running_var: (N,) float32, moved; the variance is the unbiased one, as in torch.
    """
    count, width = voltage.shape
    share = np.float32(1.0 / count)
    mean[:] = 0.0
    inverse[:] = 0.0
    for b in range(count):
        row = voltage[b]
        for j in range(width):
            mean[j] += row[j]
    for j in range(width):
        mean[j] *= share
    for b in range(count):
        row = voltage[b]
        for j in range(width):
            off = row[j] - mean[j]
            row[j] = off
            inverse[j] += off * off
    unbiased = np.float32(1.0 / (count - 1))
    keep = np.float32(1.0) - momentum
    for j in range(width):
        running_mean[j] = keep * running_mean[j] + momentum * mean[j]
        running_var[j] = keep * running_var[j] + momentum * (inverse[j] * unbiased)
        inverse[j] = np.float32(1.0) / np.sqrt(inverse[j] * share + eps)
    for b in range(count):
        row = voltage[b]
        for j in range(width):
            row[j] *= inverse[j]


@kernel(floats=CONTRACT)
def normalize_running(voltage: Any, eps: Any, running_mean: Any, running_var: Any, inverse: Any) -> None:
    """The same with running statistics, for testing. voltage: (B, N), overwritten; inverse: (N,), room to work."""
    for j in range(inverse.size):
        inverse[j] = np.float32(1.0) / np.sqrt(running_var[j] + eps)
    for b in range(voltage.shape[0]):
        row = voltage[b]
        for j in range(inverse.size):
            row[j] = (row[j] - running_mean[j]) * inverse[j]


@kernel(floats=CONTRACT)
def relu_current(normalized: Any, scale: Any, current: Any) -> None:
    """current = scale * max(normalized, 0), both (B, N)."""
    for b in range(normalized.shape[0]):
        row, out = normalized[b], current[b]
        for j in range(row.size):
            value = row[j]
            out[j] = scale * value if value > 0 else np.float32(0.0)


@kernel(floats=CONTRACT)
def relu_backward(normalized: Any, gradient: Any) -> None:
    """Set the gradient to zero where the normalized value is not positive, both (B, N)."""
    for b in range(normalized.shape[0]):
        row, out = normalized[b], gradient[b]
        for j in range(row.size):
            value = out[j]
            out[j] = value if row[j] > 0 else np.float32(0.0)


@kernel(floats=CONTRACT)
def normalize_backward(normalized: Any, inverse: Any, gradient: Any, sums: Any) -> None:
    """Turn the gradient of the normalized values into that of the voltages.

    Args:
        normalized: (B, N) as `normalize_batch` left them.
        inverse: (N,) from there.
        gradient: (B, N), overwritten.
        sums: (2, N), room to work.
    """
    count, width = gradient.shape
    share = np.float32(1.0 / count)
    total, product = sums[0], sums[1]
    total[:] = 0.0
    product[:] = 0.0
    for b in range(count):
        row, hat = gradient[b], normalized[b]
        for j in range(width):
            total[j] += row[j]
            product[j] += row[j] * hat[j]
    for j in range(width):
        total[j] *= share
        product[j] *= share
    for b in range(count):
        row, hat = gradient[b], normalized[b]
        for j in range(width):
            row[j] = inverse[j] * (row[j] - total[j] - hat[j] * product[j])


@kernel(floats=CONTRACT)
def cross_entropy(outputs: Any, labels: Any, gradient: Any) -> tuple[float, int]:
    """Sum of the losses, and number of images classified correctly; also computes the gradient of the mean loss.

    Args:
        outputs: (B, classes) float32.
        labels: (B,) int64.
        gradient: (B, classes) float32, overwritten.
    """
    count, classes = outputs.shape
    share = np.float32(1.0 / count)
    loss, right = np.float64(0.0), 0
    for b in range(count):
        row, out = outputs[b], gradient[b]
        top, best = row[0], 0
        for j in range(1, classes):
            if row[j] > top:
                top, best = row[j], j
        total = np.float32(0.0)
        for j in range(classes):
            out[j] = np.exp(row[j] - top)
            total += out[j]
        for j in range(classes):
            out[j] *= share / total
        label = labels[b]
        out[label] -= share
        loss += np.log(total) - (row[label] - top)
        right += best == label
    return loss, right
