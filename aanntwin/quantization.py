"""Quantise weights as a chip stores them: a sign, some bits and a full scale.

With b bits (the sign not counted) and full scale r the step is r / 2^b.

- Mid-rise: levels at (n + 1/2) steps, from -(r - step/2) to r - step/2. There are 2^(b+1) of them and none is zero.
- Mid-tread: levels at n steps, from -(r - step) to r - step. There are 2^(b+1) - 1 of them, zero included.

A weight becomes the nearest level; of two equally near ones the upper, and beyond the last level the last.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from common.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

MOST_BITS = 16
FULL_SCALES = (1e-30, 3e38)  # range in which single precision can distinguish the levels


def step_of(bits: int, full_scale: float) -> float:
    """The distance between two levels, in units of the full scale.

    Raises:
        InputError: bits are not a whole number from 0 to 16, or the full scale is out of range (see FULL_SCALES).
    """
    if isinstance(bits, bool) or not isinstance(bits, int) or not 0 <= bits <= MOST_BITS:
        raise InputError(f"bits are {bits}, allowed: whole numbers from 0 to {MOST_BITS}, the sign not counted")
    _check_full_scale(full_scale)
    return math.ldexp(full_scale, -bits)


def quantize(values: Tensor, bits: int, full_scale: float, *, with_zero: bool = False) -> Tensor:
    """Every value moved to the nearest level; a new tensor of the same shape, type and device.

    Args:
        values: any shape, floating point; NaN stays NaN.
        bits: the sign not counted.
        full_scale: r, in the units of the values.
        with_zero: mid-tread instead of mid-rise.

    Raises:
        InputError: see `step_of`.
    """
    step = step_of(bits, full_scale)
    # In double precision: in float32 a level divided by its step need not be a multiple of 1/2 again.
    scaled = values.double() / step
    if with_zero:
        last = 2.0**bits - 1.0
        return ((scaled + 0.5).floor().clamp(-last, last) * step).to(values.dtype)
    last = 2.0**bits - 0.5
    return ((scaled.floor() + 0.5).clamp(-last, last) * step).to(values.dtype)


def clip(values: Tensor, full_scale: float) -> Tensor:
    """Values limited to +-full_scale but not quantised: the limit of very many bits.

    Raises:
        InputError: the full scale is out of range (see FULL_SCALES).
    """
    _check_full_scale(full_scale)
    return values.clamp(-full_scale, full_scale)


def full_scale_of(values: Tensor, deviations: float, name: str = "the weights") -> float:
    """A full scale given in standard deviations of a tensor (those of a sample, with n - 1), in the tensor's units.

    Args:
        values: any shape, two values or more.
        deviations: the full scale in standard deviations, above 0.
        name: of the tensor, for the message.

    Raises:
        InputError: the deviations are not above 0, or all values are equal, so that there is no scale.
    """
    if not (deviations > 0 and math.isfinite(deviations)):
        raise InputError(f"the full scale of {name} is {deviations:g} standard deviations, allowed: above 0")
    spread = float(values.double().std()) if values.numel() > 1 else 0.0
    if not (spread > 0 and math.isfinite(spread)):
        raise InputError(
            f"{name}: the standard deviation is {spread:g}; a full scale in units of it needs values that differ"
        )
    return deviations * spread


def _check_full_scale(full_scale: float) -> None:
    low, high = FULL_SCALES
    if not low <= full_scale <= high:
        raise InputError(f"the full scale is {full_scale:g}, allowed: {low:g} to {high:g}")
