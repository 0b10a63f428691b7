"""`nmos-train csv-regression`: a number of a user's own table, and one line for whatever is wrong with it."""

import re

import numpy as np
import pytest

from common.runs import load_run

TRAIN = "analog_nmos.train"
QUIET = ("--quiet", "--no-plots")


@pytest.fixture
def table(tmp_path):
    """150 rows of a plane with little noise."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (150, 3))
    y = 20 + 2 * x[:, 0] - x[:, 1] + 0.5 * x[:, 2] + rng.normal(0, 0.05, 150)
    path = tmp_path / "plane.csv"
    rows = [",".join(f"{value:.6g}" for value in row) for row in np.column_stack([x[:, :2], y, x[:, 2]])]
    path.write_text("\n".join(["a,b,height,c", *rows]) + "\n")
    return path


def test_a_plane_is_learned(here, table, tmp_path):
    words = ("--task-csv", table.name, "--target", "height")
    done = here(TRAIN, "csv-regression", 1, *words, "--run-dir", "run", "--no-plots")
    record = load_run(tmp_path / "run")
    train, test = record.meta["samples"]["train"], record.meta["samples"]["test"]
    assert (train, record.meta["samples"]["val"], test) == (96, 24, 30)
    x_V, y_V = record.array("test_x"), record.array("test_y")
    assert y_V.shape == (30, 1)
    assert np.allclose(x_V[:, :3] + x_V[:, 3:6], 1.0)
    out_V = record.array("0_vout_final_test")
    error = float(((out_V - y_V) ** 2).mean())
    assert record.result["final_test_mse"] == pytest.approx(error)
    assert error < 0.03 * y_V.var()
    loss = record.array("0_val_mse")
    assert record.result["selected_epoch"] == 1 + loss[1:].argmin()
    assert "final test: test_mse" in done.out
    selected_V = record.array("0_vout_selected_test")
    rmse_V = np.sqrt(((selected_V - y_V) ** 2).mean())
    assert record.result["selected_test_mse"] == pytest.approx(rmse_V**2)
    table = here("analog_nmos.compare", "run").out
    assert re.search(rf"\| {rmse_V:.4g} \(0\.\d+ to 0\.\d+\) \|", table), table
    assert record.meta["target"]["column"] == "height"
    assert 16 < record.meta["target"]["smallest"] < record.meta["target"]["largest"] < 24


def test_parts_depend_on_the_seed_and_a_run_is_resumed(here, table, tmp_path):
    words = ("--task-csv", table.name, "--target", "height", *QUIET)
    for seed in (1, 2):
        here(TRAIN, "csv-regression", seed, *words, "--epochs", 2, "--run-dir", f"run{seed}")
    one, two = (load_run(tmp_path / f"run{seed}") for seed in (1, 2))
    assert not np.array_equal(one.array("test_y"), two.array("test_y"))
    here(TRAIN, "--resume", "run1", "--epochs", 4)
    here(TRAIN, "csv-regression", 1, *words, "--epochs", 4, "--run-dir", "whole")
    whole, resumed = (load_run(tmp_path / name) for name in ("whole", "run1"))
    assert np.array_equal(whole.array("0_val_mse"), resumed.array("0_val_mse"))
    assert np.array_equal(whole.array("0_vg_unique_epoch4"), resumed.array("0_vg_unique_epoch4"))


BAD = [
    ((), "name the file by --task-csv FILE"),
    (("--task-csv", "plane.csv", "--target", "width"), "--task-csv plane.csv: no column 'width'"),
    (("--task-csv", "words.csv", "--target", "y"), "--task-csv words.csv, line 3, column 'y': "),
    (("--task-csv", "holes.csv", "--target", "y"), "--task-csv holes.csv, line 3: no value of 'x'"),
    (("--task-csv", "flat.csv", "--target", "y"), "'y' is 3 in all of the training part"),
    (("--task-csv", "few.csv", "--target", "y"), "--task-csv few.csv: 2 rows are too few for three parts"),
    (("--task-csv", "plane.csv", "--target", "height", "--target-vmin", -1), "this network reaches 0 to 1 V"),
    (("--task-csv", "plane.csv", "--target", "height", "--target-vmin", 0.8), "--target-vmax 0.7 must lie above"),
    (("--task-csv", "plane.csv", "--target", "height", "--objective", "hinge"), "hinge needs a score for each class"),
    (("--task-csv", "plane.csv", "--target", "height", "--one-hot", 0.3), "--one-hot is for tasks with a score"),
]


@pytest.mark.parametrize(("words", "message"), BAD)
def test_bad_input_is_one_line_and_nothing_is_written(here, table, tmp_path, words, message):
    (tmp_path / "words.csv").write_text("x,y\n" + "1,2\n" + "2,many\n" + "3,4\n" * 8)
    (tmp_path / "holes.csv").write_text("x,y\n" + "1,2\n" + ",2\n" + "3,4\n" * 8)
    (tmp_path / "flat.csv").write_text("x,y\n" + "".join(f"{k},3\n" for k in range(20)))
    (tmp_path / "few.csv").write_text("x,y\n1,2\n2,3\n")
    before = sorted(path.name for path in tmp_path.iterdir())
    failed = here(TRAIN, "csv-regression", *words, code=2)
    assert failed.err.startswith("error: ")
    assert failed.err.count("\n") == 1
    assert message in failed.err
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_inputs_beyond_rails_are_a_warning(here, table, tmp_path):
    from analog_nmos.topology.dense import Dense

    Dense(inputs=8, outputs=1, rails="outputs").build().save(tmp_path / "railed.npz")
    words = ("--task-csv", table.name, "--target", "height", "--topology", "railed.npz", "--epochs", 1)
    out = here(TRAIN, "csv-regression", *words, "--vplus", 0.8, "--no-plots").out
    assert "warning: inputs from 0 to 1 V lie beyond the rails, 0 to 0.8 V" in out
    assert "warning" not in here(TRAIN, "csv-regression", *words, "--vplus", 1, "--no-plots").out
