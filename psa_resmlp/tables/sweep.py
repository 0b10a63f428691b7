"""The tables of a running sweep: from results.csv of its folder to psa_resmlp_summary.md and the others."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

from common.inputs import read_text
from common.sweeps.listener import Listener
from psa_resmlp.study.architectures import FAMILIES, parse
from psa_resmlp.tables.files import write_study
from psa_resmlp.tables.study import Study, Trial

RESULTS = "results.csv"
LARGEST_SET = 100_000  # images


def studies(folder: Path) -> list[Study]:
    """The finished runs of a sweep folder, by family; none where there is no results.csv yet."""
    if not (folder / RESULTS).exists():
        return []
    rows = csv.DictReader(io.StringIO(read_text(folder / RESULTS, "results")))
    found = {family: Study(family) for family in FAMILIES}
    for row in rows:
        if row["status"] == "done":
            found[row["family"]].add(parse(row["arch"]), row["mode"], _trial(row))
    return [study for study in found.values() if study.cells]


def _trial(row: Mapping[str, str]) -> Trial:
    bounty, test = (percent(float(row[name])) for name in ("selected_val_acc", "selected_test_acc"))
    return Trial(
        int(row["trial"]), bounty, test, int(row["selected_epoch"]), int(row["final_epoch"]), int(row["trial_seed"])
    )


def percent(share: float) -> float:
    """100 * hits / images to the last bit, recovered from hits / images."""
    exact = Fraction(share).limit_denominator(LARGEST_SET)
    return 100 * exact.numerator / exact.denominator


def write_tables(folder: Path) -> list[Path]:
    """Write the tables of all finished runs into the sweep's folder; returns their paths."""
    return [path for study in studies(folder) for path in write_study(folder, study)]


class StudyTables(Listener):
    """Writes the tables whenever the sweep's results.csv is new."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def saved(self) -> None:
        """Write the tables."""
        write_tables(self._folder)
