"""Weight files: safetensors of ours, and the .pth files of the published program."""

from __future__ import annotations

import json
import pickle
import re
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aanntwin.config import ModelParams
from common.cli import build
from common.errors import InputError
from common.runs.files import atomic_writer

if TYPE_CHECKING:
    from torch import Tensor

    from aanntwin.config import Settings

Weights = dict[str, "Tensor"]
MODEL = "model_params"  # the entry of a file's metadata
_NAME = re.compile(r"(conv2d|additional_linear_\d+|linear)_(weight|bias)")


def load_weights(path: str | Path) -> Weights:
    """Read a weight file: float32 tensors by name, in the model's order.

    Safetensors, or a PyTorch file (.pth, .pt), which is read as weights only: names as ours, or those of a module with
    numbered layers (layers.2.weight), of which the four-dimensional one is the convolution.

    Raises:
        InputError: the file is missing, damaged, or holds something else.
    """
    place = Path(path)
    if not place.is_file():
        raise InputError(f"weights {place}: no such file")
    raw = _read_torch(place) if place.suffix in (".pth", ".pt", ".bin") else _read_safetensors(place)[0]
    named = raw if all(_NAME.fullmatch(name) for name in raw) else _by_number(raw, place)
    _check(named, place)
    ordered = [f"{layer}_{part}" for layer in layer_names(named) for part in ("weight", "bias")]
    return {name: named[name].detach().float().contiguous() for name in ordered}


def save_weights(path: str | Path, weights: Mapping[str, Tensor], model_params: ModelParams | None = None) -> None:
    """Write a safetensors file atomically; the network's shape goes with it, so that `load_model_params` finds it."""
    from safetensors.torch import save

    metadata = {MODEL: json.dumps(asdict(model_params))} if model_params else {}
    content = save({name: value.detach().cpu().contiguous() for name, value in weights.items()}, metadata)
    with atomic_writer(Path(path)) as stream:
        stream.write(content)


def load_model_params(path: str | Path) -> ModelParams | None:
    """The network's shape from a file that `save_weights` wrote; None where it says nothing.

    Raises:
        InputError: the file is missing or damaged.
    """
    place = Path(path)
    if place.suffix in (".pth", ".pt", ".bin"):
        return None
    text = _read_safetensors(place)[1].get(MODEL)
    try:
        return build(ModelParams, json.loads(text)) if text else None
    except (ValueError, TypeError) as problem:
        raise InputError(f"weights {place}: its model_params are damaged ({problem})") from None


def layer_names(weights: Mapping[str, Any]) -> list[str]:
    """The layers of weights in order: conv2d, additional_linear_0, .., linear."""
    numbers = sorted(int(name.split("_")[2]) for name in weights if re.fullmatch(r"additional_linear_\d+_weight", name))
    return ["conv2d", *(f"additional_linear_{number}" for number in numbers), "linear"]


def model_params_of(
    weights: Mapping[str, Tensor], stride: int | None = None, padding: int | None = None, pool_size: int | None = None
) -> ModelParams:
    """The network's shape from its weights; stride, padding and pool leave no trace in them and default to ours."""
    shape = weights["conv2d_weight"].shape
    default = ModelParams()
    return ModelParams(
        conv_out_channels=int(shape[0]),
        kernel_size=int(shape[2]),
        stride=default.stride if stride is None else stride,
        padding=default.padding if padding is None else padding,
        pool_size=default.pool_size if pool_size is None else pool_size,
        additional_layers=tuple(int(weights[f"{name}_weight"].shape[0]) for name in layer_names(weights)[1:-1]),
    )


def initial_weights(settings: Settings) -> Weights:
    """The weights that a training with these settings begins with."""
    from aanntwin.model import build_model

    return build_model(settings).weights()


def parse_safetensors(content: bytes) -> tuple[Weights, dict[str, str]]:
    """Tensors and metadata of a safetensors file's bytes, in memory of their own.

    A file that is mapped instead would change the tensors when it is written, and end the process when it is cut short.

    Raises:
        ValueError: the bytes are not those of such a file.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensors = {name: value.clone() for name, value in load(content).items()}
        length = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + length])
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as problem:
        raise ValueError(str(problem)) from None
    return tensors, dict(header.get("__metadata__") or {})


def _read_safetensors(place: Path) -> tuple[Weights, dict[str, str]]:
    if not place.is_file():
        raise InputError(f"weights {place}: no such file")
    try:
        return parse_safetensors(place.read_bytes())
    except (ValueError, OSError) as problem:
        raise InputError(f"weights {place}: no safetensors file ({problem})") from None


def _read_torch(place: Path) -> Weights:
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of other pickle protocols: what matters is whether it can be read
            content = torch.load(place, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, OSError) as problem:
        reason = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        raise InputError(f"weights {place}: no PyTorch file of weights ({reason})") from None
    if not isinstance(content, dict) or not all(isinstance(value, torch.Tensor) for value in content.values()):
        raise InputError(f"weights {place}: holds something else than tensors by name")
    return dict(content)


def _by_number(raw: Weights, place: Path) -> Weights:
    """Names of ours for layers.<n>.weight and layers.<n>.bias: the convolution, then linear layers in order."""
    found = {name: re.fullmatch(r"(?:layers\.)?(\d+)\.(weight|bias)", name) for name in raw}
    if not all(found.values()):
        wrong = next(name for name, match in found.items() if match is None)
        raise InputError(f"weights {place}: {wrong!r} is no name of a layer's weight or bias")
    numbers = sorted({int(match[1]) for match in found.values() if match})
    names = ["conv2d", *(f"additional_linear_{index}" for index in range(len(numbers) - 2)), "linear"]
    of = dict(zip(numbers, names, strict=False))
    return {f"{of[int(match[1])]}_{match[2]}": raw[name] for name, match in found.items() if match}


def _check(weights: Weights, place: Path) -> None:
    names = layer_names(weights)
    wanted = {f"{layer}_{part}" for layer in names for part in ("weight", "bias")}
    if wrong := sorted(wanted ^ set(weights)):
        raise InputError(f"weights {place}: {wrong[0]} is {'missing' if wrong[0] in wanted else 'unknown'}")
    dimensions = {name: weights[f"{name}_weight"].ndim for name in names}
    if dimensions.pop("conv2d") != 4 or any(count != 2 for count in dimensions.values()):
        raise InputError(f"weights {place}: conv2d_weight must have four dimensions and the others two")
    widths = [int(weights[f"{name}_weight"].shape[0]) for name in names[1:]]
    for name, inputs in zip(names[2:], widths[:-1], strict=True):
        if weights[f"{name}_weight"].shape[1] != inputs:
            raise InputError(f"weights {place}: {name} takes {weights[f'{name}_weight'].shape[1]} inputs, not {inputs}")
