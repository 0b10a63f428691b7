"""Get a tool's model: from a weight file, or from a training, whose epochs are cached."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aanntwin.cache import Cache
from aanntwin.config import GROUPS, ModelParams, Settings
from aanntwin.options import PLAIN, add_settings, take_group, take_settings
from aanntwin.scripts.training import train_and_print
from aanntwin.shapes import check_weights, weight_shapes
from aanntwin.sizes import derive
from aanntwin.weights import layer_names, load_model, model_params_of
from common.cli import Parser, build, spoken, whole
from common.devices import set_threads
from common.errors import InputError
from common.runs.files import plain
from common.values import number as finite
from common.values import shown

if TYPE_CHECKING:
    from aanntwin.cache import Cache
    from aanntwin.weights import Weights

CACHE = Path("cache/models")
# The rest of the model's shape follows from a weight file.
OPEN = ("stride", "padding", "pool_size")
LOCAL = tuple(field.name for field in dataclasses.fields(Settings) if field.metadata.get("local"))
# Without effect on the test of a weight file.
OF_TRAINING = ("train_params", "training_nonidealities", "shuffle", "engine")


@dataclass(frozen=True)
class Source:
    """What to load or train.

    Attributes:
        settings: of the model, its training and its test. With a file, model_params are defaults until `load`.
        file: of weights, instead of a training.
        shape: stride, padding and pool size, where given together with a file.
        count_epoch: of the training.
        cache: folder of the cache; None trains without it.
    """

    settings: Settings
    file: Path | None = None
    shape: dict[str, int] = dataclasses.field(default_factory=dict)
    count_epoch: int = 100
    cache: Path | None = CACHE

    def load(self) -> tuple[Weights, Settings]:
        """Weights and their settings; trains epochs that are not in the cache.

        Raises:
            InputError: the file cannot be read, or does not fit the settings.
        """
        start(self.settings)
        if self.file is None:
            return train_and_print(self.settings, self.count_epoch, open_cache(self.cache)), self.settings
        weights, params = read_model(self.file, self.settings, self.shape)
        return weights, self.settings.replace(model_params=params)


def add_source(parser: Parser, *, without: tuple[str, ...] = ()) -> None:
    """Add an optional weight file, the options of a training, and all groups of settings except those named."""
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="weights; without it, a model is trained")
    group = parser.add_argument_group("a training, where no FILE is given")
    add_training(group)
    add_settings(parser, without=without)


def add_training(group: Any) -> None:
    """Add --count_epoch, --cache_path and --no_cache."""
    group.add_argument("--count-epoch", type=whole(1), default=100, metavar="N", help="epochs (default: 100)")
    group.add_argument(
        "--cache-path", type=Path, default=CACHE, metavar="DIR", help=f"folder of cached epochs (default: {CACHE})"
    )
    group.add_argument("--no-cache", action="store_true", help="neither read nor write the cache")


def take_source(values: dict[str, Any]) -> Source:
    """Remove what `add_source` parsed from `values`; see `Source`.

    Raises:
        InputError: a value is wrong.
    """
    file, epochs, cache = values.pop("file"), values.pop("count_epoch"), take_cache(values)
    shape = take_shape(values) if file else {}
    return Source(take_settings(values), file, shape, epochs, cache)


def take_cache(values: dict[str, Any]) -> Path | None:
    """Remove --cache_path and --no_cache; the folder, or None."""
    folder: Path = values.pop("cache_path")
    return None if values.pop("no_cache") else folder


def take_shape(values: dict[str, Any]) -> dict[str, int]:
    """Remove the group model_params: stride, padding and pool size, where given, for a weight file.

    Raises:
        InputError: another field is given, which the file decides.
    """
    names = [field.name for field in dataclasses.fields(ModelParams)]
    whole_group = "model_params_json" in values
    given = [name for name in names if f"model_params_{name}" in values]
    params = take_group(values, "model_params")
    if closed := [name for name in given if name not in OPEN]:
        allowed = ", ".join(f"--model_params_{name}" for name in OPEN)
        raise InputError(f"--model_params_{closed[0]}: FILE decides it; allowed with a file: {allowed}")
    return {name: getattr(params, name) for name in OPEN if whole_group or name in given}


def read_model(path: Path, settings: Settings, shape: dict[str, int]) -> tuple[Weights, ModelParams]:
    """The weights of a file and the model's shape: as recorded there, else from the weights, `shape` and defaults.

    Raises:
        InputError: the file cannot be read, contradicts `shape`, or does not fit the images.
    """
    weights, params = load_model(path)
    if params is None:
        params = model_params_of(weights, **shape)
    for name, value in shape.items():
        if getattr(params, name) != value:
            raise InputError(f"--model_params_{name} is {value}, but {path} was trained with {getattr(params, name)}")
    check_shapes(path, weights, params, settings)
    return weights, params


def check_shapes(path: Path, weights: Weights, params: ModelParams, settings: Settings) -> None:
    """Raise InputError where a file's weights do not fit the images or the output of the convolution."""
    sizes = derive(params, settings.image_shape)
    needed = {"conv2d": (sizes.in_channels, "channels"), layer_names(weights)[1]: (sizes.features, "features")}
    for layer, (count, what) in needed.items():
        found = weights[f"{layer}_weight"].shape[1]
        if found != count:
            shape = ", ".join(f"{name} {getattr(params, name)}" for name in OPEN)
            raise InputError(
                f"{path}: {layer} takes {found} {what}; {settings.dataset_name} with {shape} gives {count}"
            )
    check_weights(weights, weight_shapes(settings.replace(model_params=params)))


