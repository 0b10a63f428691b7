"""Cross-entropy of stacked networks: loss, hits, and the gradient at the logits."""

from __future__ import annotations

import torch
from torch import Tensor

from common.replicas.kernels import cross_entropy_rows


class CrossEntropy:
    """Adds up losses and hits of R replicas; reading them is the only time that the host waits for the device.

    Args:
        replicas: R.
        device: where logits lie.
        kernels: use the CPU kernels where the device is the CPU.
    """

    def __init__(self, replicas: int, device: torch.device | str = "cpu", *, kernels: bool = True) -> None:
        self._loss = torch.zeros(replicas, dtype=torch.float64, device=device)
        self._hits = torch.zeros(replicas, dtype=torch.int64, device=device)
        self._seen = 0
        self._kernels = kernels and self._loss.device.type == "cpu"

    def add(self, logits_RxBxC: Tensor, labels_RxB: Tensor, grad_RxBxC: Tensor | None = None) -> None:
        """Take in a batch. `grad` receives the gradient of each replica's mean loss over this batch."""
        self._seen += labels_RxB.shape[1]
        if self._kernels:
            arrays = [x.numpy() for x in (logits_RxBxC, labels_RxB, logits_RxBxC if grad_RxBxC is None else grad_RxBxC)]
            cross_entropy_rows(*arrays, self._loss.numpy(), self._hits.numpy(), grad_RxBxC is not None)
            return
        logs = torch.log_softmax(logits_RxBxC, -1)
        labels = labels_RxB.expand(logits_RxBxC.shape[:2])[..., None]
        self._loss -= logs.gather(-1, labels).sum((1, 2), dtype=torch.float64)
        self._hits += (logits_RxBxC.argmax(-1, keepdim=True) == labels).sum((1, 2))
        if grad_RxBxC is not None:
            torch.exp(logs, out=grad_RxBxC)
            grad_RxBxC.scatter_add_(-1, labels, torch.full_like(labels, -1, dtype=grad_RxBxC.dtype))
            grad_RxBxC.div_(labels.shape[1])

    def means(self) -> tuple[list[float], list[float]]:
        """Mean loss and share of hits of each replica over what was added; then resets the sums."""
        seen = max(self._seen, 1)
        loss, hits = (self._loss / seen).tolist(), (self._hits.double() / seen).tolist()
        self._loss.zero_()
        self._hits.zero_()
        self._seen = 0
        return loss, hits
