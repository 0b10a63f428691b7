"""The recipe of a corruption: a run that is interrupted and resumed, a campaign likewise, its figure, its table."""

import csv
import dataclasses

import pytest

from common.runs import load_run


@pytest.fixture
def columns(recipe):
    return recipe("A corruption")


def rows(folder):
    with open(folder / "results_per_run.csv") as stream:
        return [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(stream)]


def test_a_campaign_with_a_corruption_of_ones_own(columns, tmp_path):
    train, campaign, plot, table = columns.commands
    columns.run(train)
    run = load_run(tmp_path / "results" / "corruption_study" / "latest")
    assert run.result["final_test_acc"] > 0.5
    assert run.meta["plugins"] == {"dead_columns:DeadColumns": str(tmp_path / "dead_columns.py")}
    assert "2 of 2 runs done, 0 failed" in columns.run(campaign)
    found = rows(tmp_path / "columns")
    assert [(row["p"], row["corruption"]) for row in found] == [(p, "dead_columns:DeadColumns") for p in ("0.0", "0.5")]
    assert all(float(row["test_accuracy_p0.5"]) < float(row["test_accuracy"]) for row in found)
    columns.run(plot)
    assert "corruption strength p in training (dead columns)" in (tmp_path / "columns" / "accuracy.svg").read_text()
    assert "final_test_acc by axis" in columns.run(table)


@pytest.mark.slow
def test_a_campaign_is_resumed_from_another_folder(columns, tmp_path):
    """Where its module does not lie: the campaign's folder knows where it does."""
    words = columns.commands[1].replace("--output-dir columns", "--max-train-samples 300 --output-dir")
    columns.run(f"{words} whole")
    columns.run(f"{words} part --limit 1 --quiet")
    (tmp_path / "elsewhere").mkdir()
    elsewhere = dataclasses.replace(columns, folder=tmp_path / "elsewhere")
    assert "--epochs 3 differs from the run's 10" in elsewhere.run("corruption-run --resume ../part --epochs 3", code=2)
    elsewhere.run("corruption-run --resume ../part")
    assert rows(tmp_path / "part") == rows(tmp_path / "whole")
    assert "is done; there is nothing to go on with" in elsewhere.run("corruption-run --resume ../part", code=2)
    elsewhere.run("corruption-plot ../part --format svg")  # which cannot know the label: the module is not found here
    assert "corruption strength p in training (DeadColumns)" in (tmp_path / "part" / "accuracy.svg").read_text()


@pytest.mark.slow
def test_a_run_is_resumed_to_the_same_numbers(columns, tmp_path):
    words = columns.commands[0].replace("--epochs 10", "--epochs 150 --hidden-sizes 16 --max-train-samples 300")
    columns.run(f"{words} --quiet --run-dir whole")
    assert "go on with --resume cut" in columns.interrupt(f"{words} --run-dir cut", "cut", 3)
    columns.run("corruption-train --resume cut")
    whole, cut = (load_run(tmp_path / name) for name in ("whole", "cut"))
    assert whole.result == cut.result
    assert whole.metrics.equals(cut.metrics)
    assert not list((tmp_path / "cut").glob("checkpoint*"))
