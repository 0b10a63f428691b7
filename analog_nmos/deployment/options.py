"""The options of nmos-deploy besides runs and files of chips."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analog_nmos.backends import BACKENDS
from analog_nmos.chips import Mismatch
from analog_nmos.chips.options import MOST_BITS, SIGMA
from analog_nmos.circuit.options import CELSIUS
from common.cli import option
from common.errors import InputError
from common.plotting import PLOT_FORMATS

MOST_DRAWS = 10_000
# Options of the trainer that deployment may have in place of the run's.
OF_TRAINER = ("read_noise", "gate_bits", "gate_range", "gate_noise", "temp")


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What is deployed, and how it is read and written (default: the run's own options)"""

    epoch: str = option("selected", "whose gates: selected, last, or the number of an epoch")
    read_noise: str | None = option(
        None, "standard deviation of every voltage that is read: V, or 0.5% of full scale (default: the run's)"
    )
    gate_bits: int | None = option(
        None, "bits of the converter that writes gates; 0 for none (default: the run's)", low=0, high=MOST_BITS
    )
    gate_range: str | None = option(
        None,
        "gate voltages that can be written, as LOWEST:HIGHEST in V; others become the nearer end (default: the run's)",
    )
    gate_noise: float | None = option(
        None, "standard deviation of gate voltages as they are written (default: the run's)", **SIGMA
    )
    temp: float | None = option(None, "temperature of the chips (default: as the run was tested)", unit="C", **CELSIUS)
    draws: int = option(
        5,
        "draws of noise on each chip, where there is any; draw j has the seed 555000 + 7919 j",
        low=1,
        high=MOST_DRAWS,
    )
    backend: str | None = option(None, "circuit solver (default: the run's)", choices=BACKENDS)

    @property
    def settings(self) -> dict[str, Any]:
        """Those of OF_TRAINER that are given."""
        values = {name: getattr(self, name) for name in OF_TRAINER}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class StudyOptions:
    """Curves, and training on the chips"""

    scales: tuple[float, ...] = option(
        (), "also with so many times the mismatch of each chip, such as 0.2,0.5,1,2,5,10,20,30,40,50", low=0.0, high=1e4
    )
    without_kp: bool = option(
        False, "everything once more without the chips' factors on kp: with their thresholds alone"
    )
    read_noises: tuple[str, ...] = option(
        (), "also with these read noises, on ideal transistors and on each chip: V, or shares such as 0.5%"
    )
    repair_epochs: int = option(
        0, "train on each chip for so many epochs, from the deployed gates", low=0, high=1_000_000
    )
    repair_gamma: float | None = option(
        None, "learning rate of --repair-epochs (default: the run's)", unit="1/V", above=0.0, high=1e6
    )


@dataclass(frozen=True, kw_only=True)
class DrawOptions(Mismatch):
    """Chips that are drawn on the spot, besides the files of --chips"""

    draw_chips: int = option(0, "so many, as nmos-chip draw does", low=0, high=MOST_DRAWS)
    seed: int = option(0, "seed of the first one; the others have the following ones", low=0, high=2**32 - 1)

    @property
    def mismatch(self) -> Mismatch:
        """How their transistors differ."""
        return Mismatch(**{field.name: getattr(self, field.name) for field in dataclasses.fields(Mismatch)})

    def check(self) -> None:
        """Raise InputError where options contradict each other, or have no chips to be for."""
        super().check()
        plain = {field.name: field.default for field in dataclasses.fields(DrawOptions)}
        given = [name for name, value in plain.items() if name != "draw_chips" and getattr(self, name) != value]
        if given and not self.draw_chips:
            raise InputError(
                f"--{given[0].replace('_', '-')} is for chips that are drawn; say how many by --draw-chips"
            )


@dataclass(frozen=True, kw_only=True)
class DeployOptions(RunOptions, StudyOptions, DrawOptions):
    """Results"""

    out: Path | None = option(None, "folder for results (default: deploy in the folder of the run)")
    force: bool = option(False, "replace results of an earlier call (default: refuse)")
    plot_format: str = option("png", "format of figures", choices=PLOT_FORMATS)
    quiet: bool = option(False, "print nothing but errors")

    def check(self) -> None:
        """Raise InputError where options contradict each other."""
        super().check()
        if self.repair_gamma is not None and not self.repair_epochs:
            raise InputError("--repair-gamma needs --repair-epochs")
