"""Device curves by the names of their fields, and their classes; for notebooks. See `magnetoionic.devices`."""

from magnetoionic.devices.curves import (
    LAST_PULSE,
    AnyCurve,
    Branch,
    Curve,
    ExponentialCurve,
    LinearCurve,
    Ramp,
    SingleCurve,
    TableCurve,
    span,
)
from magnetoionic.devices.fields import DOUBLE, SINGLE

__all__ = [
    "DOUBLE",
    "LAST_PULSE",
    "SINGLE",
    "AnyCurve",
    "Branch",
    "Curve",
    "ExponentialCurve",
    "LinearCurve",
    "Ramp",
    "SingleCurve",
    "TableCurve",
    "span",
]
