"""Loss and accuracy of all replicas on an image set, in large batches."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from common.replicas.batches import Images
from common.replicas.loss import CrossEntropy

Gather = Callable[[Tensor], Tensor]


def evaluate(
    forward: Callable[[Tensor], Tensor],
    images: Images,
    replicas: int,
    *,
    batch_size: int = 500,
    gather: Gather | None = None,
    kernels: bool = True,
) -> tuple[list[float], list[float]]:
    """Mean loss and accuracy of each replica over all images.

    Args:
        forward: from images (R, B, D), which may be one batch expanded over R, to logits (R, B, C).
        images: the set, in its order.
        replicas: R.
        batch_size: images at a time; it decides the last bits of the logits, so keep it fixed.
        gather: from indices (1, B) or (R, B) to images; None: those of `images`, shared by all replicas.
        kernels: see `CrossEntropy`.
    """
    score = CrossEntropy(replicas, images.device, kernels=kernels)
    everything = torch.arange(len(images), device=images.device)[None]
    take = gather or images.gather
    with torch.no_grad():
        for start in range(0, len(images), batch_size):
            index = everything[:, start : start + batch_size]
            x = take(index)
            logits = forward(x.expand(replicas, *x.shape[1:]))
            score.add(logits, images.labels_of(index).expand(replicas, -1))
    return score.means()
