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


FEW = ("--epochs", 2, "--quiet", "--body-tie", "ground")


def plots(folder):
    return {path.stem for path in folder.glob("*.png")}


def test_exclusive_or_leaves_its_truth_table(here, tmp_path):
    here("analog_nmos.train", "xor", 3, *FEW, "--body-res", 0.001, "--run-dir", "run")
    assert load_run(tmp_path / "run").meta["readout"] == {
        "pairs": True,
        "answer": "nearest level",
        "levels_V": [0.0, -0.087],
    }
    of_run = {"learning_curves_acc", "learning_curves_mse", "timing", "scores"}
    assert plots(tmp_path / "run") == of_run | {"truth_table_epoch2"}
    done = here("analog_nmos.figures_command", "run", "--epochs", "0,2")
    # Its inputs lead to hidden nodes alone, of which there is no image.
    reason = "no edge joins an input with an output, so there is no image of gate voltages"
    assert done.out.splitlines()[:-1] == [f"left out: vg-heatmap of epoch 0, 2: {reason}"]
    drawn = plots(tmp_path / "run" / "figures")
    assert of_run | {"truth_table_epoch0", "truth_table_epoch2", "confusion_epoch2", "vg_graph_outputs_epoch2"} <= drawn


def test_a_regression_leaves_its_curve_and_no_accuracy(here, tmp_path):
    here("analog_nmos.train", "regression", *FEW, "--body-res", 0.001, "--run-dir", "run")
    assert load_run(tmp_path / "run").meta["readout"] == {"pairs": False, "answer": "value", "values": ["output"]}
    assert plots(tmp_path / "run") == {"learning_curves_mse", "timing", "regression_curve"}
    done = here("analog_nmos.figures_command", "run", "--epochs", "last")
    assert done.out.count("left out") == 1  # vg-heatmap
    drawn = plots(tmp_path / "run" / "figures")
    assert drawn >= {"regression_curve", "vg_by_label", "vg_graph_epoch2", "vg_histogram_epoch2"}
    assert not {name for name in drawn if name.startswith(("confusion", "truth", "scores"))}


def test_pairs_of_digits_have_all_figures(here, tmp_path):
    few = ("--body-res", 10, "--train-limit", 40, "--test-limit", 40, "--run-dir", "run", "--no-plots")
    here("analog_nmos.train", "digits-pairs", *FEW, *few)
    assert load_run(tmp_path / "run").meta["readout"] == {"pairs": True, "answer": "highest"}
    done = here("analog_nmos.figures_command", "run", "--plot-format", "svg", "--epochs", "last")
    assert "left out" not in done.out
    heat = (tmp_path / "run" / "figures" / "vg_heatmap_epoch2.svg").read_text()
    assert "<!-- output 9+ -->" in heat
    assert "<!-- output 9− -->" in heat  # noqa: RUF001
