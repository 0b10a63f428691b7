"""A table of finished runs and of plain models on the same split (`nmos-compare`)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analog_nmos.data.baselines import CLASSIFIERS, REGRESSORS, baselines
from analog_nmos.data.intervals import FEWEST, rms_interval, wilson_interval
from analog_nmos.data.split import DIGEST, Data, Split
from analog_nmos.digits.data import load_digits
from analog_nmos.train import recorded_task
from common.cli import Parser, build, run_command
from common.errors import InputError
from common.runs import load_run
from common.runs.read import RunRecord

DESCRIPTION = f"""\
Print a table of runs: accuracy after the last epoch with its 95 percent Wilson interval, the best epoch (called
selected, with the set it was selected on), its accuracy on the test set where the run has a final test, and what
logistic regression and a support vector machine with a Gaussian kernel reach on that set, trained on the same part.

Runs whose answers are values (regression) have the root mean square error in volts instead, with a bootstrap interval
(bias-corrected, 95 percent) of its samples, and ridge and kernel ridge regression beside it. Where a task is validated
on its training samples (xor, regression) there is no interval, as nothing is said of other samples: plain models, too,
are trained and measured on them. Fewer than {FEWEST} errors are too few for an interval.

example: nmos-compare results/analog_nmos/final_figures/*/
"""
ACCURACY, RMSE, MSE = "accuracy (95 % interval)", "RMSE in V (95 % interval)", "MSE in V²"
SELECTED, TEST = "selected epoch", "its test (95 % interval)"
OF_ANY = ("run", "trainer", "backend", "edges", "epochs")
COLUMNS = (*OF_ANY, ACCURACY, RMSE, MSE, SELECTED, TEST, *CLASSIFIERS, *REGRESSORS)


def table(folders: Sequence[Path]) -> str:
    """The table in Markdown, a row per run folder; columns that are of none of these runs are left out.

    Raises:
        InputError: a folder without a finished run of this suite.
    """
    cells = [_cells(folder) for folder in folders]
    columns = [name for name in COLUMNS if any(name in row for row in cells)]
    rows = [columns, ["---" for _ in columns], *([row.get(name, "-") for name in columns] for row in cells)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _cells(folder: Path) -> dict[str, str]:
    """The cells of a run by the names of their columns."""
    record = load_run(folder)
    config, result = record.config, record.result
    if not result or record.meta.get("package") != "analog_nmos":
        raise InputError(f"run folder {folder}: not a finished run of analog_nmos (status {record.status})")
    data = _data(record)
    edges = record.metrics["edges"].iloc[-1]
    known = (folder.resolve().name, record.meta["job"], config["backend"], str(edges), str(config["epochs"]))
    classes = data.readout.answer.classes
    found = _of_classes(record, data) if classes else _of_values(record, data)
    plain = {one.name: _number(one.score, 4, classes) for one in baselines(data)}
    return dict(zip(OF_ANY, known, strict=True)) | found | plain


def _of_classes(record: RunRecord, data: Data) -> dict[str, str]:
    result = record.result
    tested = result.get("selected_test_acc")
    return {
        ACCURACY: _accuracy(result["final_val_acc"], data, data.val) + _part(data),
        SELECTED: f"{result['selected_val_acc']:.4f} at {result['selected_epoch']}, on the {result['selected_on']}",
        TEST: "-" if tested is None else _accuracy(tested, data, data.test),
    }


def _of_values(record: RunRecord, data: Data) -> dict[str, str]:
    result, last = record.result, record.result["final_epoch"]
    part = "test" if data.validates_on_test else "val"
    errors_V = _errors_V(record, f"0_vout_{part}_epoch{last}", data, data.val)
    found = {RMSE: _rmse(errors_V, data, data.val) + _part(data), MSE: f"{(errors_V**2).mean():.4g}"}
    selected, epoch = result[result["score_name"]], result["selected_epoch"]
    loss = result["score_name"].removeprefix("selected_val_")
    found[SELECTED] = f"{loss} {selected:.4g} at {epoch}, on the {result['selected_on']}"
    found[TEST] = "-"
    if f"selected_test_{loss}" in result:
        found[TEST] = _rmse(_errors_V(record, "0_vout_selected_test", data, data.test), data, data.test)
    return found


def _errors_V(record: RunRecord, name: str, data: Data, part: Split) -> NDArray[np.float64]:
    """Scores less targets (samples, values) of the samples whose operating points converged."""
    errors_V: NDArray[np.float64] = data.readout.scores_V(record.array(name)) - part.y
    return errors_V[np.isfinite(errors_V).all(axis=1)]


def _accuracy(accuracy: float, data: Data, part: Split) -> str:
    interval = wilson_interval(accuracy, len(part.y))
    return f"{_number(accuracy, 4, True)} ({_interval(interval, data, part)})"


def _rmse(errors_V: NDArray[np.float64], data: Data, part: Split) -> str:
    rmse_V = float(np.sqrt((errors_V**2).mean()))
    return f"{_number(rmse_V, 4, False)} ({_interval(rms_interval(errors_V), data, part)})"


def _interval(interval: tuple[float, float] | None, data: Data, part: Split) -> str:
    """The interval of a part, or why there is none."""
    if part is data.train:
        return f"{len(part.y)} training samples, no interval"
    if interval is None:
        return f"{len(part.y)} samples, no interval"
    low, high = (_number(end, 3, data.readout.answer.classes) for end in interval)
    return f"{low} to {high}"


def _number(value: float, digits: int, is_accuracy: bool) -> str:
    """An accuracy has so many decimals, an error so many digits."""
    return f"{value:.{digits}f}" if is_accuracy else f"{value:.{digits}g}"


def _part(data: Data) -> str:
    """The name of the validation part, behind its numbers."""
    if data.val is data.train:
        return ""
    return " test" if data.validates_on_test else " validation"


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
