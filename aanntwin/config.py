"""The settings of a twin: each group of the command line is one frozen dataclass, with a field for each option."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aanntwin.nonidealities import noise, shaping, users
from aanntwin.nonidealities.base import SITES, Nonideality
from common.cli import option
from common.errors import InputError

# Names on the command line, and in common.datasets; digits has MNIST's image size and can replace it.
DATASETS = {"MNIST": "mnist", "CIFAR10": "cifar10", "digits": "digits28"}
IMAGE_SHAPES = {"MNIST": (1, 28, 28), "CIFAR10": (3, 32, 32), "digits": (1, 28, 28)}
N_CLASSES = 10
LARGEST = 3.4e38  # the largest number in single precision, in which everything is computed


def check_size(group: Any) -> None:
    """Raise InputError where a number is finite but infinite in single precision."""
    for name, value in dataclasses.asdict(group).items():
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, float) and math.isfinite(number) and abs(number) > LARGEST:
                raise InputError(f"{name} is {number:g}, allowed: numbers up to {LARGEST:g} in size (single precision)")


@dataclass(frozen=True, kw_only=True)
class TrainParams:
    """How weights are trained: stochastic gradient descent on the cross-entropy."""

    batch_size: int = option(1, "images per step", low=1)
    lr: float = option(1e-3, "learning rate", above=0.0)
    weight_decay: float = option(0.0, "factor of the weight that is added to its gradient", low=0.0)
    momentum: float = option(0.0, "momentum factor of SGD", low=0.0, high=1.0)

    def check(self) -> None:
        """Raise InputError where a number is too large."""
        check_size(self)


@dataclass(frozen=True, kw_only=True)
class ModelParams:
    """The network's shape."""

    conv_out_channels: int = option(4, "channels of the convolution", low=1)
    kernel_size: int = option(6, "side of the convolution's kernel", unit="pixels", low=1)
    stride: int = option(2, "step of the convolution's kernel", unit="pixels", low=1)
    padding: int = option(1, "zeros around the image", unit="pixels", low=0)
    pool_size: int = option(1, "side of the pooling window, and its step", low=1)
    additional_layers: tuple[int, ...] = option((), "widths of linear layers before the last one", low=1, empty=True)

    def check(self) -> None:
        """Raise InputError where the kernel could lie on padding only."""
        if self.padding >= self.kernel_size:
            raise InputError(f"padding {self.padding} must be below kernel_size {self.kernel_size}")


@dataclass(frozen=True, kw_only=True)
class Nonidealities:
    """Nonidealities of the circuit; noises are standard deviations, drawn for each element and forward pass.

    Fields are in the order of the signal's path; each is declared by its class alone. Where several act at one site,
    they act in this order, and those of `own` last.
    """

    input_noise: float | None = noise.InputNoise.option()
    conv2d_input_clip: float | None = shaping.Conv2dInputClip.option()
    conv2d_input_nonlin: tuple[float, ...] | None = shaping.Conv2dInputNonlin.option()
    conv2d_out_noise: float | None = noise.Conv2dOutNoise.option()
    relu_cutoff: float = shaping.ReluCutoff.option()
    relu_out_noise: float | None = noise.ReluOutNoise.option()
    linear_input_clip: float | None = shaping.LinearInputClip.option()
    linear_input_nonlin: tuple[float, ...] | None = shaping.LinearInputNonlin.option()
    linear_out_noise: float | None = noise.LinearOutNoise.option()
    own: tuple[str, ...] = option(
        (), "your own nonidealities and their levels, each as package.module:Name=X", empty=True
    )

    def __post_init__(self) -> None:
        for name, kind in NONIDEALITIES.items():
            object.__setattr__(self, name, kind.as_level(getattr(self, name)))
        if isinstance(self.own, tuple):  # another type is refused later
            object.__setattr__(self, "own", tuple(users.canonical(word) for word in self.own))

    def check(self) -> None:
        """Raise InputError where a number is too large, or something is wrong with one of `own`."""
        check_size(self)
        users.check(self.own)

    def acting(self, *sites: str) -> list[Nonideality]:
        """What acts at these sites, in order."""
        every = [kind(getattr(self, name), name) for name, kind in NONIDEALITIES.items()]
        every += [users.make(word) for word in self.own]
        given = [each for each in every if each.level is not None and each.acts]
        return [each for site in sites for each in given if site in each.sites]

    def with_level(self, name: str, level: Any) -> Nonidealities:
        """The same with another level of one, named by its option or package.module:Name; None removes it."""
        if name in NONIDEALITIES:
            return dataclasses.replace(self, **{name: level})
        others = tuple(word for word in self.own if users.split(word)[0] != name)
        return dataclasses.replace(self, own=others if level is None else (*others, users.join(name, level)))

    def noiseless(self) -> Nonidealities:
        """The same without any noise."""
        quiet = {name: kind.default for name, kind in NONIDEALITIES.items() if kind.random}
        return dataclasses.replace(
            self, **quiet, own=tuple(word for word in self.own if not users.kind_of(word).random)
        )

    def identity(self) -> dict[str, Any]:
        """What the cache's key contains: the level of each, and for those of `own` also a hash of their files.

        Nonidealities that were added after format 1 of the cache count only where they act, so that older keys stay
        valid.
        """
        counted = {name: getattr(self, name) for name, kind in NONIDEALITIES.items()}
        found = {n: v for n, v in counted.items() if NONIDEALITIES[n].since_format_1 or v != NONIDEALITIES[n].default}
        return {**found, "own": [[word, users.digest(word)] for word in self.own]} if self.own else found

    @property
    def noisy(self) -> bool:
        """Whether two forward passes may differ."""
        return any(each.random for each in self.acting(*SITES))


