"""The device fields that --field names, one record each. A new one is an entry here, or a user's own file.

Values are Hall resistances in the measured unit.
"""

from __future__ import annotations

from typing import Any

from common.figure_style import COLORS
from common.plugins import Registry, is_own
from magnetoionic.devices.curves import Branch, Curve, ExponentialCurve, LinearCurve, Ramp, SingleCurve
from magnetoionic.devices.field import RELAXED, Device, Field, as_field

LINEAR = LinearCurve(slope=0.021, start=2.742)  # measured curves are scaled to its range
EXPONENTIAL = ExponentialCurve(amplitude=1.530, tau=9.741, floor=0.750)
STRONG = SingleCurve(Branch(0.443, 2.53, 1.66, -0.11), Branch(-24.77, 0.287, 128.0, 9.11))
WEAK = SingleCurve(Branch(0.9066, 1.176, 4.42, -0.507), Branch(-1.28, 0.997, 5.02, 1.583))
MEASURED = "measured"
OURS = {
    RELAXED: Field(curve=LINEAR, relaxes_to="double-exponential", published=True, color=COLORS[0]),
    "double-exponential": Field(curve=EXPONENTIAL, published=True, color=COLORS[1]),
    "single-linear": Field(curve=SingleCurve(Ramp(1.0), Ramp(-1.0)), color=COLORS[2]),
    "single-strong": Field(curve=STRONG, color=COLORS[3]),
    "single-weak": Field(curve=WEAK, color=COLORS[4]),
    MEASURED: Field(curve=None),
}
FIELDS: Registry[Any] = Registry("field", Device, OURS)
DOUBLE: dict[str, Curve] = {
    name: field.curve for name, field in OURS.items() if field.curve and not isinstance(field.curve, SingleCurve)
}
SINGLE: dict[str, SingleCurve] = {
    name: field.curve for name, field in OURS.items() if isinstance(field.curve, SingleCurve)
}


def find_field(word: str) -> Field:
    """The record of a field, by its name in --field.

    Raises:
        InputError: there is no such field, or a user's own cannot be one.
    """
    found = FIELDS.get(word)
    return as_field(word, found) if is_own(word) else OURS[word]
