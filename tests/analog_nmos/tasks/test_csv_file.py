"""`nmos-train csv`: a table of a user's own, and one line for whatever is wrong with it."""

import numpy as np
import pytest

from common.runs import load_run

TRAIN = "analog_nmos.train"


@pytest.fixture
def table(tmp_path):
    """90 rows of two blobs and a column of noise; the class stands in the middle."""
    rng = np.random.default_rng(0)
    lines = ["width, kind ,height,noise"]
    for number in range(90):
        kind = ("wide", "tall", "small, round")[number % 3]
        width, height = np.array([(8, 2), (2, 8), (2, 2)][number % 3]) + rng.normal(0, 0.6, 2)
        lines.append(f'{width:.3f},"{kind}",{height:.3e},{rng.normal():.3f}')
    path = tmp_path / "blobs.csv"
    path.write_text("\n".join(lines) + "\n\n")
    return path


def test_a_table_is_learned(here, table, tmp_path):
    words = ("--task-csv", table.name, "--target", "kind", "--quiet", "--no-plots")
    here(TRAIN, "csv", 1, *words, "--epochs", 30, "--run-dir", "run")
    record = load_run(tmp_path / "run")
    assert record.meta["classes"] == ["small, round", "tall", "wide"]
    assert record.meta["task"] == "csv"
    assert record.result["selected_test_acc"] == 1.0
    accuracy, loss = record.array("0_val_acc"), record.array("0_val_hinge")
    best = record.result["selected_epoch"]
    assert best == 1 + np.argmin(np.where(accuracy[1:] == 1, loss[1:], np.inf)) > 1  # the first epoch has 1.0, too
    x_V = record.array("test_x")
    assert x_V.shape == (18, 8)
    assert x_V.min() >= 0
    assert x_V.max() <= 1
    assert np.allclose(x_V[:, :3] + x_V[:, 3:6], 1.0)
    assert np.array_equal(x_V[:, 6:], np.tile([0.0, 1.0], (18, 1)))


def test_voltages_are_those_that_are_asked_for(here, table, tmp_path):
    volts = ("--input-vmin", -0.2, "--input-vmax", 0.4, "--no-complement", "--no-bias")
    here(TRAIN, "csv", "--task-csv", table.name, "--target", "kind", *volts, "--epochs", 1, "--run-dir", "run")
    x_V = load_run(tmp_path / "run").array("test_x")
    assert x_V.shape == (18, 3)
    assert -0.2 <= x_V.min() < -0.1
    assert 0.3 < x_V.max() <= 0.4


def test_a_file_that_has_changed_is_not_gone_on_with(here, table):
    words = ("--task-csv", table.name, "--target", "kind", "--quiet", "--no-plots")
    here(TRAIN, "csv", 1, *words, "--epochs", 1, "--run-dir", "run")
    table.write_text(table.read_text().replace("wide", "broad"))
    for command in ((TRAIN, "--resume", "run", "--epochs", 2), ("analog_nmos.compare", "run")):
        failed = here(*command, code=2)
        assert "run folder run: the samples of csv have changed since the run began" in failed.err


BAD = [
    ("", "--target a", "no column 'a'; line 1 names ''"),
    ("a,b,a\n1,2,3\n", "--target a", "line 1 has to name at least two columns, each differently"),
    ("a,b\n1,x\n2,y\n", "--target c", "no column 'c'; line 1 names 'a,b'"),
    ("a,b\n", "--target b", "no rows in it"),
    ("a,b\n1,x\n,y\n", "--target b", "line 3: no value of 'a'"),
    ("a,b\n1,x\n2,\n", "--target b", "line 3: no value of 'b'"),
    ("a,b\n1,x\n2\n", "--target b", "line 3: has 1 values; line 1 names 2 columns"),
    ("a,b\n1,x\nred,y\n", "--target b", "line 3, column 'a': 'red' is not a number"),
    ("a,b\n1,x\nnan,y\n", "--target b", "line 3, column 'a': nan is not a finite number"),
    ("a,b\n1,x\n2,x\n", "--target b", "column 'b' holds one class alone, 'x'"),
    ('a,b\n1,"x\n', "--target b", "line 2: is not CSV"),
    ("a,b\n" + "1,x\n2,y\n" * 20 + "3,z\n", "--target b", "--test-split 0.2: class z has 1 samples to split"),
    ("a,b\n" + "1,x\n2,y\n" * 20 + "3,z\n" * 2, "--target b", "class z has"),
    ("a,b\n1,x\n2,y\n", "", "name the file by --task-csv FILE and the column of the classes by --target COLUMN"),
]


@pytest.mark.parametrize(("text", "words", "message"), BAD)
def test_bad_tables_are_one_line_and_nothing_is_written(here, tmp_path, text, words, message):
    (tmp_path / "t.csv").write_text(text)
    failed = here(TRAIN, "csv", "--task-csv", "t.csv", *words.split(), code=2)
    assert failed.err.startswith("error: ")
    assert failed.err.count("\n") == 1
    assert message in failed.err
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_no_file(here):
    assert (
        "--task-csv none.csv: no such file" in here(TRAIN, "csv", "--task-csv", "none.csv", "--target", "a", code=2).err
    )