def open_cache(folder: Path | None) -> Cache | None:
    """The cache in a folder; None stays None."""
    return None if folder is None else Cache(folder)


def start(settings: Settings) -> None:
    """Load torch and set its number of threads from the settings."""
    set_threads(settings.threads, libraries=("torch",))


def one_thread(settings: Settings) -> Settings:
    """The settings for a worker: one thread, unless the user set a number of threads."""
    return settings.replace(threads=settings.threads or 1)


def to_json(settings: Settings) -> dict[str, Any]:
    """What differs from the default settings, in JSON's types, for sweeps."""
    values = {name: _differences(getattr(settings, name), kind()) for name, kind in GROUPS.items()}
    values |= {name: value for name, value in _differences(settings, Settings()).items() if name in PLAIN}
    changed: dict[str, Any] = plain({name: value for name, value in values.items() if value not in ({}, None)})
    return changed


def from_json(values: Mapping[str, Any]) -> Settings:
    """The settings that `to_json` wrote."""
    groups = {name: build(kind, values.get(name, {})) for name, kind in GROUPS.items()}
    plain = {name: values[name] for name in PLAIN if name in values}
    if "data_root" in plain:
        plain["data_root"] = Path(plain["data_root"])
    return Settings(**plain, **groups)


def _differences(group: Any, default: Any) -> dict[str, Any]:
    names = [field.name for field in dataclasses.fields(group)]
    return {name: getattr(group, name) for name in names if getattr(group, name) != getattr(default, name)}


def add_print_rate(group: Any) -> None:
    """Add --print_rate, whose value may be left out."""
    text = "print the loss every N steps, into the run's stdout.txt; without N or with 0 never"
    group.add_argument("--print-rate", type=whole(0), nargs="?", metavar="N", help=text)


def number(low: float, *, above: bool = False) -> Any:
    """A converter for argparse: a finite number of `low` or more, or above it."""

    def read(text: str) -> float:
        value = finite(text)
        if not (low < value or (value == low and not above)):
            raise InputError(f"{shown(text)} is not a number {'above' if above else 'of at least'} {low:g}")
        return value

    return spoken(read)