# Every nonideality by the name of its option, in the order of the signal's path.
NONIDEALITIES: dict[str, type[Nonideality]] = {
    field.name: field.metadata["nonideality"]
    for field in dataclasses.fields(Nonidealities)
    if "nonideality" in field.metadata
}


@dataclass(frozen=True, kw_only=True)
class Normalization:
    """The range of pixels, and the range that they are mapped to before the network."""

    min_out: float = option(0.0, "value that min_in is mapped to")
    max_out: float = option(1.0, "value that max_in is mapped to")
    min_in: float = option(0.0, "a pixel's smallest value, where 1 is full brightness")
    max_in: float = option(1.0, "a pixel's largest value")

    def check(self) -> None:
        """Raise InputError where the input range is empty, or a number too large."""
        check_size(self)
        if self.max_in == self.min_in:
            raise InputError(f"min_in {self.min_in:g} and max_in {self.max_in:g} must differ")


@dataclass(frozen=True, kw_only=True)
class Basics:
    """Data set, seed, engine and device."""

    dataset_name: str = option("MNIST", "data set", choices=tuple(DATASETS))
    seed: int = option(42, "seed of initial weights, noise and order", low=0, high=2**63 - 1)
    shuffle: bool = option(False, "draw a new order of the images in each epoch")
    compat: str | None = option(
        None, "published: relu_cutoff and relu_out_noise act after the convolution only", choices=("published",)
    )
    engine: str = option(
        "auto",
        "compiled kernels (CPU only), or PyTorch; auto: compiled where possible",
        choices=("auto", "compiled", "torch"),
    )
    data_root: Path | None = option(None, "folder of the data sets (default: $NONIDEAL_DATA, else ./data)", local=True)
    device: str = option("auto", "auto, cpu, cuda, cuda:N or mps", local=True)
    threads: int = option(0, "threads of tests, and of training by torch; 0: all cores", low=0, high=4096, local=True)


@dataclass(frozen=True, kw_only=True)
class Settings(Basics):
    """Everything that a training and its test depend on."""

    train_params: TrainParams = dataclasses.field(default_factory=TrainParams)
    model_params: ModelParams = dataclasses.field(default_factory=ModelParams)
    training_nonidealities: Nonidealities = dataclasses.field(default_factory=Nonidealities)
    testing_nonidealities: Nonidealities = dataclasses.field(default_factory=Nonidealities)
    normalization: Normalization = dataclasses.field(default_factory=Normalization)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the data set's images."""
        return IMAGE_SHAPES[self.dataset_name]

    def replace(self, **changes: Any) -> Settings:
        """These settings with other values in some fields; the groups are fields too."""
        return dataclasses.replace(self, **changes)


GROUPS: dict[str, type[Any]] = {
    "train_params": TrainParams,
    "model_params": ModelParams,
    "training_nonidealities": Nonidealities,
    "testing_nonidealities": Nonidealities,
    "normalization": Normalization,
}
