"""Additive Gaussian noise; the level is its standard deviation; 0 means no noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aanntwin.nonidealities.base import SITES, Nonideality, Normals

if TYPE_CHECKING:
    from torch import Tensor


class Noise(Nonideality):
    """Noise at one site, drawn for each element and forward pass."""

    low = 0.0
    random = rising = kernel = since_format_1 = True

    def apply(self, x: Tensor, normals: Normals) -> Tensor:
        """See Nonideality."""
        return x + self.level * normals(x)  # type: ignore[no-any-return]

    @property
    def acts(self) -> bool:
        """Whether the level is not 0."""
        return bool(self.level)

    def stream(self, layer: str) -> str:
        """See Nonideality. For ours it is the layer alone, as in the compiled kernels."""
        return super().stream(layer) if ":" in self.name else layer

    @classmethod
    def title(cls, name: str) -> str:
        """See Nonideality."""
        return super().title(name) if ":" in name else f"{SITES[cls.sites[0]].title} noise"

    @classmethod
    def axis(cls, name: str) -> str:
        """See Nonideality."""
        return f"standard deviation of the noise on {SITES[cls.sites[0]].where}"


class InputNoise(Noise):
    """On the normalized image."""

    sites, help = ("input",), "noise on the normalized image"


class Conv2dOutNoise(Noise):
    """On the convolution's output."""

    sites, help = ("conv2d_out",), "noise on the convolution's output"


class ReluOutNoise(Noise):
    """On a ReLU's output."""

    sites, help = ("relu_out",), "noise on a ReLU's output"


class LinearOutNoise(Noise):
    """On a linear layer's output."""

    sites, help = ("linear_out",), "noise on a linear layer's output"
