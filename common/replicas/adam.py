"""Adam and AdamW over a bank: every replica has its own learning rate, weight decay and step count."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from common.errors import InputError
from common.replicas.bank import Bank
from common.replicas.kernels import adam_step


class Adam:
    """torch.optim.Adam, or torch.optim.AdamW where `decoupled`, for R replicas at once.

    Numbers agree with torch's to rounding, and those of a replica with its own alone to the last bit (CPU).

    Args:
        bank: what is updated, in place, from its `grads`.
        rate: learning rate; one for all, or one a replica.
        decay: weight decay, likewise: added to the gradient, or, where `decoupled`, taken off the weights.
        betas, epsilon: as in torch.
        kernels: use the CPU kernel where the bank is on the CPU; otherwise torch operations, which any device has.

    Source: Kingma and Ba, arXiv:1412.6980; Loshchilov and Hutter, arXiv:1711.05101.
    """

    def __init__(
        self,
        bank: Bank,
        rate: float | Sequence[float] = 1e-3,
        decay: float | Sequence[float] = 0.0,
        *,
        decoupled: bool = False,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        kernels: bool = True,
    ) -> None:
        self._bank, self._decoupled, self._betas, self._epsilon = bank, decoupled, betas, epsilon
        self._kernels = kernels and bank.device.type == "cpu"
        self.mean, self.square = torch.zeros_like(bank.values), torch.zeros_like(bank.values)
        self.steps = torch.zeros(bank.replicas, dtype=torch.int64, device=bank.device)
        self._rate, self._decay = self._each("rate", rate), self._each("decay", decay)

    def reset(self) -> None:
        """Forget all moments, as a newly made optimiser."""
        for state in (self.mean, self.square, self.steps):
            state.zero_()

    def step(self) -> None:
        """Update all replicas from the bank's gradients."""
        if self._kernels:
            bank, state = self._bank, (self.mean, self.square, self.steps, self._rate, self._decay)
            arrays = [tensor.numpy() for tensor in (bank.values, bank.grads, *state)]
            adam_step(*arrays, self._decoupled, *self._betas, self._epsilon)
        else:
            self._torch_step()

    def _torch_step(self) -> None:
        values, grads, (beta1, beta2) = self._bank.values, self._bank.grads, self._betas
        rate, decay = self._rate[:, None], self._decay[:, None]
        self.steps += 1
        steps = self.steps[:, None].double()  # 1 - beta^step loses its digits in float32
        if self._decoupled:
            values.mul_((1 - rate * decay).float())
        else:
            grads = grads + decay.float() * values
        self.mean.mul_(beta1).add_(grads, alpha=1 - beta1)
        self.square.mul_(beta2).addcmul_(grads, grads, value=1 - beta2)
        size = (rate / (1 - beta1**steps)).float()
        root = (1 / (1 - beta2**steps).sqrt()).float()
        values.sub_(size * self.mean / (self.square.sqrt() * root + self._epsilon))

    def _each(self, name: str, value: float | Sequence[float]) -> torch.Tensor:
        values = np.asarray(value, dtype=np.float64)
        if values.shape not in ((), (self._bank.replicas,)):
            raise InputError(f"{name} has {values.size} numbers, allowed: one, or {self._bank.replicas}")
        return torch.from_numpy(np.array(np.broadcast_to(values, self._bank.replicas))).to(self._bank.device)
