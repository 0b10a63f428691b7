"""The table of runs: of classes, of values, and of both."""

import re

import numpy as np
import pytest

from analog_nmos.data.intervals import rms_interval
from common.runs import load_run

SMALL = ("--train-limit", 60, "--test-limit", 30, "--epochs", 2, "--backend", "native", "--run-dir", "run", "--quiet")


ACCURACY, RMSE, TEST = "accuracy (95 % interval)", "RMSE in V (95 % interval)", "its test (95 % interval)"

OWN = """
from dataclasses import dataclass

import numpy as np

from analog_nmos.data.split import Data, Split
from analog_nmos.readouts import Readout, Value
from analog_nmos.tasks.base import preset
from analog_nmos.tasks.dense import DenseTask
from common.cli import option


@dataclass(frozen=True, kw_only=True)
class Curve(DenseTask):
    \"\"\"two voltages of one\"\"\"

    tests: int = option(20, "samples to test on", low=1)
    objective: str = preset(DenseTask, "objective", "mse")
    epochs: int = preset(DenseTask, "epochs", 4)

    def load(self):
        x_V = np.random.default_rng(0).uniform(0, 1, (60 + self.tests, 1))
        y_V = np.hstack([0.3 + 0.2 * x_V, 0.6 - 0.3 * x_V])
        cuts = [(0, 40), (40, 60), (60, len(x_V))]
        parts = [Split(self.inputs_V(x_V[a:b]), y_V[a:b]) for a, b in cuts]
        return Data(*parts, (), self.name(), read=Readout(Value(("rising", "falling"))))
"""


def rows(here, *runs):
    """The table as dictionaries of its columns."""
    header, line, *lines = [row.strip("| ").split(" | ") for row in here("analog_nmos.compare", *runs).out.splitlines()]
    assert set(line) == {"---"}
    return [dict(zip(header, row, strict=True)) for row in lines]


def test_a_row_per_run(here, sparse_digits):
    here("analog_nmos.dense_trainer", 1, *SMALL, "--topology", sparse_digits)
    [cells] = rows(here, "run")
    assert list(cells)[5:] == [ACCURACY, "selected epoch", TEST, "logistic regression", "RBF SVM"]
    assert cells["trainer"] == "dense_trainer"
    assert cells["edges"] == "60"
    assert cells["accuracy (95 % interval)"].endswith(") test")
    assert cells["selected epoch"].endswith("on the test set")
    assert 0.5 < float(cells["logistic regression"]) <= 1


def test_what_is_no_finished_run_is_refused(here, tmp_path):
    assert "no run_meta.json" in here("analog_nmos.compare", tmp_path, code=2).err
    assert "RUN_DIR" in here("analog_nmos.compare", code=2).err


def test_values_have_errors_with_intervals_and_regressors(here, tmp_path):
    (tmp_path / "curves_of_a_user.py").write_text(OWN)
    here("analog_nmos.train", "curves_of_a_user:Curve", 1, "--run-dir", "run", "--quiet", "--no-plots")
    record = load_run(tmp_path / "run")
    assert record.result["selected_epoch"] == 4  # the last one, of which outputs of the test are kept
    [cells] = rows(here, "run")
    errors_V = record.array("0_vout_val_epoch4") - record.array("val_y")
    rmse_V, (low, high) = np.sqrt((errors_V**2).mean()), rms_interval(errors_V)
    assert cells[RMSE] == f"{rmse_V:.4g} ({low:.3g} to {high:.3g}) validation"
    assert float(cells["MSE in V²"]) == pytest.approx(record.result["final_val_mse"], rel=1e-3)
    assert cells["selected epoch"] == f"mse {record.result['selected_val_mse']:.4g} at 4, on the validation split"
    tested = float(cells[TEST].partition(" (")[0])
    assert tested**2 == pytest.approx(record.result["selected_test_mse"], rel=1e-3)
    assert re.fullmatch(r"[0-9.]+ \([0-9.]+ to [0-9.]+\)", cells[TEST])
    assert 0 <= float(cells["ridge regression"]) < 1e-5  # it is a straight line
    assert ACCURACY not in cells
    assert "RBF SVM" not in cells


def test_few_tests_have_no_interval(here, tmp_path):
    (tmp_path / "few_of_a_user.py").write_text(OWN)
    words = ("--run-dir", "run", "--quiet", "--no-plots", "--tests", 9)
    here("analog_nmos.train", "few_of_a_user:Curve", 1, *words)
    [cells] = rows(here, "run")
    assert cells[TEST].endswith("(9 samples, no interval)")
    assert cells[RMSE].endswith(") validation")


def test_training_samples_have_no_interval_and_kinds_may_be_mixed(here):
    few = ("--epochs", 1, "--quiet", "--no-plots", "--body-res", 0.001)
    for task in ("xor", "regression"):
        here("analog_nmos.train", task, 1, *few, "--run-dir", task)
    xor, regression = rows(here, "xor", "regression")
    assert re.fullmatch(r"[0-9.]+ \(4 training samples, no interval\)", xor[ACCURACY])
    assert xor["selected epoch"].endswith("at 1, on the training set")
    assert (xor[RMSE], xor["ridge regression"], xor["logistic regression"]) == ("-", "-", "0.5000")
    assert re.fullmatch(r"[0-9.]+ \(8 training samples, no interval\)", regression[RMSE])
    assert (regression[ACCURACY], regression["RBF SVM"]) == ("-", "-")
    assert float(regression["RBF kernel ridge"]) < float(regression["ridge regression"]) < 0.03
