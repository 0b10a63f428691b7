"""Clip and polynomial at the inputs of layers, and the cutoff of the ReLUs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aanntwin.nonidealities.base import SITES, Level, Nonideality, Normals

if TYPE_CHECKING:
    from torch import Tensor


class Clip(Nonideality):
    """Limits a layer's input to plus and minus the level."""

    above = 0.0
    rising, kernel, since_format_1 = False, True, True

    def apply(self, x: Tensor, normals: Normals) -> Tensor:
        """See Nonideality."""
        return x.clamp(-self.level, self.level)

    @classmethod
    def title(cls, name: str) -> str:
        """See Nonideality."""
        return f"{SITES[cls.sites[0]].title} clip"


class Conv2dInputClip(Clip):
    """Of the convolution."""

    sites, help = ("conv2d_input",), "limits the convolution's input to +- this"


class LinearInputClip(Clip):
    """Of a linear layer."""

    sites, help = ("linear_input",), "limits a linear layer's input to +- this"


class Polynomial(Nonideality):
    """A polynomial of a layer's input; the level is its coefficients, power 0 first."""

    kernel = since_format_1 = True

    def apply(self, x: Tensor, normals: Normals) -> Tensor:
        """See Nonideality."""
        total = x.new_full(x.shape, self.level[-1])
        for coefficient in reversed(self.level[:-1]):
            total = total * x + coefficient
        return total

    @classmethod
    def as_level(cls, value: Level) -> Level:
        """See Nonideality; without coefficients the polynomial is 0, as in the published program."""
        return (0.0,) if value == () else value


class Conv2dInputNonlin(Polynomial):
    """Of the convolution."""

    sites = ("conv2d_input",)
    help = "coefficients of a polynomial of the convolution's input after the clip, power 0 first; without any 0"


class LinearInputNonlin(Polynomial):
    """Of a linear layer."""

    sites = ("linear_input",)
    help = "coefficients of a polynomial of a linear layer's input after the clip, power 0 first; without any 0"


class ReluCutoff(Nonideality):
    """max(level, x) in place of max(0, x). The gradient is zero at the cutoff and below."""

    sites, help, default = ("relu",), "smallest output of a ReLU", 0.0
    kernel = since_format_1 = True

    def apply(self, x: Tensor, normals: Normals) -> Tensor:
        """See Nonideality."""
        from torch.nn import functional

        return functional.threshold(x, self.level, self.level)
