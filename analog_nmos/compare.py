"""A table of finished runs and of plain classifiers on the same split (`nmos-compare`)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from analog_nmos.data.baselines import baselines, wilson_interval
from analog_nmos.data.split import DIGEST, Data, Split
from analog_nmos.digits.data import load_digits
from analog_nmos.train import recorded_task
from common.cli import Parser, build, run_command
from common.errors import InputError
from common.runs import load_run
from common.runs.read import RunRecord

DESCRIPTION = """\
Print a table of runs: accuracy after the last epoch with its 95 percent Wilson interval, the best epoch (called
selected, with the set it was selected on), its accuracy on the test set where the run has a final test, and what
logistic regression and a support vector machine with a Gaussian kernel reach on that set, trained on the same part.

example: nmos-compare results/analog_nmos/final_figures/*/
"""
HEADER = (
    "run",
    "trainer",
    "backend",
    "edges",
    "epochs",
    "accuracy (95 % interval)",
    "selected epoch",
    "its test (95 % interval)",
    "logistic regression",
    "RBF SVM",
)


def table(folders: Sequence[Path]) -> str:
    """The table in Markdown, a row per run folder.

    Raises:
        InputError: a folder without a finished run of this suite.
    """
    rows = [HEADER, tuple("---" for _ in HEADER), *(_row(folder) for folder in folders)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _row(folder: Path) -> tuple[str, ...]:
    record = load_run(folder)
    config, result = record.config, record.result
    if not result or record.meta.get("package") != "analog_nmos":
        raise InputError(f"run folder {folder}: not a finished run of analog_nmos (status {record.status})")
    data = _data(record)
    part = "test" if data.validates_on_test else "validation"
    tested = result.get("selected_test_acc")
    return (
        folder.resolve().name,
        record.meta["job"],
        config["backend"],
        str(record.metrics["edges"].iloc[-1]),
        str(config["epochs"]),
        f"{_with_interval(result['final_val_acc'], data.val)} {part}",
        f"{result['selected_val_acc']:.4f} at {result['selected_epoch']}, on the {result['selected_on']}",
        "-" if tested is None else _with_interval(tested, data.test),
        *(f"{one.test_acc:.4f}" for one in baselines(data)),
    )


def _data(record: RunRecord) -> Data:
    """The samples of a run, loaded again.

    Raises:
        InputError: they are gone, or no longer the same.
    """
    config = record.config
    if "task" not in record.meta:
        names = ("val_split", "train_limit", "test_limit")
        volts = config["input_vmin"], config["input_vmax"]
        return load_digits(config["seed"], *volts, **{name: config[name] for name in names})
    data = build(recorded_task(record.folder), config).load()
    if data.digest() != record.meta.get(DIGEST):
        raise InputError(f"run folder {record.folder}: the samples of {data.name} have changed since the run began")
    return data


def _with_interval(accuracy: float, part: Split) -> str:
    low, high = wilson_interval(accuracy, len(part.y))
    return f"{accuracy:.4f} ({low:.3f} to {high:.3f})"


def main(argv: Sequence[str] | None = None) -> int:
    """The command `nmos-compare`; see DESCRIPTION."""
    parser = Parser(prog="nmos-compare", description=DESCRIPTION)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN_DIR", help="folders of finished runs")
    folders = parser.parse_args(argv).runs

    def work() -> int:
        print(table(folders))
        return 0

    return run_command("nmos-compare", work)


if __name__ == "__main__":
    sys.exit(main())
