"""The options of nmos-audit besides the runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from analog_nmos.audit.rules import ALL, RUN, check_name
from analog_nmos.backends import BACKENDS
from analog_nmos.deployment.trained import NAMED
from analog_nmos.rules import QUANTITIES
from common.cli import option
from common.errors import InputError
from common.plotting import PLOT_FORMATS
from common.values import integer, shown

EVERY = "all"
PARTS = ("train", "val", "test")


@dataclass(frozen=True, kw_only=True)
class WhatOptions:
    """What is compared"""

    epochs: tuple[str, ...] = option(
        ("selected",), "whose gates: selected, last, all (that left files), or numbers of epochs such as 0,10,20"
    )
    samples: int = option(100, "samples of each epoch at most, evenly spread over the part", low=1, high=1_000_000)
    part: str = option("train", "which samples", choices=PARTS)
    rules: tuple[str, ...] = option(
        (RUN,),
        f"{RUN}: the run's own; a quantity ({', '.join(QUANTITIES)}, package.module:Name) compared as the run would "
        f"with positive phases, and with centred phases and currents; {ALL}: all of these",
    )
    backend: str | None = option(
        None, "solver of free and nudged states (default: the run's); the gradient is always native's", choices=BACKENDS
    )

    def check(self) -> None:
        """Raise InputError where an epoch or a rule is none."""
        for name in self.epochs:
            if name not in (*NAMED, EVERY):
                _check_number(name)
        for name in self.rules:
            check_name(name)


@dataclass(frozen=True, kw_only=True)
class AuditOptions(WhatOptions):
    """Results"""

    out: Path | None = option(
        None, "folder for results, with several runs one in it for each (default: audit in the folder of each run)"
    )
    force: bool = option(False, "replace results of an earlier call (default: refuse)")
    plot_format: str = option("png", "format of figures", choices=PLOT_FORMATS)
    quiet: bool = option(False, "print nothing but errors")


def _check_number(name: str) -> None:
    if not (name.isascii() and name.isdigit()):
        raise InputError(f"argument --epochs: {shown(name)} is not selected, last, all, or the number of an epoch")
    integer(name)
