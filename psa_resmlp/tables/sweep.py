"""The tables of a sweep as it goes: from results.csv of its folder to psa_resmlp_summary.md and the others."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from common.inputs import read_text
from common.sweeps import Listener
from psa_resmlp.study.architectures import FAMILIES, parse
from psa_resmlp.tables.files import write_study
from psa_resmlp.tables.study import Study, Trial

RESULTS = "results.csv"


def studies(folder: Path) -> list[Study]:
    """The finished runs of a sweep folder, by family; none where there is no results.csv yet."""
    if not (folder / RESULTS).exists():
        return []
    rows = csv.DictReader(io.StringIO(read_text(folder / RESULTS, "results")))
    found = {family: Study(family) for family in FAMILIES}
    for row in rows:
        if row["status"] == "done":
            trial = Trial(
                int(row["trial"]),
                float(row["bounty_percent"]),
                float(row["test_accuracy_percent"]),
                int(row["bounty_loop"]),
                int(row["loops"]),
                int(row["trial_seed"]),
            )
            found[row["family"]].add(parse(row["arch"]), row["mode"], trial)
    return [study for study in found.values() if study.cells]


def write_tables(folder: Path) -> list[Path]:
    """Write the tables of all finished runs into the sweep's folder; returns their paths."""
    return [path for study in studies(folder) for path in write_study(folder, study)]


class StudyTables(Listener):
    """Writes the tables whenever the sweep's results.csv is new."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def saved(self) -> None:
        """Write them."""
        write_tables(self._folder)
