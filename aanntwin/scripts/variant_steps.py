"""The layers as steps, each with a key of what it reads of a variant; `variants` shares outputs of equal keys."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from aanntwin.config import NONIDEALITIES, ModelParams, Nonidealities
from aanntwin.nonidealities.base import Nonideality
from aanntwin.nonidealities.noise import Noise
from aanntwin.signal_path import CONV, Stage, path
from aanntwin.weights import layer_names

_NOISES = tuple(kind for kind in NONIDEALITIES.values() if issubclass(kind, Noise))


@dataclass(frozen=True, eq=False)
class Variant:
    """A model to test: weights, nonidealities and a noise draw.

    Attributes:
        weights: by name. Variants that share a layer share the tensor itself, not a copy.
        nonidealities: of the test.
        draw: the number of the noise draw.
    """

    weights: Mapping[str, Tensor]
    nonidealities: Nonidealities
    draw: int = 0


class Chunk:
    """Some of the images, with the noise and the layer outputs that several variants need.

    Args:
        x: (N, C, H, W).
        generator: makes the random generator for a noise step and a draw.
    """

    def __init__(self, x: Tensor, generator: Callable[[str, int], torch.Generator]) -> None:
        self.x = x
        self._generator = generator
        self._kept: dict[Hashable, Tensor] = {}

    def keep(self, key: Hashable, make: Callable[[], Tensor]) -> Tensor:
        """The tensor under a key, made at the first request."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def noise(self, step: str, draw: int, like: Tensor) -> Tensor:
        """The standard normal numbers of a noise step in a draw, in the shape of the step's input."""

        def make() -> Tensor:
            numbers = torch.randn(like.shape, generator=self._generator(step, draw), dtype=like.dtype)
            return numbers.to(like.device)

        return self.keep((step, draw), make)


class Step(NamedTuple):
    """A part of the model: `key` gives what it reads of a variant, `apply` its output."""

    key: Callable[[Variant], Hashable]
    apply: Callable[[Tensor, Variant, Chunk], Tensor]


def steps_of(weights: Mapping[str, Tensor], params: ModelParams, *, relu_after_conv_only: bool) -> list[Step]:
    """The steps from the normalised images to the logits.

    Args:
        weights: of any variant.
        params: stride, padding and pool size.
        relu_after_conv_only: keep relu_cutoff and relu_out_noise from the ReLUs of the linear layers.
    """
    return list(_steps(weights, params, relu_after_conv_only))


def _steps(weights: Mapping[str, Tensor], params: ModelParams, relu_after_conv_only: bool) -> Iterator[Step]:
    for stage in path(len(layer_names(weights)) - 2).values():
        if stage.name == "input":
            continue  # belongs to the convolution
        if stage.name == CONV:
            yield _convolution(params)
        elif f"{stage.name}_weight" in weights:
            yield from (_effects(stage, site) for site in stage.entry)
            yield _linear(stage.name)
        ideal = relu_after_conv_only and stage.hidden
        yield from (_effects(stage, site, ideal=ideal) for site in stage.exit)
        if stage.name == f"{CONV}_relu":
            yield Step(lambda v: None, lambda x, v, chunk: _pooled(x, params.pool_size).flatten(1))


def _effects(stage: Stage, site: str, *, ideal: bool = False) -> Step:
    """All nonidealities at a site of a layer as one step; a step per site, so that more is shared."""

    def acting(v: Variant) -> list[Nonideality]:
        return (Nonidealities() if ideal else v.nonidealities).acting(site)

    def apply(x: Tensor, v: Variant, chunk: Chunk) -> Tensor:
        return _applied(acting(v), stage.name, x, v, chunk)

    return Step(lambda v: _key(acting(v), v), apply)


def _applied(acting: Iterable[Nonideality], layer: str, x: Tensor, v: Variant, chunk: Chunk) -> Tensor:
    for each in acting:
        normals = partial(chunk.noise, each.stream(layer), v.draw)
        # Rounded once, where `apply` rounds twice; the published noise curves were computed in this way.
        x = x.add(normals(x), alpha=each.level) if type(each) in _NOISES else each.apply(x, normals)
    return x


def _key(acting: Iterable[Nonideality], v: Variant) -> tuple[Hashable, ...]:
    """Levels, and the draw where one of them is random."""
    return tuple((*each.key, v.draw if each.random else None) for each in acting)


def _linear(name: str) -> Step:
    def apply(x: Tensor, v: Variant, chunk: Chunk) -> Tensor:
        return functional.linear(x, v.weights[f"{name}_weight"], v.weights[f"{name}_bias"])

    return Step(lambda v: _read(v, name), apply)


def _convolution(params: ModelParams) -> Step:
    """The nonidealities of the input and of the convolution's input, and the convolution, in one step.

    With nothing but noise before it, conv(x + s e) = conv(x) + s conv(e) up to rounding: then one convolution of the
    images and one of the noise serve every level of a draw.
    """

    def convolve(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return functional.conv2d(x, weight, bias, stride=params.stride, padding=params.padding)

    def apply(x: Tensor, v: Variant, chunk: Chunk) -> Tensor:
        weight, bias = v.weights[f"{CONV}_weight"], v.weights[f"{CONV}_bias"]
        before, entry = v.nonidealities.acting("input"), v.nonidealities.acting("conv2d_input")
        if entry or any(type(each) not in _NOISES for each in before):
            x = _applied(before, "input", x, v, chunk)
            return convolve(_applied(entry, CONV, x, v, chunk), weight, bias)
        total = chunk.keep(("conv", *_read(v, CONV)), lambda: convolve(x, weight, bias))
        for each in before:
            name = each.stream("input")
            of_noise = chunk.keep(
                ("conv of noise", name, id(weight), v.draw),
                lambda name=name: convolve(chunk.noise(name, v.draw, x), weight, None),  # type: ignore[misc]
            )
            total = total.add(of_noise, alpha=each.level)
        return total

    def key(v: Variant) -> Hashable:
        return *_read(v, CONV), *_key(v.nonidealities.acting("input", "conv2d_input"), v)

    return Step(key, apply)


def _pooled(x: Tensor, size: int) -> Tensor:
    return (
        x if size == 1 else functional.max_pool2d(x, size)
    )  # torch pools over one element ten times slower than it copies


def _read(v: Variant, layer: str) -> tuple[int, int]:
    """The tensors of a layer, by identity."""
    return id(v.weights[f"{layer}_weight"]), id(v.weights[f"{layer}_bias"])
