"""The settings of a run. Importing this loads neither torch nor numba."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, NamedTuple

from common.cli import option
from common.errors import InputError
from common.plugins import Registry
from corruption_study.corruptions import CORRUPTIONS

if TYPE_CHECKING:
    from corruption_study.model_type import ModelType


class Layer(NamedTuple):
    """An activation's layer in torch.nn, its arguments, and whether its function is monotonic."""

    name: str
    arguments: tuple[float, ...] = ()
    monotonic: bool = True


ACTIVATIONS = {
    "relu": Layer("ReLU"),
    "tanh": Layer("Tanh"),
    "sigmoid": Layer("Sigmoid"),
    "leaky_relu": Layer("LeakyReLU", (0.1,)),
    "gelu": Layer("GELU", monotonic=False),
}
MODEL_TYPES: Registry[ModelType] = Registry(
    "model type",
    "corruption_study.model_type:ModelType",
    {"mlp": "corruption_study.mlp:MODEL_TYPE", "cnn": "corruption_study.cnn:MODEL_TYPE"},
)
DATASETS = ("mnist", "fashion-mnist", "digits")
CORRUPTION_HELP = "what strength p does to the training set: " + ", ".join(CORRUPTIONS)


# The published program passes TrainConfig's first twelve fields by position; the order of the base classes keeps it.


@dataclass(frozen=True)
class Network:
    """Network and corruption."""

    activation: str = option("relu", "activation function", choices=tuple(ACTIVATIONS))
    model_type: str = option("mlp", "model family", choices=MODEL_TYPES)
    p: float = option(0.0, "strength of the corruption, e.g. the probability that a pixel changes", low=0, high=1)


@dataclass(frozen=True)
class Optimization:
    """Optimization."""

    epochs: int = option(5, "passes through the training set", low=1)
    batch_size: int = option(128, "images per step", low=1)
    learning_rate: float = option(1e-3, "Adam's learning rate", above=0)
    weight_decay: float = option(0.0, "L2 penalty that Adam adds to the gradient", low=0)


@dataclass(frozen=True)
class Start:
    """Seed and processes."""

    seed: int = option(1234, "seed of initial weights, shuffles and corruption", low=0)
    num_workers: int = option(2, "processes of get_dataloaders; no number depends on it", low=0)
    cpu_threads: int = option(1, "threads of the computation", low=1)


@dataclass(frozen=True)
class Setup(Optimization):
    """Settings that all runs of a campaign share."""

    max_train_samples: int | None = option(None, "train on the first N images (default: all)", low=1)
    use_cuda: bool = option(False, "train on the first CUDA device")
    _: KW_ONLY
    hidden_sizes: tuple[int, ...] = option((256, 128), "widths of the MLP's hidden layers", low=1)
    channels: tuple[int, ...] = option((32, 64), "channels of the CNN's convolutions", low=1)
    hidden: int = option(128, "width of the CNN's hidden layer", low=1)
    corruption: str = option("uniform", CORRUPTION_HELP, choices=CORRUPTIONS)
    dataset: str = option("mnist", "mnist, fashion-mnist, or digits: 8x8 digits scaled up, bundled", choices=DATASETS)
    data_root: str | None = option(None, "folder of the image files (default: $NONIDEAL_DATA, else ./data)", local=True)
    test_ps: tuple[float, ...] = option((), "also test on test images corrupted with these strengths", low=0, high=1)


@dataclass(frozen=True)
class TrainConfig(Setup, Start, Optimization, Network):
    """One run."""

    _: KW_ONLY
    quiet: bool = option(False, "print nothing but errors", local=True)

    def check(self) -> None:
        """Raise InputError for layers that do not fit the images."""
        check_layers(self.channels, self.hidden_sizes)


def check_layers(channels: tuple[int, ...], hidden_sizes: tuple[int, ...]) -> None:
    """Raise InputError for layers that do not fit images of 28x28 pixels."""
    if not 1 <= len(channels) <= 4:
        raise InputError(
            f"argument --channels: {len(channels)} convolutions, allowed: 1 to 4 (28 pixels halve each time)"
        )
    if not hidden_sizes:
        raise InputError("argument --hidden-sizes: no layer, allowed: at least one width")
