"""A measured device as a field: fit a line, an exponential or a monotone spline to its points, in units of the model.

The model trains on curves of one range, that of the double-linear device (2.742 to 2.175): learning rates, the initial
width and noises mean the same for every device, whatever the unit of its file.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from common.errors import InputError
from common.inputs import read_bytes
from magnetoionic.devices.curve_file import LIMIT, WHAT, read_table
from magnetoionic.devices.curves import ExponentialCurve, LinearCurve, TableCurve, span
from magnetoionic.devices.field import GRID
from magnetoionic.devices.fields import LINEAR
from magnetoionic.devices.points import Array, Measured, points, pooled

FITS = ("linear", "exponential", "spline")
FittedCurve = LinearCurve | ExponentialCurve | TableCurve


@dataclass(frozen=True)
class Units:
    """Conversion of the model's values to the units of a file: offset + size * value.

    Attributes:
        size: the model's unit in units of the file.
        offset: the file's value where the model's is 0.
    """

    size: float
    offset: float

    def values(self, values: Any) -> Any:
        """Values of the model in the units of the file."""
        return self.offset + self.size * values


@dataclass(frozen=True, eq=False)
class Fit:
    """A curve through measured points.

    Attributes:
        name: one of FITS.
        trained: the curve from no pulse to the last measured one, in units of the model.
        units: those of the points.
        rms: root of the mean squared error, in the unit of the points.
        worst: the largest error.
    """

    name: str
    trained: FittedCurve
    units: Units
    rms: float
    worst: float

    @property
    def curve(self) -> FittedCurve:
        """The curve in the units of the points."""
        return self.trained.affine(self.units.size, self.units.offset)

    def describe(self) -> str:
        """One line with the errors."""
        share = 100.0 * self.rms / span(self.curve)
        return f"{self.name} fit: error {self.rms:.3g} rms ({share:.2f} % of its range), at most {self.worst:.3g}"


def read_curve(path: Path, columns: str | None = None) -> Measured:
    """The points in a text file; see `magnetoionic.devices.curve_file` and `magnetoionic.devices.points`.

    Args:
        path: the file.
        columns: "PULSES,VALUES", names or numbers of columns; None where there are only two.

    Raises:
        InputError: the file cannot be read, is not a curve, or can be read in two ways.
    """
    return parse_curve(f"{WHAT} {path}", read_bytes(path, WHAT, LIMIT), columns)


def parse_curve(where: str, content: bytes, columns: str | None = None) -> Measured:
    """As `read_curve`, for the content of a file; `where` begins messages."""
    return points(read_table(where, content), columns)


def fit(measured: Measured, name: str) -> Fit:
    """Fit one of FITS to measured points, and scale the curve to the range of the double-linear device.

    Raises:
        InputError: an exponential does not fit at all.
    """
    found = _fitted(measured.where, measured.pulses, measured.shares, name)  # a share of 1 is the reach of the points
    factor = span(LINEAR) / span(found)
    offset = float(LINEAR.value(0.0) - factor * found.value(0.0))
    units = Units(measured.reach / factor, measured.low - measured.reach * offset / factor)
    return _with_errors(measured, name, found.affine(factor, offset), units)


def fit_unscaled(measured: Measured, name: str) -> Fit:
    """Fit to the values as they are, as simulations did before curves were scaled.

    Raises:
        InputError: an exponential does not fit at all.
    """
    found = _fitted(measured.where, measured.pulses, measured.values, name)
    return _with_errors(measured, name, found, Units(1.0, 0.0))


def _with_errors(measured: Measured, name: str, trained: FittedCurve, units: Units) -> Fit:
    error = np.abs(units.values(trained.value(measured.pulses)) - measured.values)
    return Fit(name, trained, units, float(np.sqrt((error**2).mean())), float(error.max()))


def _fitted(where: str, pulses: Array, values: Array, name: str) -> FittedCurve:
    if name == "exponential":
        return _exponential(where, pulses, values)
    return _line(pulses, values) if name == "linear" else _spline(pulses, values)


def _line(pulses: Array, values: Array) -> LinearCurve:
    slope, start = np.polyfit(pulses, values, 1)
    return LinearCurve(float(-slope), float(start), float(pulses[-1]))


def _exponential(where: str, pulses: Array, values: Array) -> ExponentialCurve:
    from scipy.optimize import OptimizeWarning, curve_fit

    last, low, high = pulses[-1], values.min(), values.max()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OptimizeWarning)  # about the covariance, which is not used
            found, _ = curve_fit(
                lambda x, amplitude, tau, floor: amplitude * np.exp(-x / tau) + floor,
                pulses,
                values,
                p0=(high - low, last / 3, low),
                bounds=((0, last * 1e-3, -np.inf), (np.inf, last * 1e3, np.inf)),
            )
    except RuntimeError as problem:
        raise InputError(f"{where}: no exponential fits ({problem}); use --curve-fit spline") from None
    if found[0] <= 0:
        raise InputError(f"{where}: no falling exponential fits; use --curve-fit spline")
    amplitude, tau, floor = (float(value) for value in found)
    return ExponentialCurve(amplitude, tau, floor, float(last))


def _spline(pulses: Array, values: Array) -> TableCurve:
    """A monotone cubic spline (PCHIP) through the points, pooled where they rise, as a table on an even grid.

    Plateaus would trap devices, as only their values are stored; pooling leaves one point of each plateau.
    """
    from scipy.interpolate import PchipInterpolator

    levels = pooled(pulses, values)
    x, y = levels.pulses, levels.values
    last = float(pulses[-1])
    inside, grid = PchipInterpolator(x, y), np.linspace(0.0, last, GRID)
    table = inside(np.clip(grid, x[0], x[-1]))
    # Beyond the outermost pooled points: linear extrapolation.
    table += np.minimum(grid - x[0], 0.0) * (y[1] - y[0]) / (x[1] - x[0])
    table += np.maximum(grid - x[-1], 0.0) * (y[-1] - y[-2]) / (x[-1] - x[-2])
    return TableCurve(table, last)
