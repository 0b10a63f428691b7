"""results_per_run.csv, results_summary.csv and results_test_ps.csv of a campaign."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from common.errors import InputError
from common.inputs import read_text
from common.runs.files import append_line, write_text
from common.runs.outcome import Outcome
from common.runs.result import from_columns
from common.runs.spec import RunSpec
from corruption_study.config import TrainConfig

PER_RUN, SUMMARY, TEST_PS = "results_per_run.csv", "results_summary.csv", "results_test_ps.csv"
# The published columns come first and in their order; ours follow.
PUBLISHED = (
    "activation", "model_type", "p", "epochs", "batch_size", "learning_rate", "weight_decay", "seed", "num_workers",
    "cpu_threads", "max_train_samples", "use_cuda",
)  # fmt: skip
# A run's columns and their metrics in `common.runs.result`; the published program writes train_loss under two names.
RESULTS = {
    "final_loss": "train_loss",
    "test_accuracy": "test_acc",
    "train_loss": "train_loss",
    "test_loss": "test_loss",
    "train_accuracy": "train_acc",
}
_SETTINGS = tuple(
    field.name
    for field in dataclasses.fields(TrainConfig)
    if field.name not in PUBLISHED and not field.metadata["local"]
)
KEY = ("activation", "model_type", "p")
SPREAD = ("repeats", "mean_test_accuracy", "std_test_accuracy", "stderr_test_accuracy")


def test_column(p: float) -> str:
    """The column of the accuracy on test images corrupted with strength p."""
    return f"test_accuracy_p{float(p)!r}"


def columns(test_ps: Iterable[float]) -> list[str]:
    """The columns of results_per_run.csv."""
    first, last = ("final_loss", "test_accuracy", "seconds", "train_loss"), ("test_loss", "train_accuracy")
    return [*PUBLISHED, *first, "repeat", *_SETTINGS, *last, *map(test_column, test_ps)]


def row(spec: RunSpec, outcome: Outcome) -> dict[str, Any]:
    """One run as a row; lists are written with spaces between."""
    result = from_columns(outcome.result)  # also reads the names of earlier versions
    settings = {name: " ".join(map(str, v)) if isinstance(v, list) else v for name, v in spec.config.items()}
    numbers = {name: result.final[metric] for name, metric in RESULTS.items()}
    return {**settings, "repeat": spec.axes["repeat"], **numbers, **result.more, "seconds": round(outcome.seconds, 3)}


class Tables:
    """The tables of a campaign's folder while it runs.

    Args:
        folder: the campaign's.
        specs: all its runs.
        ended: outcomes of the runs that have ended, by index.
    """

    def __init__(self, folder: Path, specs: Sequence[RunSpec], ended: Mapping[int, Outcome]) -> None:
        self._folder, self._specs = folder, {spec.index: spec for spec in specs}
        self._columns = columns(specs[0].config["test_ps"])
        self._ended = {index: outcome for index, outcome in ended.items() if outcome.status == "done"}
        self.write()

    def append(self, outcome: Outcome) -> None:
        """Add a run that is done to results_per_run.csv."""
        if outcome.index not in self._ended:
            self._ended[outcome.index] = outcome
            line = csv_text(self._columns, [row(self._specs[outcome.index], outcome)]).splitlines()[1]
            append_line(self._folder / PER_RUN, line)

    def write(self) -> None:
        """Rewrite all tables, with the runs in the campaign's order."""
        rows = [row(self._specs[index], self._ended[index]) for index in sorted(self._ended)]
        write_text(self._folder / PER_RUN, csv_text(self._columns, rows))
        write_text(self._folder / SUMMARY, csv_text((*KEY, *SPREAD), summary(rows)))
        test_ps = next(iter(self._specs.values())).config["test_ps"]
        if test_ps:
            write_text(self._folder / TEST_PS, csv_text((*KEY, "test_p", *SPREAD), summary_of_test_ps(rows, test_ps)))


def summary(rows: Iterable[Mapping[str, Any]], column: str = "test_accuracy") -> list[dict[str, Any]]:
    """Mean, population standard deviation and standard error by model type, activation and p, in this order."""
    groups: dict[tuple[str, str, float], list[float]] = {}
    for entry in rows:
        key = (str(entry["model_type"]), str(entry["activation"]), float(entry["p"]))
        groups.setdefault(key, []).append(float(entry[column]))
    found = []
    for (model_type, activation, p), values in sorted(groups.items()):
        mean = math.fsum(values) / len(values)
        std = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))
        numbers = (len(values), mean, std, std / math.sqrt(len(values)))
        found.append(
            {"activation": activation, "model_type": model_type, "p": p, **dict(zip(SPREAD, numbers, strict=True))}
        )
    return found


def summarize_runs(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """`summary` of the test accuracies, under its published name."""
    return summary(rows)


def write_csv(path: str | Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as a CSV file with the first row's columns, atomically; without a row the file is empty.

    Raises:
        OSError: it cannot be written.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    write_text(Path(path), csv_text(list(rows[0]), rows) if rows else "")


def summary_of_test_ps(rows: Sequence[Mapping[str, Any]], test_ps: Iterable[float]) -> list[dict[str, Any]]:
    """`summary` of the accuracies on corrupted test images, for each strength."""
    found = []
    for test_p in test_ps:
        found += [{**e, "test_p": float(test_p)} for e in summary(rows, test_column(test_p))]
    return sorted(found, key=lambda entry: (entry["model_type"], entry["activation"], entry["p"], entry["test_p"]))


def csv_text(names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """CSV with a header; None is an empty cell."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(names), restval="", lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of results_per_run.csv; a last line that is still being written is left out.

    Raises:
        InputError: the file is missing, or has no rows or lacks columns.
    """
    text = read_text(path, "table of a campaign")
    rows = list(csv.DictReader(io.StringIO(text[: text.rfind("\n") + 1])))
    for name in (*KEY, "test_accuracy"):
        if not rows or name not in rows[0]:
            raise InputError(f"{path}: no row, or no column {name}; it is not a campaign's {PER_RUN}")
    return rows
