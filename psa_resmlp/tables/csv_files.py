"""The study's tables as CSV, with full precision, and test accuracies in addition to the bounties."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from common.errors import InputError
from common.inputs import shorten
from psa_resmlp.study.architectures import parse
from psa_resmlp.study.modes import in_order
from psa_resmlp.study.reading import rows_of
from psa_resmlp.tables.study import Study, Trial, summarise
from psa_resmlp.tables.titles import check_mode

TRIAL_COLUMNS = (
    "family", "architecture", "depth", "width", "parameters", "mode", "trial", "seed", "meta_loops",
    "bounty_percent", "bounty_loop", "test_accuracy_percent",
)  # fmt: skip
SUMMARY_COLUMNS = (
    "family", "architecture", "depth", "width", "parameters", "mode", "n",
    "bounty_mean_percent", "bounty_std_percent", "bounty_min_percent", "bounty_max_percent",
    "test_n", "test_mean_percent", "test_std_percent", "test_min_percent", "test_max_percent",
)  # fmt: skip


def trials_csv(study: Study) -> str:
    """A row for every trial, with TRIAL_COLUMNS; empty where a number is not known."""
    rows = []
    for architecture, mode, trial in study:
        row = (trial.seed, trial.meta_loops, trial.bounty, trial.bounty_loop, trial.test_accuracy)
        rows.append([*_start(study, architecture), mode, trial.number, *row])
    return _text(TRIAL_COLUMNS, rows)


def summary_csv(study: Study) -> str:
    """A row for every mode that has trials, with SUMMARY_COLUMNS; deviations are the population's."""
    rows = []
    for architecture, modes in study.cells.items():
        for mode in (name for name in in_order(modes) if modes[name]):
            trials = study.trials(architecture, mode)
            tests = [trial.test_accuracy for trial in trials if trial.test_accuracy is not None]
            bounty, test = summarise([trial.bounty for trial in trials]), summarise(tests)
            assert bounty is not None
            row = [*_start(study, architecture), mode, bounty.n, bounty.mean, bounty.std, bounty.low, bounty.high]
            row += [0] + [None] * 4 if test is None else [test.n, test.mean, test.std, test.low, test.high]
            rows.append(row)
    return _text(SUMMARY_COLUMNS, rows)


def parse_trials_csv(text: str, *, source: str = "trials.csv") -> Study:
    """Read what trials_csv wrote; only family, architecture, mode, trial and bounty_percent are needed.

    Raises:
        InputError: a column is missing, a value cannot be read, or two families are mixed.
    """
    needed = ("family", "architecture", "mode", "trial", "bounty_percent")
    study = None
    for number, row in rows_of(text, source, needed, f"allowed: {', '.join(TRIAL_COLUMNS)}"):
        where = f"{source}, line {number}"
        if study is None:
            study = Study(row["family"])
        if row["family"] != study.family:
            raise InputError(f"{where}: family {shorten(row['family'])} beside {study.family}; one file, one family")
        check_mode(row["mode"], where)
        study.add(parse(row["architecture"]), row["mode"], _trial(row, where))
    if study is None:
        raise InputError(f"{source} has no row")
    return study


def _trial(row: Mapping[str, str], where: str) -> Trial:
    try:
        test = row.get("test_accuracy_percent")
        return Trial(
            int(row["trial"] or ""),
            float(row["bounty_percent"] or ""),
            float(test) if test else None,
            _whole(row.get("bounty_loop")),
            _whole(row.get("meta_loops")),
            _whole(row.get("seed")),
        )
    except ValueError as problem:
        raise InputError(f"{where}: {shorten(str(problem))}") from None


def _whole(text: str | None) -> int | None:
    return int(text) if text else None


def _start(study: Study, architecture: Any) -> list[Any]:
    counts = [architecture.depth, architecture.width, architecture.parameters(study.family)]
    return [study.family, architecture.name, *counts]


def _text(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    # repr gives the shortest digits that read back as the same number.
    writer.writerows(
        ["" if value is None else repr(value) if isinstance(value, float) else value for value in row] for row in rows
    )
    return buffer.getvalue()
