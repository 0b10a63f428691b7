"""Figures and the table of runs of a task."""

import pytest

from common.runs import load_run


@pytest.fixture
def iris(here, tmp_path):
    here("analog_nmos.train", "iris", 1, "--epochs", 2, "--run-dir", "run", "--quiet", "--no-plots")
    return tmp_path / "run"


def test_all_figures_with_the_names_of_the_classes(here, iris):
    done = here("analog_nmos.figures_command", "run", "--plot-format", "svg", "--epochs", "last")
    assert "left out" not in done.out
    drawn = (iris / "figures" / "confusion_epoch2.svg").read_text()
    for name in ("setosa", "versicolor", "virginica"):
        assert drawn.count(f"<!-- {name} -->") == 2, name  # below and beside the matrix


def test_the_table_of_runs_has_its_test_and_baselines_on_the_same_split(here, iris):
    header, _, row = here("analog_nmos.compare", "run").out.splitlines()
    cells = dict(zip(header.split(" | "), row.split(" | "), strict=True))
    assert cells["trainer"] == "train_iris"
    assert cells["accuracy (95 % interval)"].endswith(") validation")
    accuracy = load_run(iris).result["selected_test_acc"]
    assert cells["its test (95 % interval)"].startswith(f"{accuracy:.4f} (")
    logistic = float(cells["logistic regression"])
    assert logistic >= 0.85
    assert logistic * 30 == pytest.approx(round(logistic * 30), abs=0.01)  # of the 30 samples of the test
