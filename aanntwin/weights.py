"""Weight files: our safetensors, and the .pth files of the published program."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aanntwin.arrays import as_tensors, safe_content, whole
from aanntwin.config import ModelParams
from aanntwin.initial import initial_arrays
from common.cli import build, check
from common.errors import InputError
from common.inputs import parse_json, read_bytes, shorten
from common.runs.files import atomic_writer
from common.tensor_files import check_finite, parse_tensors

if TYPE_CHECKING:
    from torch import Tensor

    from aanntwin.config import Settings

Weights = dict[str, "Tensor"]
MODEL = "model_params"  # the entry of a file's metadata
TORCH_SUFFIXES = (".pth", ".pt")
_NAME = re.compile(r"(conv2d|additional_linear_\d{1,6}|linear)_(weight|bias)")


def load_weights(path: str | Path) -> Weights:
    """Read a weight file: float32 tensors by name, in the model's order.

    A safetensors or a PyTorch file, whatever its name. Tensors have our names, or those of a module with numbered
    layers (layers.2.weight), the first of which is the convolution.

    Raises:
        InputError: the file is missing, damaged, or holds something else, or a number that is not finite.
    """
    return load_model(path)[0]


def load_model(path: str | Path) -> tuple[Weights, ModelParams | None]:
    """The weights of a file, and the network's shape if it is recorded there; errors as `load_weights`."""
    where = f"weights {shorten(path)}"
    raw, metadata = parse_tensors(read_bytes(path, "weights"), where)
    named = raw if all(_NAME.fullmatch(name) for name in raw) else _by_number(raw, where)
    _check(named, where)
    ordered = [f"{layer}_{part}" for layer in layer_names(named) for part in ("weight", "bias")]
    weights = {name: named[name].detach().float().contiguous() for name in ordered}
    check_finite(weights, where)
    return weights, _model_params(metadata, where)


def save_weights(path: str | Path, weights: Mapping[str, Any], model_params: ModelParams | None = None) -> None:
    """Write a weight file atomically: what torch.save writes where the name ends in .pth or .pt, else safetensors.

    The latter also records the network's shape for `load_model`. Weights are tensors or arrays.
    """
    place = Path(path)
    with atomic_writer(place) as stream:
        if place.suffix.lower() in TORCH_SUFFIXES:
            from torch import save as save_pickle

            save_pickle(whole(weights), stream)
            return
        stream.write(safe_content(weights, {MODEL: json.dumps(asdict(model_params))} if model_params else {}))


def load_model_params(path: str | Path) -> ModelParams | None:
    """The network's shape from a file that `save_weights` wrote, or None; errors as `load_weights`."""
    return load_model(path)[1]


def _model_params(metadata: Mapping[str, str], where: str) -> ModelParams | None:
    if MODEL not in metadata:
        return None
    try:
        return build(ModelParams, parse_json(metadata[MODEL], where))
    except (InputError, TypeError) as problem:
        raise InputError(f"{where}: its {MODEL} are damaged ({problem})") from None


def layer_names(weights: Mapping[str, Any]) -> list[str]:
    """The layers of weights in order: conv2d, additional_linear_0, .., linear."""
    numbers = sorted(int(name.split("_")[2]) for name in weights if re.fullmatch(r"additional_linear_\d+_weight", name))
    return ["conv2d", *(f"additional_linear_{number}" for number in numbers), "linear"]


def model_params_of(
    weights: Mapping[str, Tensor], stride: int | None = None, padding: int | None = None, pool_size: int | None = None
) -> ModelParams:
    """The network's shape from its weights; stride, padding and pool cannot be derived and have our defaults.

    Raises:
        InputError: padding is not below the kernel's size.
    """
    shape = weights["conv2d_weight"].shape
    default = ModelParams()
    params = ModelParams(
        conv_out_channels=int(shape[0]),
        kernel_size=int(shape[2]),
        stride=default.stride if stride is None else stride,
        padding=default.padding if padding is None else padding,
        pool_size=default.pool_size if pool_size is None else pool_size,
        additional_layers=tuple(int(weights[f"{name}_weight"].shape[0]) for name in layer_names(weights)[1:-1]),
    )
    check(params, MODEL)
    return params


def initial_weights(settings: Settings) -> Weights:
    """The weights with which a training with these settings begins."""
    return as_tensors(initial_arrays(settings))


def _by_number(raw: Weights, where: str) -> Weights:
    """Our names for layers.<n>.weight and layers.<n>.bias: the convolution, then linear layers in order."""
    found = {name: re.fullmatch(r"(?:layers\.)?(\d{1,6})\.(weight|bias)", name) for name in raw}
    if not all(found.values()):
        wrong = next(name for name, match in found.items() if match is None)
        raise InputError(f"{where}: {shorten(wrong)!r} is not the name of a layer's weight or bias")
    numbers = sorted({int(match[1]) for match in found.values() if match})
    names = ["conv2d", *(f"additional_linear_{index}" for index in range(len(numbers) - 2)), "linear"]
    of = dict(zip(numbers, names, strict=False))
    return {f"{of[int(match[1])]}_{match[2]}": raw[name] for name, match in found.items() if match}


def _check(weights: Weights, where: str) -> None:
    names = layer_names(weights)
    wanted = {f"{layer}_{part}" for layer in names for part in ("weight", "bias")}
    if wrong := sorted(wanted ^ set(weights)):
        raise InputError(f"{where}: {shorten(wrong[0])} is {'missing' if wrong[0] in wanted else 'unknown'}")
    dimensions = {name: weights[f"{name}_weight"].ndim for name in names}
    if dimensions.pop("conv2d") != 4 or any(count != 2 for count in dimensions.values()):
        raise InputError(f"{where}: conv2d_weight must have four dimensions and the others two")
    for name in names:
        weight, bias = weights[f"{name}_weight"], weights[f"{name}_bias"]
        if not weight.numel() or tuple(bias.shape) != tuple(weight.shape[:1]):
            shapes = f"{tuple(weight.shape)} and {tuple(bias.shape)}"
            raise InputError(f"{where}: weight and bias of {name} are {shapes}, allowed: a bias for each output")
    widths = [int(weights[f"{name}_weight"].shape[0]) for name in names[1:]]
    for name, inputs in zip(names[2:], widths[:-1], strict=True):
        if weights[f"{name}_weight"].shape[1] != inputs:
            raise InputError(f"{where}: {name} takes {weights[f'{name}_weight'].shape[1]} inputs, not {inputs}")
