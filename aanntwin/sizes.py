"""Sizes of the network's signals, and the hardware that follows from them: MACs and multipliers."""

from __future__ import annotations

from dataclasses import dataclass

from aanntwin.config import IMAGE_SHAPES, N_CLASSES, ModelParams
from common.errors import InputError

MOST_WEIGHTS = 2**25  # of a network: half a GiB with gradient and velocity


@dataclass(frozen=True)
class Sizes:
    """Derived from ModelParams and an image shape by `derive`.

    Attributes:
        in_channels, in_size: of the image.
        conv_out, pool_out: sides of the convolution's and the pool's output.
        features: inputs of the first linear layer.
        widths: inputs and outputs of the linear layers in order: features, additional widths, classes.
        macs: multiply-accumulate units of each group: convolution, additional layers, last layer.
        multipliers: total of all groups.
    """

    in_channels: int
    in_size: int
    conv_out: int
    pool_out: int
    features: int
    widths: tuple[int, ...]
    macs: tuple[int, ...]
    multipliers: int

    @property
    def mac_count(self) -> int:
        """MACs of all groups."""
        return sum(self.macs)


def derive(params: ModelParams, image_shape: tuple[int, int, int] | str, classes: int = N_CLASSES) -> Sizes:
    """Sizes of a model for images of a shape (channels, height, width), or of a data set by its name.

    Input channels are not counted in MACs and multipliers: each MAC of the convolution has kernel_size^2 multipliers,
    and each of a later group as many as the group before has MACs.

    Raises:
        InputError: kernel and stride, or pool, do not fit, or the network is too large.
    """
    shape = IMAGE_SHAPES[image_shape] if isinstance(image_shape, str) else image_shape
    params.check()
    channels, height, width = shape
    if height != width:
        raise InputError(f"images of {height}x{width} are not square, allowed: as high as wide")
    span = width + params.stride + 2 * params.padding - params.kernel_size
    if span < params.stride:
        raise InputError(
            f"kernel_size {params.kernel_size} is larger than the padded image {width + 2 * params.padding}"
        )
    conv_out, rest = divmod(span, params.stride)
    if rest:
        raise InputError(
            f"in_size + stride + 2 * padding - kernel_size is {span}, which stride {params.stride} does not divide"
        )
    pool_out, rest = divmod(conv_out, params.pool_size)
    if rest:
        raise InputError(f"pool_size {params.pool_size} does not divide the convolution's output side {conv_out}")
    features = pool_out * pool_out * params.conv_out_channels
    widths = (features, *params.additional_layers, classes)
    weights = channels * params.kernel_size**2 * params.conv_out_channels
    weights += sum(count * each for count, each in zip(widths[1:], widths[:-1], strict=True))
    if max(weights, outputs := params.conv_out_channels * conv_out**2) > MOST_WEIGHTS:
        have = f"{weights:.3g} weights and {outputs:.3g} outputs of the convolution"
        raise InputError(f"the network has {have}, allowed: {MOST_WEIGHTS} of each")
    operands = (params.kernel_size**2, *widths[:-1])
    multipliers = sum(count * each for count, each in zip(widths, operands, strict=True))
    return Sizes(channels, width, conv_out, pool_out, features, widths, widths, multipliers)
