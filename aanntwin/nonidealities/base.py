"""The interface of a nonideality, and the sites in the signal's path where one can act."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from common.cli import option

if TYPE_CHECKING:
    from torch import Tensor

Level = Any  # a number, or a tuple of numbers
# Standard normal numbers in the shape and on the device of a tensor.
Normals = Callable[["Tensor"], "Tensor"]


@dataclass(frozen=True)
class Site:
    """A place in the network where nonidealities act; all layers of a kind have the same sites.

    Attributes:
        name: in `Nonideality.sites`.
        title: its name in tables.
        where: its name in sentences and on axes.
        of_image: whether the signal there has the range of the normalized image, not of a layer's output.
    """

    name: str
    title: str
    where: str
    of_image: bool = False


# In the order of the signal's path.
SITES = {
    site.name: site
    for site in (
        Site("input", "input", "the input", of_image=True),
        Site("conv2d_input", "convolution input", "the convolution's input", of_image=True),
        Site("conv2d_out", "convolution output", "the convolution's output"),
        Site("relu", "ReLU", "the ReLUs"),
        Site("relu_out", "ReLU output", "the ReLU outputs"),
        Site("linear_input", "linear input", "the linear inputs"),
        Site("linear_out", "linear output", "the linear outputs"),
    )
}


class Nonideality(ABC):
    """A nonideality of a circuit at some level. A subclass declares:

    Attributes:
        sites: names of SITES; it acts at each of them, in every layer that has it.
        help: text of its option.
        default: its level where none is given; None means that it does not act.
        low, high, above: allowed levels, as for `common.cli.option`.
        random: whether `apply` draws normals, so that two passes differ.
        rising: whether a larger level (True) or a smaller one (False) is worse; None for neither. With
            it, aanntwin-spec finds the worst tolerable level; if True, aanntwin-sweep-noise can test rising levels.
        kernel: whether there is a compiled kernel for it; if not, PyTorch computes any circuit that has it.
        since_format_1: whether it is part of every key of the cache. Others count only where they act, so that
            weights that were cached before they existed are still found.

    Args:
        level: within the allowed ones.
        name: of its option, or package.module:Name.
    """

    sites: ClassVar[tuple[str, ...]]
    help: ClassVar[str] = ""
    default: ClassVar[Level] = None
    low: ClassVar[float | None] = None
    high: ClassVar[float | None] = None
    above: ClassVar[float | None] = None
    random: ClassVar[bool] = False
    rising: ClassVar[bool | None] = None
    kernel: ClassVar[bool] = False
    since_format_1: ClassVar[bool] = False

    def __init__(self, level: Level, name: str) -> None:
        self.level, self.name = level, name

    @abstractmethod
    def apply(self, x: Tensor, normals: Normals) -> Tensor:
        """The signal after it, in the shape of x: (B, C, H, W) before the first linear layer, then (B, width).

        Use differentiable PyTorch operations; x itself must not be changed.
        """

    @property
    def acts(self) -> bool:
        """Whether this level changes anything."""
        return True

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for two that have the same effect, apart from their random numbers."""
        return self.name, self.level

    def stream(self, layer: str) -> str:
        """The name of its random stream in a layer."""
        return f"{layer} {self.name}"

    @classmethod
    def title(cls, name: str) -> str:
        """Its name in tables; `name` is an option or package.module:Name."""
        return name.rpartition(":")[2].replace("_", " ")

    @classmethod
    def axis(cls, name: str) -> str:
        """The label of its level in figures."""
        return f"level of {cls.title(name)}"

    @classmethod
    def of_image(cls) -> bool:
        """Whether its levels are in units of the normalized image's range, rather than of a layer's largest output."""
        return all(SITES[site].of_image for site in cls.sites)

    @classmethod
    def as_level(cls, value: Level) -> Level:
        """A given value in the form that `apply` uses."""
        return value

    @classmethod
    def option(cls) -> Any:
        """Its field in config.Nonidealities, which makes it an option of every group of nonidealities."""
        made = option(cls.default, cls.help, low=cls.low, high=cls.high, above=cls.above, empty=cls.default is None)
        return field(default=made.default, metadata={**made.metadata, "nonideality": cls})
