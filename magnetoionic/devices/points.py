"""Measured points of a device, from the columns of a file; checks that they can be a device's curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.errors import InputError
from magnetoionic.devices.curve_file import Table, refuse, split_columns

Array = NDArray[np.float64]
FEWEST = 4
MOST_RISING = 0.1  # of the reach, root mean square
DIGITS = 9  # of the range: finer than single precision, so that the unit of a file leaves no trace
_WHOLE = "allowed: pulses, then values (columns named by --curve-columns may hold fractions)"
_START = "the curve must begin at 0 (add the value before the first pulse, or subtract the start from all pulses)"
_ORDER = (
    "allowed: a single ramp with increasing pulses (equal ones are averaged); cut off the rest, or name its columns"
)


@dataclass(frozen=True, eq=False)
class Measured:
    """Measured points, sorted by pulses.

    Attributes:
        pulses: (N,) float64, from 0 up, sorted; counts may repeat.
        values: (N,) float64, falling apart from noise.
        where: the file, for messages.
    """

    pulses: Array
    values: Array
    where: str = "device curve"

    @property
    def low(self) -> float:
        """The smallest value."""
        return float(self.values.min())

    @property
    def reach(self) -> float:
        """The largest value minus the smallest one."""
        return float(np.ptp(self.values))

    @property
    def shares(self) -> Array:
        """Values as shares of the reach, 0 to 1: the same for every unit of the values, to the last bit."""
        return np.round((self.values - self.low) / self.reach, DIGITS)


def points(table: Table, columns: str | None) -> Measured:
    """The two columns of a table as points.

    Args:
        table: the file's table.
        columns: "PULSES,VALUES", each the name or the number of a column; None needs a table of two columns, of which
            the first holds whole numbers.

    Raises:
        InputError: they are not a device's curve, or it is not clear which columns are meant.
    """
    chosen = _chosen(table, columns)
    pulses, values = table.numbers(chosen)
    if problem := _wrong_pulses(pulses, fractions=columns is not None):
        at, words = problem
        if columns is None and _wrong_pulses(values, fractions=False) is None:
            words = "the columns look swapped, values first; name them with --curve-columns 2,1"
        refuse(table.where, table.rows[at].number, words)
    measured = Measured(np.array(pulses), np.array(values), table.where)
    _check_values(measured, f"rows {table.rows[0].number} to {table.rows[-1].number}")
    return measured


@dataclass(frozen=True, eq=False)
class Levels:
    """The falling sequence closest to the points (isotonic regression).

    Attributes:
        pulses: (K,) mean pulses of the points of a level.
        values: (K,) falling.
        missed: root mean square difference between the sequence and the mean values at each pulse count.
    """

    pulses: Array
    values: Array
    missed: float


def pooled(pulses: Array, values: Array) -> Levels:
    """Pool points where they rise: a device's value determines its pulse count only where the curve falls."""
    from scipy.optimize import isotonic_regression

    counted, inverse, counts = np.unique(pulses, return_inverse=True, return_counts=True)
    means = np.bincount(inverse, values) / counts
    fall = isotonic_regression(means, weights=counts, increasing=False)
    starts, ends = fall.blocks[:-1], fall.blocks[1:]
    centers = [np.average(counted[a:b], weights=counts[a:b]) for a, b in zip(starts, ends, strict=True)]
    return Levels(np.array(centers), fall.x[starts], float(np.sqrt(np.square(means - fall.x).mean())))


def _chosen(table: Table, columns: str | None) -> tuple[int, int]:
    first = table.header or table.rows[0]
    if columns is not None:
        pulses, values = (table.column(name.strip()) for name in split_columns(columns))
        if pulses == values:
            raise InputError(f"{table.where}: --curve-columns {columns}: the same column twice; allowed: two columns")
        return pulses, values
    if table.width == 1:
        refuse(table.where, first.number, "one cell; allowed: two, separated by comma, semicolon, tab or blanks")
    if table.width > 2:
        names = f" ({', '.join(table.header.cells)})" if table.header else ""
        words = f"{table.width} columns{names}; allowed: two, or name the pulses and the values, --curve-columns 1,2"
        refuse(table.where, first.number, words)
    return 0, 1


def _wrong_pulses(pulses: list[float], *, fractions: bool) -> tuple[int, str] | None:
    """The first point with impossible pulses, and why; None if there is none."""
    for at, count in enumerate(pulses):
        if not fractions and count != round(count):
            return at, f"{count:g} is no whole number of pulses; {_WHOLE}"
        if at == 0 and count != 0:
            return at, f"pulses start at {count:g}; {_START}"
        if at and count < pulses[at - 1]:
            return at, f"{count:g} pulses after {pulses[at - 1]:g}; {_ORDER}"
    return None


def _check_values(measured: Measured, rows: str) -> None:
    where = f"{measured.where}: {rows}"
    if (count := len(np.unique(measured.pulses))) < FEWEST:
        raise InputError(f"{where}: {count} pulse counts; allowed: at least {FEWEST}")
    if measured.reach == 0 or np.polyfit(measured.pulses, measured.shares, 1)[0] >= 0:
        raise InputError(f"{where}: the values do not fall with pulses; allowed: the branch that pulses lower")
    levels = pooled(measured.pulses, measured.shares)
    if len(levels.values) < FEWEST:
        words = "a device is known by its value alone, so values must fall all the way"
        raise InputError(
            f"{where}: the values fall to {len(levels.values)} levels; allowed: at least {FEWEST} ({words})"
        )
    if levels.missed > MOST_RISING:
        words = f"{100 * levels.missed:.0f} % of their range (rms); allowed: {100 * MOST_RISING:.0f} %"
        raise InputError(f"{where}: the values rise, and miss every falling curve by {words}; cut off what rises")
