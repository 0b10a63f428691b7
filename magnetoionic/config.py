"""The options of a simulation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from common.cli import option
from common.errors import InputError
from magnetoionic.devices.curve_file import split_columns
from magnetoionic.devices.field import RELAXED, Field
from magnetoionic.devices.fields import FIELDS, MEASURED, find_field

TASKS = {"Fashion": "fashion-mnist", "MNIST": "mnist", "digits": "digits28"}  # the first match counts: FashionMNIST
PUBLISHED_INIT = 0.01
# Larger ones need too much memory or time; images are numbered with 16 bits within a batch.
MOST = {"epochs": 10**9, "n_models": 10_000, "batch_size": 65_535, "layers": 100_000}
MOST_WEIGHTS = 200_000_000


def task_data(task: str) -> str:
    """The data set of a task: any word that contains Fashion, MNIST or digits, as in the published program.

    Raises:
        InputError: no such task, or a word that cannot be part of a file's name.
    """
    for word, name in TASKS.items():
        if word.lower() in task.lower() and re.fullmatch(r"[\w.+-]{1,40}", task):
            return name
    raise InputError(f"argument --task: {task!r} is not one of MNIST, Fashion, digits, or a word that has one in it")


@dataclass(frozen=True, kw_only=True)
class Devices:
    """Devices."""

    field: tuple[str, ...] = option(
        (),
        "device curve; with two, the second takes over after epochs // time_switch epochs (default: double-linear, or "
        "measured with --device-curve)",
        choices=FIELDS,
    )
    device_curve: Path | None = option(
        None,
        "text file with two columns, pulses from 0 up and falling values in any unit, for the field 'measured'; it is "
        "scaled to the range of double-linear, 0.567, and --init, --resistor-noise and --lr refer to scaled values",
    )
    curve_columns: str | None = option(
        None,
        "PULSES,VALUES or PULSES+VALUES: which columns of the file these are, each by its name in the header or its "
        "number from 1 (default: there are only two)",
    )
    curve_fit: str = option(
        "spline",
        "fit to the points of --device-curve that is trained with; the other fits are logged and drawn",
        choices=("linear", "exponential", "spline"),
    )
    scale: float = option(1.0, "weights of single devices lie between -scale and scale", above=0.0)
    init: float = option(0.01, "initial weights are uniform from -init to init", low=0.0)
    var: float = option(0.2, "device-to-device variability: standard deviation of a factor around 1", low=0.0)
    clipping: float = option(0.0, "update threshold: smaller updates do nothing", unit="pulses", low=0.0)
    physical_clipping: bool = option(False, "weaken small updates: u becomes (1 - exp(-u / 0.18)) u")
    resistor_noise: float = option(
        0.0, "standard deviation of the noise of a device's reading; that of a Hall voltage is 1e-4 of it", low=0.0
    )
    device_noise: bool = option(False, "read devices with noise in the forward pass, too")


@dataclass(frozen=True, kw_only=True)
class TrainConfig(Devices):
    """Training."""

    seed: int = option(100, "seed; model i has seed + i", low=0)
    task: str = option(
        "MNIST", "images: MNIST or Fashion, or any word with one of them in it; digits, which needs no files"
    )
    layers: tuple[int, ...] = option((512,), "sizes of the hidden layers", low=1)
    epochs: int = option(20, "epochs of training", low=1)
    batch_size: int = option(128, "images in a batch", low=2)
    lr: float = option(0.001, "learning rate: pulses per unit of gradient; published: 500 to 5000", above=0.0)
    input_scale: float = option(0.001, "current of a pixel of value 1", above=0.0, high=3e38)
    n_models: int = option(10, "number of models", low=1)
    time_switch: int = option(2, "see --field", low=1)
    compute_intermediate: bool = option(False, "write the currents and voltages of one test image, layer by layer")
    compat: str | None = option(
        None, "published: ignore --physical_clipping and --init, as the published program did", choices=("published",)
    )
    relaxation_scale: str = option(
        "published",
        "input scale after field relaxation: published multiplies by 0.395 in both directions; physical by the range "
        "of the field trained over that of the field tested",
        choices=("published", "physical"),
    )
    data_root: Path | None = option(None, "folder of the images (default: $NONIDEAL_DATA, else ./data)", local=True)
    threads: int = option(
        0, "models trained at a time; 0 for all cores. Numbers do not depend on it", low=0, local=True
    )
    quiet: bool = option(False, "print nothing but errors", local=True)

    def check(self) -> None:
        """Raise InputError where options contradict each other."""
        task_data(self.task)
        if len(self.field) > 2:
            raise InputError(f"--field has {len(self.field)} words; it takes one curve, or two for a switch")
        records = self.records
        if len({field.single for field in records}) > 1:
            raise InputError("--field: single devices cannot become pairs; give two double curves or two single ones")
        if not records[-1].single:
            other = find_field(records[-1].relaxes_to)
            if other.single or other.curve is None:
                words = f"cannot relax to {records[-1].relaxes_to}, which is no curve of pairs"
                raise InputError(f"--field {self.fields[-1]}: {words}")
        if len(self.fields) == 2 and self.epochs // self.time_switch < 1:
            raise InputError(f"--time-switch {self.time_switch} is more than --epochs {self.epochs}")
        if (MEASURED in self.fields) != (self.device_curve is not None):
            raise InputError("--field measured and --device-curve FILE.csv go together; give both or neither")
        if self.curve_columns is not None:
            self._check_columns(self.curve_columns)
        self._check_sizes()

    def _check_sizes(self) -> None:
        for name, most in MOST.items():
            value = getattr(self, name)
            if max(value if isinstance(value, tuple) else (value,), default=0) > most:
                flag = "--" + name.replace("_", "-")
                raise InputError(f"argument {flag}: out of range; it must be at most {most}")
        weights = sum(before * after for before, after in zip((1024, *self.layers), (*self.layers, 10), strict=True))
        if weights > MOST_WEIGHTS:
            raise InputError(f"argument --layers: {weights} weights; allowed: at most {MOST_WEIGHTS} in a model")

    def _check_columns(self, columns: str) -> None:
        if self.device_curve is None:
            raise InputError("--curve-columns names columns of --device-curve FILE.csv; give both")
        if sum(bool(name.strip()) for name in split_columns(columns)) != 2:
            raise InputError(
                f"argument --curve-columns: {columns!r} is not PULSES,VALUES or PULSES+VALUES, two columns"
            )

    @property
    def fields(self) -> tuple[str, ...]:
        """The one or two curves."""
        return self.field or ((MEASURED,) if self.device_curve else (RELAXED,))

    @property
    def records(self) -> tuple[Field, ...]:
        """The records of these fields."""
        return tuple(find_field(word) for word in self.fields)

    @property
    def initial(self) -> float:
        """The value of --init that is used."""
        return PUBLISHED_INIT if self.compat == "published" else self.init

    @property
    def clips_physically(self) -> bool:
        """Whether physical clipping is used."""
        return self.physical_clipping and self.compat != "published"

    @property
    def voltage_noise(self) -> float:
        """Standard deviation of a Hall voltage."""
        return 1e-4 * self.resistor_noise

    @property
    def switch_epoch(self) -> int:
        """The number of epochs after which the second field takes over."""
        return self.epochs // self.time_switch
