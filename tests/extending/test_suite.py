"""The recipe of a whole suite: its command, a run that is interrupted and resumed, a sweep, a table."""

import numpy as np

from common.runs import load_run


def test_a_suite_of_one_file(recipe, tmp_path):
    suite = recipe("A suite")
    for line in suite.commands[:3]:
        printed = suite.run(line)
    assert "epoch 30: test accuracy 0." in printed
    assert load_run(tmp_path / "results" / "noisy" / "latest").result["final_epoch"] == 30
    assert "2 of 2 runs done, 0 failed" in suite.run(suite.commands[3])
    assert "final_test_acc by axis" in suite.run(suite.commands[4])
    assert "about 0:00:" in suite.run(f"{suite.commands[0]}")


def test_its_runs_are_resumed_to_the_same_numbers(recipe, tmp_path):
    suite = recipe("A suite")
    words = "python noisy_softmax.py --noise 0.3 --epochs 2000 --quiet"
    suite.run(f"{words} --run-dir whole")
    assert "go on with --resume stopped" in suite.interrupt(f"{words} --run-dir stopped", "stopped", 3)
    assert load_run(tmp_path / "stopped").status == "interrupted"
    suite.run("python noisy_softmax.py --resume stopped")
    whole, stopped = (np.load(tmp_path / name / "checkpoint.npz") for name in ("whole", "stopped"))
    assert np.array_equal(whole["weights"], stopped["weights"])
    metrics = [(tmp_path / name / "metrics.csv").read_text() for name in ("whole", "stopped")]
    assert metrics[0] == metrics[1]


def test_its_command_refuses_in_one_line(recipe):
    suite = recipe("A suite")
    suite.run("python noisy_softmax.py --epochs 2 --run-dir run")
    for words, text in (
        ("--noise -1", "argument --noise: -1 is out of range"),
        ("--resume run", "run folder run: is done; there is nothing to go on with"),
        ("--resume run --noise 0.5", "--noise 0.5 differs from the run's 0.1; start a new run"),
        ("--resume run --epochs 1", "--epochs 1 is less than the run's 2"),
        ("--resume nothing", "run folder nothing: no run_meta.json in it"),
        ("--resume run --run-dir other", "--resume goes on in its own folder"),
        ("--run-dir run", "run folder run: holds a run already"),
    ):
        printed = suite.run(f"python noisy_softmax.py {words}", code=2)
        assert printed.startswith(f"error: {text}"), printed
        assert printed.count("\n") == 1
