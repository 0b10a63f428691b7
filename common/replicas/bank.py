"""All parameters of R replicas in one tensor, and one replica's as an ordinary state_dict."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from common.errors import InputError

# Every parameter begins at a multiple of 64 bytes: the bits of a product can depend on where its operands lie.
ALIGNMENT = 16


class Bank:
    """Parameters of R replicas.

    Args:
        shapes: name -> shape of each parameter, in the order of the equivalent nn.Module's state_dict().
        replicas: R.
        device: where they lie.

    Attributes:
        values, grads: float32, (R, size). Between parameters lie a few unused numbers, always 0.
        views, grad_views: name -> (R, *shape), views into them.
    """

    def __init__(
        self, shapes: Mapping[str, tuple[int, ...]], replicas: int, device: torch.device | str = "cpu"
    ) -> None:
        self.shapes = {name: tuple(shape) for name, shape in shapes.items()}
        self.replicas = replicas
        self._places: dict[str, int] = {}
        size = 0
        for name, shape in self.shapes.items():
            self._places[name] = size
            size += -(-math.prod(shape) // ALIGNMENT) * ALIGNMENT
        self.values = torch.zeros(replicas, size, device=device)
        self.grads = torch.zeros(replicas, size, device=device)
        self.views = {name: self._view(self.values, name) for name in self.shapes}
        self.grad_views = {name: self._view(self.grads, name) for name in self.shapes}

    @property
    def device(self) -> torch.device:
        """Where the parameters lie."""
        return self.values.device

    def state_dict(self, replica: int) -> dict[str, Tensor]:
        """A copy of one replica's parameters under their names, on the CPU."""
        return {name: view[replica].detach().to("cpu", copy=True) for name, view in self.views.items()}

    def load_state_dict(self, replica: int, state: Mapping[str, Tensor]) -> None:
        """Take over one replica's parameters.

        Raises:
            InputError: names or shapes differ from the bank's.
        """
        if set(state) != set(self.shapes):
            name = sorted(set(state) ^ set(self.shapes))[0]
            raise InputError(f"parameter {name} is not in both; the network has {', '.join(self.shapes)}")
        for name, shape in self.shapes.items():
            if tuple(state[name].shape) != shape:
                raise InputError(f"parameter {name} has the shape {tuple(state[name].shape)}, allowed: {shape}")
        for name in self.shapes:
            self.views[name][replica].copy_(state[name])

    def snapshot(self) -> Tensor:
        """A copy of `values`; `restore` brings it back, for all replicas or for some."""
        return self.values.clone()

    def restore(self, snapshot: Tensor, chosen: Tensor | None = None) -> None:
        """Bring back a snapshot, where `chosen` (bool, (R,), on the same device) is true; waits for no device."""
        if chosen is None:
            self.values.copy_(snapshot)
        else:
            torch.where(chosen[:, None], snapshot, self.values, out=self.values)

    def _view(self, memory: Tensor, name: str) -> Tensor:
        shape, place = self.shapes[name], self._places[name]
        strides = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
        return memory.as_strided((self.replicas, *shape), (memory.stride(0), *strides), place)
