"""A device field as one record, whether it is built in, from a file, or a user's own.

Your own field is package.module:Name, a class or an object with a falling curve:

    class Logarithmic:
        last = 40.0  # the largest number of pulses
        def value(self, pulses):  # takes and gives NumPy arrays
            return 2.7 - 0.15 * np.log1p(pulses)

It may also have `pulses(value)`, the inverse of `value` (without it a table of the curve is used, whose inverse is
exact), and `relaxes_to`, `label` and `color` as in `Field`. A `Field`, or a curve of `magnetoionic.devices.curves`,
works too: lines and exponentials train on compiled kernels, some ten times faster than others, and a `SingleCurve`
makes single devices.
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
FLAT = 1e-3  # least range of a curve, relative to its largest value: devices are stored in single precision
RELAXED = "double-linear"  # the default of `Field.relaxes_to`


@dataclass(frozen=True, kw_only=True, eq=False)
class Field:
    """A device field.

    Attributes:
        curve: a device's value under pulses; a `SingleCurve` makes single devices; None: --device-curve gives it.
        relaxes_to: the field, by its name in --field, whose curve pairs of devices take after training.
        published: whether it is one of the two fields whose published tests after relaxation used one ratio of scales.
        label: its name in figures; "" means the name in --field, or the Name of package.module:Name.
        color: matplotlib's name of its color in figures; "" means one that no other field of the figure has.
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


class Device(ABC):  # noqa: B024 - for isinstance only, not a base class
    """Anything that can be a device field: it has a method `value(pulses)`, or is a Field or a SingleCurve."""

    @classmethod
    def __subclasshook__(cls, other: type) -> bool:
        """See `abc.ABCMeta`."""
        return issubclass(other, (Field, SingleCurve)) or callable(getattr(other, "value", None))


def as_field(word: str, found: Any) -> Field:
    """The record of a user's own field, with its curve checked.

    Raises:
        InputError: it cannot be a device's curve; the message says why.
    """
    where = f"field {word}"
    if isinstance(found, type):
        try:
            found = found()
        except TypeError as problem:
            raise InputError(f"{where}: the class needs arguments ({problem}); allowed: one without") from None
    if not isinstance(found, Field):
        given = {name: getattr(found, name) for name in ("relaxes_to", "label", "color") if hasattr(found, name)}
        if wrong := [name for name, value in given.items() if not isinstance(value, str)]:
            raise InputError(f"{where}: its {wrong[0]} is not text")
        found = Field(curve=found, **given)
    curve = found.curve
    curve = curve if isinstance(curve, SingleCurve) else _checked(where, curve)
    return Field(curve=curve, relaxes_to=found.relaxes_to, label=found.label or label(word), color=found.color)


def _checked(where: str, curve: Any) -> Any:
    """A user's own curve, checked to fall and to have an inverse; without the method `pulses`, a table of it."""
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
    except Exception as problem:  # noqa: BLE001 - a user's code may raise anything
        raise InputError(f"{where}: {name} of an array fails ({type(problem).__name__}: {problem})") from None
    if found.shape != arrays.shape or not np.isfinite(found).all():
        raise InputError(f"{where}: {name} gives no finite number for each number of an array")
    return found
