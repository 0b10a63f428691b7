"""The settings of a twin: each group of the command line is one frozen dataclass, with a field for each option."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common.cli import option
from common.errors import InputError

# Names as users type them, and what they are in common.datasets; digits has MNIST's image size and stands in for it.
DATASETS = {"MNIST": "mnist", "CIFAR10": "cifar10", "digits": "digits28"}
IMAGE_SHAPES = {"MNIST": (1, 28, 28), "CIFAR10": (3, 32, 32), "digits": (1, 28, 28)}
N_CLASSES = 10
LARGEST = 3.4e38  # of a number in single precision, in which everything is computed


def check_size(group: Any) -> None:
    """Raise InputError where single precision would make an infinite number of a finite one."""
    for name, value in dataclasses.asdict(group).items():
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, float) and math.isfinite(number) and abs(number) > LARGEST:
                raise InputError(f"{name} is {number:g}, allowed: numbers up to {LARGEST:g} in size (single precision)")


@dataclass(frozen=True, kw_only=True)
class TrainParams:
    """How weights are trained: stochastic gradient descent on the cross-entropy."""

    batch_size: int = option(1, "images of one step", low=1)
    lr: float = option(1e-3, "learning rate", above=0.0)
    weight_decay: float = option(0.0, "share of each weight that is added to its gradient", low=0.0)
    momentum: float = option(0.0, "share of the last step that goes into the next", low=0.0, high=1.0)

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
        """Raise InputError where the kernel would see nothing but padding."""
        if self.padding >= self.kernel_size:
            raise InputError(f"padding {self.padding} must be below kernel_size {self.kernel_size}")


@dataclass(frozen=True, kw_only=True)
class Nonidealities:
    """What the circuit does to its signals; noises are standard deviations, drawn per element and forward pass."""

    input_noise: float | None = option(None, "noise of the normalized image", low=0.0, empty=True)
    relu_cutoff: float = option(0.0, "smallest output of a ReLU")
    relu_out_noise: float | None = option(None, "noise of a ReLU's output", low=0.0, empty=True)
    linear_out_noise: float | None = option(None, "noise of a linear layer's output", low=0.0, empty=True)
    conv2d_out_noise: float | None = option(None, "noise of the convolution's output", low=0.0, empty=True)
    linear_input_clip: float | None = option(
        None, "a linear layer's input is kept within +- this", above=0.0, empty=True
    )
    conv2d_input_clip: float | None = option(
        None, "the convolution's input is kept within +- this", above=0.0, empty=True
    )
    linear_input_nonlin: tuple[float, ...] | None = option(
        None,
        "coefficients of a polynomial of a linear layer's input after the clip, power 0 first; none: 0",
        empty=True,
    )
    conv2d_input_nonlin: tuple[float, ...] | None = option(
        None,
        "coefficients of a polynomial of the convolution's input after the clip, power 0 first; none: 0",
        empty=True,
    )

    def __post_init__(self) -> None:
        for name in ("linear_input_nonlin", "conv2d_input_nonlin"):
            if getattr(self, name) == ():  # a sum of no powers is 0, as in the published program
                object.__setattr__(self, name, (0.0,))

    def check(self) -> None:
        """Raise InputError where a number is too large."""
        check_size(self)

    def noiseless(self) -> Nonidealities:
        """The same without any noise."""
        return dataclasses.replace(self, **dict.fromkeys(NOISES))  # type: ignore[arg-type]

    @property
    def noisy(self) -> bool:
        """Whether two forward passes may differ."""
        return any(getattr(self, name) for name in NOISES)


NOISES = ("input_noise", "relu_out_noise", "linear_out_noise", "conv2d_out_noise")


@dataclass(frozen=True, kw_only=True)
class Normalization:
    """The range of pixels, and the range they are brought to before the network."""

    min_out: float = option(0.0, "what min_in becomes")
    max_out: float = option(1.0, "what max_in becomes")
    min_in: float = option(0.0, "a pixel's smallest value, where 1 is full brightness")
    max_in: float = option(1.0, "a pixel's largest value")

    def check(self) -> None:
        """Raise InputError where the input range is empty, or a number too large."""
        check_size(self)
        if self.max_in == self.min_in:
            raise InputError(f"min_in {self.min_in:g} and max_in {self.max_in:g} must differ")


@dataclass(frozen=True, kw_only=True)
class Basics:
    """What to train, from what, and where."""

    dataset_name: str = option("MNIST", "images to learn", choices=tuple(DATASETS))
    seed: int = option(42, "of initial weights, noise and order", low=0, high=2**63 - 1)
    shuffle: bool = option(False, "draw a new order of the images in each epoch")
    compat: str | None = option(
        None, "published: relu_cutoff and relu_out_noise act after the convolution only", choices=("published",)
    )
    engine: str = option(
        "auto", "compiled or torch steps; auto compiles on the CPU", choices=("auto", "compiled", "torch")
    )
    data_root: Path | None = option(None, "folder of the data sets (default: $NONIDEAL_DATA, else ./data)", local=True)
    device: str = option("auto", "auto, cpu, cuda, cuda:N or mps", local=True)
    threads: int = option(0, "of tests, and of training with torch; 0 for all cores", low=0, high=4096, local=True)


@dataclass(frozen=True, kw_only=True)
class Settings(Basics):
    """Everything that a training and its test depend on."""

    train_params: TrainParams = field(default_factory=TrainParams)
    model_params: ModelParams = field(default_factory=ModelParams)
    training_nonidealities: Nonidealities = field(default_factory=Nonidealities)
    testing_nonidealities: Nonidealities = field(default_factory=Nonidealities)
    normalization: Normalization = field(default_factory=Normalization)

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
