"""The design space of a chip: all channels, kernels, strides, paddings and pools that fit together."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from aanntwin.config import ModelParams
from aanntwin.sizes import Sizes, derive
from common.errors import InputError

CHANNELS = (1, 2, 4, 8, 16, 32, 64, 128)
SIDES = range(1, 8)
VARIED = ("conv_out_channels", "kernel_size", "stride", "padding", "pool_size")
COLUMNS = (*VARIED, "conv_out", "pool_out", "final_size", "macs", "multipliers")


@dataclass(frozen=True)
class Design:
    """A model's shape and the sizes derived from it."""

    params: ModelParams
    sizes: Sizes

    @property
    def cells(self) -> list[str]:
        """Its values of COLUMNS."""
        sizes = self.sizes
        derived = (sizes.conv_out, sizes.pool_out, sizes.features, sizes.mac_count, sizes.multipliers)
        return [str(value) for value in (*(getattr(self.params, name) for name in VARIED), *derived)]

    @property
    def name(self) -> str:
        """The design's name, e.g. c4_k6_s2_p1_pool1."""
        return "c{}_k{}_s{}_p{}_pool{}".format(*(getattr(self.params, name) for name in VARIED))


def designs(image_shape: tuple[int, int, int], additional_layers: tuple[int, ...] = ()) -> list[Design]:
    """All valid designs by rising number of multipliers, then in the order of their parameters.

    Channels are 1 to 128 in powers of two, kernel, stride and pool 1 to 7, and the padding is below the kernel.

    Args:
        image_shape: channels, height and width.
        additional_layers: widths of linear layers that every design has.
    """
    found = []
    for channels, kernel, stride, pool in itertools.product(CHANNELS, SIDES, SIDES, SIDES):
        for padding in range(kernel):
            values = (channels, kernel, stride, padding, pool)
            params = ModelParams(**dict(zip(VARIED, values, strict=True)), additional_layers=additional_layers)
            try:
                found.append((values, Design(params, derive(params, image_shape))))
            except InputError:  # sizes that do not fit are not designs
                continue
    return [design for values, design in sorted(found, key=lambda entry: (entry[1].sizes.multipliers, entry[0]))]
