"""A table of finished runs and of plain classifiers on the same split (`nmos-compare`)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from analog_nmos.digits.baselines import baselines, wilson_interval
from analog_nmos.digits.data import load_digits
from common.cli import Parser, run_command
from common.errors import InputError
from common.runs import load_run

DESCRIPTION = """\
Print a table of runs: accuracy after the last epoch with its 95 percent Wilson interval, the best epoch (called
selected, with the set it was selected on), and what logistic regression and a support vector machine with a Gaussian
kernel reach on the same split.

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
    digits = load_digits(
        config["seed"],
        config["input_vmin"],
        config["input_vmax"],
        val_split=config["val_split"],
        train_limit=config["train_limit"],
        test_limit=config["test_limit"],
    )
    low, high = wilson_interval(result["final_val_acc"], len(digits.val.y))
    part = "test" if digits.validates_on_test else "validation"
    return (
        folder.resolve().name,
        record.meta["job"],
        config["backend"],
        str(record.metrics["edges"].iloc[-1]),
        str(config["epochs"]),
        f"{result['final_val_acc']:.4f} ({low:.3f} to {high:.3f}) {part}",
        f"{result['selected_val_acc']:.4f} at {result['selected_epoch']}, on the {result['selected_on']}",
        *(f"{one.test_acc:.4f}" for one in baselines(digits)),
    )


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
