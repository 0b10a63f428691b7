"""The layers with their nonidealities, as PyTorch modules on any device: the definition of what the twin computes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from aanntwin.nonidealities.base import Nonideality

# (name of the layer, tensor) -> standard normal numbers with the tensor's shape and device.
NoiseSource = Callable[[str, Tensor], Tensor]


class TorchNoise:
    """Standard normal numbers from a torch generator on each tensor's device.

    Args:
        seed: of the generators; see `restart`.
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._generators: dict[torch.device, torch.Generator] = {}

    def restart(self, seed: int) -> None:
        """Begin again with another seed, on every device."""
        self._seed = seed
        self._generators.clear()

    def __call__(self, name: str, like: Tensor) -> Tensor:
        """Normals for `like`; the layer's name does not matter here."""
        generator = self._generators.get(like.device)
        if generator is None:
            generator = self._generators[like.device] = torch.Generator(like.device).manual_seed(self._seed)
        return torch.randn(like.shape, generator=generator, device=like.device, dtype=like.dtype)


class Normalize(nn.Module):
    """A linear map from the range [min_in, max_in] to [min_out, max_out]."""

    def __init__(self, min_out: float, max_out: float, min_in: float, max_in: float) -> None:
        super().__init__()
        self.slope = (max_out - min_out) / (max_in - min_in)
        self.offset = min_out - self.slope * min_in

    def forward(self, x: Tensor) -> Tensor:
        """Any shape."""
        return x * self.slope + self.offset


class Effects(nn.Module):
    """The nonidealities at one place in the circuit, in turn, with noise drawn for that layer."""

    def __init__(self, layer: str, acting: Sequence[Nonideality], source: NoiseSource) -> None:
        super().__init__()
        self.acting = [(each, partial(source, each.stream(layer))) for each in acting]

    def forward(self, x: Tensor) -> Tensor:
        """Any shape."""
        for each, normals in self.acting:
            x = each.apply(x, normals)
        return x


class Linear(nn.Linear):
    """The circuit's effects, a linear map, and effects again.

    Weights are initialised Kaiming-uniform for ReLU, biases uniform in +-1/sqrt(inputs).
    """

    def __init__(
        self, inputs: int, outputs: int, entry: Effects, exit: Effects, generator: torch.Generator | None = None
    ) -> None:
        super().__init__(inputs, outputs)
        self.entry, self.exit = entry, exit
        bound = 1 / math.sqrt(inputs)
        nn.init.kaiming_uniform_(self.weight, nonlinearity="relu", generator=generator)
        with torch.no_grad():
            self.bias.uniform_(-bound, bound, generator=generator)

    def reset_parameters(self) -> None:
        """Do nothing: PyTorch's own initialisation would draw from its global generator."""

    def forward(self, input: Tensor) -> Tensor:
        """From (B, inputs) to (B, outputs)."""
        return self.exit(super().forward(self.entry(input)))  # type: ignore[no-any-return]


class Conv2d(nn.Conv2d):
    """The circuit's effects, a convolution, and effects again; weights are initialised as PyTorch's."""

    def __init__(
        self,
        channels: tuple[int, int],
        kernel_size: int,
        stride: int,
        padding: int,
        entry: Effects,
        exit: Effects,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(*channels, kernel_size, stride, padding)
        self.entry, self.exit = entry, exit
        bound = 1 / math.sqrt(channels[0] * kernel_size**2)  # nn.Conv2d's range for weights and biases
        with torch.no_grad():
            self.weight.uniform_(-bound, bound, generator=generator)
            assert self.bias is not None
            self.bias.uniform_(-bound, bound, generator=generator)

    def reset_parameters(self) -> None:
        """Do nothing: PyTorch's own initialisation would draw from its global generator."""

    def forward(self, input: Tensor) -> Tensor:
        """From (B, C, H, W) to (B, channels, side, side). The padding is zero whatever the circuit before does."""
        return self.exit(super().forward(self.entry(input)))  # type: ignore[no-any-return]
