"""The measured device of a simulation: its points, the curve that trains, and how its units relate to the file's."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from common.errors import InputError
from common.inputs import read_bytes
from common.plotting import drawn_or_warned
from common.runs import Run
from common.runs.files import atomic_writer
from common.runs.read import read_meta
from magnetoionic.config import TrainConfig
from magnetoionic.devices.curve_file import LIMIT, WHAT
from magnetoionic.devices.measured import FITS, Fit, fit, fit_unscaled, parse_curve
from magnetoionic.devices.points import Measured
from magnetoionic.figures.measured_curve import draw

CURVE_COPY = "device_curve.csv"
FACTS = "device_curve"  # its place in run_meta.json


@dataclass(frozen=True, eq=False)
class Device:
    """A measured device.

    Attributes:
        name: name of the user's file.
        content: its bytes.
        measured: its points.
        used: the fit that is trained with.
        scaled: whether the model's units differ from the file's; simulations of earlier versions use the file's.
    """

    name: str
    content: bytes
    measured: Measured
    used: Fit
    scaled: bool

    @property
    def facts(self) -> dict[str, Any]:
        """File, fit and units, for JSON files: a value of the model is offset + unit * value in the file."""
        units = {"unit": self.used.units.size, "offset": self.used.units.offset}
        return {"file": self.name, "fit": self.used.name, "scaled": self.scaled, **units}

    def describe(self) -> str:
        """The line of the log about units."""
        if not self.scaled:
            return "device curve: values of the model are those of the file, as when this simulation began"
        unit = self.used.units.size
        return f"device curve: scaled to the built-in range; 1 in --init and --resistor-noise is {unit:.4g} in the file"

    def fits(self) -> tuple[list[Fit], list[str]]:
        """All kinds of fits that succeed, and the reasons of those that do not."""
        found, refused = [], []
        for name in FITS:
            try:
                found.append((fit if self.scaled else fit_unscaled)(self.measured, name))
            except InputError as problem:  # another kind than the one that trains
                refused.append(str(problem))
        return found, refused

    def in_file_units(self, arrays: Mapping[str, Any]) -> dict[str, Any]:
        """A state_dict with the devices' values in units of the file, float64, as a large offset needs the digits."""
        if not self.scaled:
            return dict(arrays)
        units = self.used.units
        return {
            name: units.values(array.astype(np.float64)) if ".weight" in name else array
            for name, array in arrays.items()
        }


def find_device(config: TrainConfig, folder: Path | None = None) -> Device | None:
    """The measured device of a configuration; None if it has none.

    Args:
        config: the simulation's.
        folder: of a resumed simulation: its copy of the file is used, as the file may be missing or changed.

    Raises:
        InputError: the file cannot be read or understood, or the curve does not fit.
    """
    given = config.device_curve
    if given is None:
        return None
    copy = folder / CURVE_COPY if folder else None
    path = copy if copy and copy.is_file() else given
    content = read_bytes(path, WHAT, LIMIT)
    if folder and not begun_scaled(folder):
        measured = _read_as_before(f"{WHAT} {path}", content)
        return Device(given.name, content, measured, fit_unscaled(measured, config.curve_fit), scaled=False)
    measured = parse_curve(f"{WHAT} {path}", content, config.curve_columns)
    return Device(given.name, content, measured, fit(measured, config.curve_fit), scaled=True)


def note_curve(device: Device, run: Run) -> None:
    """Log how well each kind of curve fits the measured device, and keep the file and a plot in the run folder."""
    run.log(device.describe())
    if (run.folder / CURVE_COPY).exists():  # of a resumed simulation
        return
    with atomic_writer(run.folder / CURVE_COPY) as stream:
        stream.write(device.content)
    used = device.used.name
    fits, refused = device.fits()
    for each in fits:
        run.log(each.describe() + (" (used)" if each.name == used else ""))
    for line in refused:
        run.log(line)
    with drawn_or_warned("by magnetoionic.figures.measured_curve", run.log):
        draw(device.measured, fits, used, run.folder / "device_curve")


def begun_scaled(folder: Path) -> bool:
    """Whether the simulation in a folder has a measured device in units of the model, unlike earlier versions."""
    facts = read_meta(folder).get(FACTS)
    return isinstance(facts, dict) and facts.get("scaled") is True


def _read_as_before(where: str, content: bytes) -> Measured:
    """Points as earlier versions read them from a file, so that their simulations go on with the same curve.

    The first two columns between commas; a first row whose first cell is not a number is skipped.
    """
    try:
        rows = [row for row in csv.reader(io.StringIO(content.decode())) if any(cell.strip() for cell in row)]
        header = bool(rows) and not _is_number(rows[0][0])
        found = np.array([[float(cell) for cell in row[:2]] for row in rows[header:]]).reshape(-1, 2)
    except (ValueError, csv.Error) as problem:
        raise InputError(f"{where}: is damaged ({problem}); start a new run") from None
    if len(found) == 0:
        raise InputError(f"{where}: is damaged (no points); start a new run")
    found = found[np.argsort(found[:, 0], kind="stable")]
    return Measured(found[:, 0], found[:, 1], where)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
