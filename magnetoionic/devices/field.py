"""A device field as one record, whether it is one of ours, of a file, or a user's own.

A field of your own is package.module:Name, a class or an object with a falling curve:

    class Logarithmic:
        last = 40.0  # the largest number of pulses
        def value(self, pulses):  # takes and gives NumPy arrays
            return 2.7 - 0.15 * np.log1p(pulses)

It may also have `pulses(value)`, the inverse of `value` (without it a table of the curve is used, whose inverse is
exact), and `relaxes_to`, `label` and `color` as in `Field`. A `Field`, or one of `magnetoionic.devices.curves`, will do
as well: lines and exponentials train on compiled kernels, some ten times faster than others, and a `SingleCurve` makes
single devices.
"""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass
from typing import Any

import numpy as np

from common.errors import InputError
from common.plugins import label
from magnetoionic.devices.curves import AnyCurve, SingleCurve, TableCurve

GRID = 4097  # points of a table: straight lines between them miss a smooth curve by some 1e-7 of its range
CLOSE = 1e-3  # pulses by which an inverse may miss
FLAT = 1e-3  # the least share of a curve's values that its range may be: devices are kept in single precision
RELAXED = "double-linear"  # what a field relaxes to where nothing else is said


@dataclass(frozen=True, kw_only=True, eq=False)
class Field:
    """All that the program knows of a device field.

    Attributes:
        curve: what a device does under pulses; a `SingleCurve` makes single devices; None: --device-curve gives it.
        relaxes_to: the field whose curve pairs of devices take after training, as --field names it.
        published: it is one of the two whose published runs all used one ratio of input scales in that test.
        label: its name in figures; "" means the word that --field takes, or the Name of package.module:Name.
        color: in figures, as matplotlib has it; "" means one that no other field of the figure has.
    """

    curve: AnyCurve | None
    relaxes_to: str = RELAXED
    published: bool = False
    label: str = ""
    color: str = ""

    @property
    def single(self) -> bool:
        """Whether a weight is one device instead of a pair."""
        return isinstance(self.curve, SingleCurve)


class Device(ABC):  # noqa: B024 - no base class: whatever has a curve is one
    """Whatever can be a device field: it has a method `value(pulses)`, or is a Field or a SingleCurve."""

    @classmethod
    def __subclasshook__(cls, other: type) -> bool:
        """See `abc.ABCMeta`."""
        return issubclass(other, (Field, SingleCurve)) or callable(getattr(other, "value", None))


def as_field(word: str, found: Any) -> Field:
    """What a word of --field has named as a record, with its curve checked if it is a user's own.

    Raises:
        InputError: it cannot be a device's curve; the message says why.
    """
    where = f"field {word}"
    if isinstance(found, type):
        try:
            found = found()
        except TypeError as problem:
            raise InputError(f"{where}: cannot be made without arguments ({problem})") from None
    if not isinstance(found, Field):
        given = {name: getattr(found, name) for name in ("relaxes_to", "label", "color") if hasattr(found, name)}
        if wrong := [name for name, value in given.items() if not isinstance(value, str)]:
            raise InputError(f"{where}: its {wrong[0]} is no text")
        found = Field(curve=found, **given)
    curve = found.curve
    curve = curve if isinstance(curve, SingleCurve) else _checked(where, curve)
    return Field(curve=curve, relaxes_to=found.relaxes_to, label=found.label or label(word), color=found.color)


def _checked(where: str, curve: Any) -> Any:
    """A curve of a user's own that falls and has an inverse; a table of it if it has no method for that."""
    last = getattr(curve, "last", None)
    if isinstance(last, bool) or not isinstance(last, (int, float)) or not 0 < last < np.inf:
        raise InputError(f"{where}: its `last`, the largest number of pulses, is {last!r}; allowed: a number above 0")
    grid = np.linspace(0.0, float(last), GRID)
    values = _called(where, "value(pulses)", curve.value, grid)
    if not (np.diff(values) < 0).all():
        at = grid[:-1][np.diff(values) >= 0][0]
        raise InputError(f"{where}: does not fall after {at:g} pulses; pulses only ever lower a device")
    if values[0] - values[-1] < FLAT * np.abs(values).max():
        raise InputError(
            f"{where}: falls from {values[0]:g} to {values[-1]:g}, too little for single precision; subtract a constant"
        )
    if not hasattr(curve, "pulses"):
        return TableCurve(values, float(last))
    missed = np.abs(_called(where, "pulses(value)", curve.pulses, values) - grid).max()
    if missed > CLOSE:
        raise InputError(f"{where}: pulses(value) is not the inverse of value(pulses); it misses by {missed:g} pulses")
    return curve


def _called(where: str, name: str, method: Any, arrays: Any) -> Any:
    try:
        found = np.asarray(method(arrays), dtype=np.float64)
    except Exception as problem:  # noqa: BLE001 - a user's own code, in which anything may be wrong
        raise InputError(f"{where}: {name} of an array fails ({type(problem).__name__}: {problem})") from None
    if found.shape != arrays.shape or not np.isfinite(found).all():
        raise InputError(f"{where}: {name} gives no finite number for each number of an array")
    return found
