"""A measured device as a field: read its curve from a CSV file, and fit a line, an exponential or a monotone spline."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.errors import InputError
from magnetoionic.curves import Curve, ExponentialCurve, LinearCurve, TableCurve, span

FITS = ("linear", "exponential", "spline")
GRID = 4097
FEWEST = 4


@dataclass(frozen=True, eq=False)
class Measured:
    """Measured points, sorted by pulses.

    Attributes:
        pulses: (N,) float64, 0 or more.
        values: (N,) float64, falling on the whole.
    """

    pulses: NDArray[np.float64]
    values: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Fit:
    """A curve through measured points.

    Attributes:
        name: one of FITS.
        curve: from no pulse to the last measured one.
        rms: root of the mean squared error, in the unit of the values.
        worst: the largest error.
    """

    name: str
    curve: Curve
    rms: float
    worst: float

    def describe(self) -> str:
        """One line with the errors."""
        share = 100.0 * self.rms / span(self.curve)
        return f"{self.name} fit: error {self.rms:.3g} rms ({share:.2f} % of its range), at most {self.worst:.3g}"


def read_curve(path: Path) -> Measured:
    """Read a CSV file with two columns, pulses and value; a first line of words is a header.

    Raises:
        InputError: the file cannot be read, holds too few points, or its values rise.
    """
    try:
        with open(path, newline="") as stream:
            rows = [row for row in csv.reader(stream) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise InputError(f"device curve {path}: cannot be read ({reason})") from None
    points = np.array([_point(path, row) for row in rows[_is_header(rows) :]], dtype=float).reshape(-1, 2)
    points = points[np.argsort(points[:, 0], kind="stable")]
    if len(np.unique(points[:, 0])) < FEWEST:
        raise InputError(f"device curve {path}: has {len(np.unique(points[:, 0]))} pulse counts; at least {FEWEST}")
    if points[0, 0] < 0:
        raise InputError(f"device curve {path}: {points[0, 0]:g} pulses; allowed: 0 or more")
    if np.polyfit(points[:, 0], points[:, 1], 1)[0] >= 0:
        raise InputError(f"device curve {path}: the values do not fall with pulses; a device is only ever lowered")
    return Measured(points[:, 0], points[:, 1])


def fit(measured: Measured, name: str) -> Fit:
    """Fit one of FITS to measured points.

    Raises:
        InputError: an exponential does not fit at all.
    """
    curve = {"linear": _line, "exponential": _exponential, "spline": _spline}[name](measured)
    error = np.abs(curve.value(measured.pulses) - measured.values)
    return Fit(name, curve, float(np.sqrt((error**2).mean())), float(error.max()))


def _line(measured: Measured) -> Curve:
    slope, start = np.polyfit(measured.pulses, measured.values, 1)
    return LinearCurve(float(-slope), float(start), float(measured.pulses[-1]))


def _exponential(measured: Measured) -> Curve:
    from scipy.optimize import curve_fit

    last, low, high = measured.pulses[-1], measured.values.min(), measured.values.max()
    try:
        found, _ = curve_fit(
            lambda x, amplitude, tau, floor: amplitude * np.exp(-x / tau) + floor,
            measured.pulses,
            measured.values,
            p0=(high - low, last / 3, low),
            bounds=((0, last * 1e-3, -np.inf), (np.inf, last * 1e3, np.inf)),
        )
    except RuntimeError as problem:
        raise InputError(f"device curve: no exponential fits ({problem}); use --curve-fit spline") from None
    if found[0] <= 0:
        raise InputError("device curve: no falling exponential fits; use --curve-fit spline")
    amplitude, tau, floor = (float(value) for value in found)
    return ExponentialCurve(amplitude, tau, floor, float(last))


def _spline(measured: Measured) -> Curve:
    """A monotone cubic spline (PCHIP) through the points, pooled where they rise, as a table on an even grid.

    Plateaus would trap devices, whose value is all that is known of them; pooling leaves one point of each.
    """
    from scipy.interpolate import PchipInterpolator
    from scipy.optimize import isotonic_regression

    pulses, inverse, counts = np.unique(measured.pulses, return_inverse=True, return_counts=True)
    means = np.bincount(inverse, measured.values) / counts
    pooled = isotonic_regression(means, weights=counts, increasing=False)
    starts, ends = pooled.blocks[:-1], pooled.blocks[1:]
    x = np.array([np.average(pulses[a:b], weights=counts[a:b]) for a, b in zip(starts, ends, strict=True)])
    y = pooled.x[starts]
    if len(x) < 2:  # cannot be: a falling line fits
        raise InputError("device curve: the values do not fall")
    last = float(measured.pulses[-1])
    inside, grid = PchipInterpolator(x, y), np.linspace(0.0, last, GRID)
    table = inside(np.clip(grid, x[0], x[-1]))
    # Beyond the outermost pooled points: straight on.
    table += np.minimum(grid - x[0], 0.0) * (y[1] - y[0]) / (x[1] - x[0])
    table += np.maximum(grid - x[-1], 0.0) * (y[-1] - y[-2]) / (x[-1] - x[-2])
    return TableCurve(table, last)


def _is_header(rows: list[list[str]]) -> bool:
    if not rows:
        return False
    try:
        float(rows[0][0])
    except ValueError:
        return True
    return False


def _point(path: Path, row: list[str]) -> tuple[float, float]:
    try:
        pulses, value = (float(cell) for cell in row[:2])
    except ValueError:
        raise InputError(f"device curve {path}: {','.join(row)!r} is not a pulse count and a value") from None
    if not np.isfinite([pulses, value]).all():
        raise InputError(f"device curve {path}: {','.join(row)!r} is not finite")
    return pulses, value
