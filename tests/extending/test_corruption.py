"""The recipe of a corruption: a run that is interrupted and resumed, a campaign likewise, its figure, its table."""

import csv
import signal
import time

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
    assert columns.run("corruption-run --resume columns", code=2).endswith("is done; there is nothing to go on with\n")
    # The same campaign, stopped in the middle and resumed from another folder.
    status = tmp_path / "cut" / "status.jsonl"
    process = columns.start(f"{campaign} --output-dir cut --max-workers 1")
    while process.poll() is None and (not status.exists() or '"start"' not in status.read_text()):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=600)
    (columns.folder / "elsewhere").mkdir()
    object.__setattr__(columns, "folder", columns.folder / "elsewhere")
    if process.returncode:  # else both runs were over before the signal came
        columns.run("corruption-run --resume ../cut")
    assert rows(tmp_path / "cut") == found


def test_a_run_is_resumed_to_the_same_numbers(columns, tmp_path):
    words = columns.commands[0].replace("--epochs 10", "--epochs 150 --hidden-sizes 16 --max-train-samples 300")
    columns.run(f"{words} --quiet --run-dir whole")
    assert "go on with --resume cut" in columns.interrupt(f"{words} --run-dir cut", "cut", 3)
    columns.run("python -m corruption_study.train --resume cut")
    whole, cut = (load_run(tmp_path / name) for name in ("whole", "cut"))
    assert whole.result == cut.result
    assert whole.metrics.equals(cut.metrics)
    assert not list((tmp_path / "cut").glob("checkpoint*"))
