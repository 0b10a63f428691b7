"""CPU kernels for stacks of replicas: each element is computed alike wherever it stands in a stack."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.kernels.jit import STRICT, kernel

Floats = NDArray[np.float32]
_ONE = np.float32(1)


@kernel(floats=STRICT)
def sum_rows(x_RxBxN: Floats, out_RxN: Floats) -> None:
    """Sum over B, row after row."""
    for r in range(x_RxBxN.shape[0]):
        total_N = np.zeros(x_RxBxN.shape[2], np.float32)  # of its own, as the output may lie between other numbers
        for b in range(x_RxBxN.shape[1]):
            for n in range(x_RxBxN.shape[2]):
                total_N[n] += x_RxBxN[r, b, n]
        out_RxN[r] = total_N


@kernel(floats=STRICT)
def adam_step(
    values_RxP: Floats,
    grads_RxP: Floats,
    mean_RxP: Floats,
    square_RxP: Floats,
    steps_R: NDArray[np.int64],
    rate_R: NDArray[np.float64],
    decay_R: NDArray[np.float64],
    decoupled: bool,
    beta1: float,
    beta2: float,
    epsilon: float,
) -> None:
    """One step of Adam, or of AdamW where `decoupled`; see `common.replicas.adam`."""
    b1, b2, eps = np.float32(beta1), np.float32(beta2), np.float32(epsilon)
    rest1, rest2 = np.float32(1 - beta1), np.float32(1 - beta2)
    for r in range(values_RxP.shape[0]):
        steps_R[r] += 1
        size = np.float32(rate_R[r] / (1 - beta1 ** steps_R[r]))
        root = np.float32(1 / math.sqrt(1 - beta2 ** steps_R[r]))
        shrink = np.float32(1 - rate_R[r] * decay_R[r]) if decoupled else _ONE
        pull = np.float32(0) if decoupled else np.float32(decay_R[r])
        for k in range(values_RxP.shape[1]):
            grad = grads_RxP[r, k] + pull * values_RxP[r, k]
            mean = b1 * mean_RxP[r, k] + rest1 * grad
            square = b2 * square_RxP[r, k] + rest2 * grad * grad
            mean_RxP[r, k] = mean
            square_RxP[r, k] = square
            values_RxP[r, k] = shrink * values_RxP[r, k] - size * mean / (np.sqrt(square) * root + eps)


@kernel(floats=STRICT)
def cross_entropy_rows(
    logits_RxBxC: Floats,
    labels_RxB: NDArray[np.int64],
    grad_RxBxC: Floats,
    loss_R: NDArray[np.float64],
    hits_R: NDArray[np.int64],
    want_grad: bool,
) -> None:
    """Add each replica's losses and hits to `loss` and `hits`; write the gradient of its mean loss."""
    R, B, C = logits_RxBxC.shape
    share = np.float32(1.0 / B)
    for r in range(R):
        for b in range(B):
            label = labels_RxB[r, b]
            top = 0
            for c in range(1, C):
                if logits_RxBxC[r, b, c] > logits_RxBxC[r, b, top]:
                    top = c
            highest = logits_RxBxC[r, b, top]
            total = np.float32(0)
            for c in range(C):
                grown = np.float32(math.exp(logits_RxBxC[r, b, c] - highest))
                total += grown
                if want_grad:
                    grad_RxBxC[r, b, c] = grown
            loss_R[r] += math.log(total) + highest - logits_RxBxC[r, b, label]
            hits_R[r] += top == label
            if want_grad:
                scale = share / total
                for c in range(C):
                    grad_RxBxC[r, b, c] *= scale
                grad_RxBxC[r, b, label] -= share


@kernel(floats=STRICT)
def gather_rows(images_NxD: NDArray[np.uint8], index_RxB: NDArray[np.int64], top: Any, out_RxBxD: Floats) -> None:
    """Rows of bytes as numbers from 0 to 1."""
    for r in range(index_RxB.shape[0]):
        for b in range(index_RxB.shape[1]):
            row = index_RxB[r, b]
            for k in range(images_NxD.shape[1]):
                out_RxBxD[r, b, k] = np.float32(images_NxD[row, k]) / top
