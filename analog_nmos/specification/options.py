"""The options of nmos-spec besides the run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from analog_nmos.backends import BACKENDS
from analog_nmos.circuit.options import CELSIUS
from analog_nmos.specification.names import NAMES
from common.cli import option
from common.errors import InputError
from common.plotting import PLOT_FORMATS

MOST_DRAWS = 1000  # a result for each test sample is stored for each
FORMATS = ("text", "csv", "markdown")


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """What to find"""

    points: float | None = option(
        None, "allowed loss of accuracy in percentage points (default: 1)", above=0.0, high=99.0
    )
    worse: float | None = option(
        None, "where answers are values: by how many percent the error may be larger (default: 10)", above=0.0, high=1e6
    )
    only: tuple[str, ...] = option((), "imperfections (default: all)", choices=NAMES)
    draws: int = option(
        20, "chips and streams of noise at every level; draw j has chip --seed + j", low=1, high=MOST_DRAWS
    )
    seed: int = option(0, "seed of the first chip, as of nmos-chip draw", low=0, high=2**32 - 1)
    precision: float = option(0.01, "relative precision of limits", low=1e-6, high=1.0)
    over_samples: bool = option(
        False,
        "intervals over draws and test samples: how limits move with the test set, too (default: draws alone)",
    )
    repair_epochs: int = option(
        0, "the limit of mismatch once more after so many epochs of training on each chip", low=0, high=1_000_000
    )
    repair_gamma: float | None = option(
        None, "learning rate of --repair-epochs (default: the run's)", unit="1/V", above=0.0, high=1e6
    )


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What is tested"""

    epoch: str = option("selected", "whose gates: selected, last, or the number of an epoch")
    gate_range: str | None = option(
        None, "gate voltages that bits cover, as LOWEST:HIGHEST in V; others become the nearer end (default: the run's)"
    )
    temp: float | None = option(None, "temperature of the chips (default: as the run was tested)", unit="C", **CELSIUS)
    backend: str | None = option(None, "circuit solver (default: the run's)", choices=BACKENDS)


@dataclass(frozen=True, kw_only=True)
class SpecOptions(SearchOptions, RunOptions):
    """Results"""

    out: Path | None = option(None, "folder for results (default: spec in the folder of the run)")
    force: bool = option(False, "replace results of an earlier call (default: refuse)")
    format: str = option("text", "format of the printed table", choices=FORMATS)
    plot_format: str = option("png", "format of the figure", choices=PLOT_FORMATS)
    quiet: bool = option(False, "print nothing but errors")

    def check(self) -> None:
        """Raise InputError where options contradict each other."""
        if self.repair_gamma is not None and not self.repair_epochs:
            raise InputError("--repair-gamma needs --repair-epochs")
        if self.repair_epochs and self.only and "mismatch" not in self.only:
            raise InputError("--repair-epochs needs mismatch in --only")
        if self.gate_range is not None and self.only and "gate-bits" not in self.only:
            raise InputError("--gate-range needs gate-bits in --only")
