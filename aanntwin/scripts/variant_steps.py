"""The layers as steps that know which part of a variant they read; `variants` shares their outputs by that."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from aanntwin.weights import layer_names

if TYPE_CHECKING:
    from aanntwin.config import ModelParams
    from aanntwin.scripts.variants import Variant


class Chunk:
    """Some of the images, with the noise and the layer outputs that several variants need.

    Args:
        x: (N, C, H, W).
        generator: makes the generator of a noise step in a draw.
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
    """A piece of the model: what of a variant it reads, and what it makes of its input."""

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
    yield _convolution(params)
    yield _noise("conv2d", "conv2d_out_noise")
    yield _relu()
    yield _noise("conv2d_relu", "relu_out_noise")
    yield Step(lambda v: None, lambda x, v, chunk: _pooled(x, params.pool_size).flatten(1))
    for name in layer_names(weights)[1:]:
        yield _linear(name)
        yield _noise(name, "linear_out_noise")
        if name != "linear":
            yield _relu(plain=relu_after_conv_only)
            if not relu_after_conv_only:
                yield _noise(f"{name}_relu", "relu_out_noise")


def _noise(name: str, field: str) -> Step:
    def apply(x: Tensor, v: Variant, chunk: Chunk) -> Tensor:
        deviation = getattr(v.nonidealities, field)
        return x.add(chunk.noise(name, v.draw, x), alpha=deviation) if deviation else x

    return Step(lambda v: _scaled(v, field), apply)


def _relu(*, plain: bool = False) -> Step:
    def cutoff(v: Variant) -> float:
        return 0.0 if plain else v.nonidealities.relu_cutoff

    return Step(cutoff, lambda x, v, chunk: x.clamp(min=cutoff(v)))


def _linear(name: str) -> Step:
    def apply(x: Tensor, v: Variant, chunk: Chunk) -> Tensor:
        values = v.nonidealities
        shaped = _shaped(x, values.linear_input_clip, values.linear_input_nonlin)
        return functional.linear(shaped, v.weights[f"{name}_weight"], v.weights[f"{name}_bias"])

    return Step(
        lambda v: (*_read(v, name), v.nonidealities.linear_input_clip, v.nonidealities.linear_input_nonlin), apply
    )


def _convolution(params: ModelParams) -> Step:
    """Input noise and convolution in one step.

    Without clip and polynomial between them, conv(x + s e) = conv(x) + s conv(e) up to rounding: then one
    convolution of the images and one of the noise serve every level of a draw.
    """

    def convolve(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return functional.conv2d(x, weight, bias, stride=params.stride, padding=params.padding)

    def apply(x: Tensor, v: Variant, chunk: Chunk) -> Tensor:
        values, weight, bias = v.nonidealities, v.weights["conv2d_weight"], v.weights["conv2d_bias"]
        noisy = bool(values.input_noise)
        if values.conv2d_input_clip is not None or values.conv2d_input_nonlin:
            if noisy:
                x = x.add(chunk.noise("input", v.draw, x), alpha=values.input_noise)
            return convolve(_shaped(x, values.conv2d_input_clip, values.conv2d_input_nonlin), weight, bias)
        clean = chunk.keep(("conv", *_read(v, "conv2d")), lambda: convolve(x, weight, bias))
        if not noisy:
            return clean
        of_noise = chunk.keep(
            ("conv of noise", id(weight), v.draw), lambda: convolve(chunk.noise("input", v.draw, x), weight, None)
        )
        return clean.add(of_noise, alpha=values.input_noise)

    def key(v: Variant) -> Hashable:
        values = v.nonidealities
        return *_read(v, "conv2d"), values.conv2d_input_clip, values.conv2d_input_nonlin, _scaled(v, "input_noise")

    return Step(key, apply)


def _shaped(x: Tensor, limit: float | None, coefficients: Iterable[float] | None) -> Tensor:
    """A layer's input after its clip and then its polynomial, power 0 first."""
    if limit is not None:
        x = x.clamp(-limit, limit)
    if coefficients:
        powers = list(coefficients)
        total = torch.full_like(x, powers[-1])
        for coefficient in reversed(powers[:-1]):
            total = total * x + coefficient
        return total
    return x


def _pooled(x: Tensor, size: int) -> Tensor:
    return x if size == 1 else functional.max_pool2d(x, size)  # which takes ten times a copy's time where size is 1


def _read(v: Variant, layer: str) -> tuple[int, int]:
    """The tensors of a layer, by identity."""
    return id(v.weights[f"{layer}_weight"]), id(v.weights[f"{layer}_bias"])


def _scaled(v: Variant, field: str) -> Hashable:
    """A noise and its draw; without noise the draw does not matter."""
    deviation = getattr(v.nonidealities, field)
    return (deviation, v.draw) if deviation else None
