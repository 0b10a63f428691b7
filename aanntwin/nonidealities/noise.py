"""Additive Gaussian noise; the level is its standard deviation, and 0 is none."""

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
        """Whether there is any."""
        return bool(self.level)

    def stream(self, layer: str) -> str:
        """See Nonideality. For ours the layer alone, by which the compiled steps number their noise too."""
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
    """Of the normalized image."""

    sites, help = ("input",), "noise of the normalized image"


class Conv2dOutNoise(Noise):
    """Of the convolution."""

    sites, help = ("conv2d_out",), "noise of the convolution's output"


class ReluOutNoise(Noise):
    """Of a ReLU."""

    sites, help = ("relu_out",), "noise of a ReLU's output"


class LinearOutNoise(Noise):
    """Of a linear layer."""

    sites, help = ("linear_out",), "noise of a linear layer's output"
