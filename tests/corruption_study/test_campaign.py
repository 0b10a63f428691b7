"""The campaign at the edge a user touches: options, seeds, files, interruption."""

import csv
import json
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from waiting import finish, wait_until

from common.errors import InputError
from corruption_study import run_experiments, tables
from corruption_study.campaign import Campaign, read_toml, settle, specs_of
from corruption_study.nnet_models import TrainConfig, train_and_evaluate

MODULE = "corruption_study.run_experiments"
EARLIER = Path(__file__).with_name("earlier")


def rows_of(path):
    with open(path) as stream:
        return list(csv.DictReader(stream))


def without_seconds(path):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows_of(path)]


def test_seeds_are_drawn_in_the_published_order():
    import random

    campaign = Campaign()
    specs = specs_of(campaign)
    random.seed(1234)
    place = 0
    for activation in campaign.activations:
        for model_type in campaign.model_types:
            for p in campaign.ps:
                for repeat in range(campaign.repeats):
                    spec = specs[place]
                    assert spec.config["seed"] == random.randint(1, 1_000_000_000)
                    assert spec.axes == {"activation": activation, "model_type": model_type, "p": p, "repeat": repeat}
                    place += 1
    assert len(specs) == place == 105
    assert [spec.config["seed"] for spec in specs[:4]] == [835549144, 473233032, 125467290, 8043910]
    assert [specs_of(Campaign(seed=7))[place].config["seed"] for place in (0, 104)] == [347712783, 525020129]


def test_the_reliable_preset_is_2400_runs():
    specs = specs_of(settle("reliable", {}, {}))
    assert len(specs) == 2400
    kinds = {
        (s.config["model_type"], s.config["epochs"], s.config["batch_size"], tuple(s.config["hidden_sizes"]))
        for s in specs
    }
    assert kinds == {("mlp", 15, 512, (1024, 512, 256)), ("cnn", 20, 256, (1024, 512, 256))}
    assert {s.config["p"] for s in specs} == {0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9}
    shorter = specs_of(settle("reliable", {}, {"epochs": 2}))
    assert {s.config["epochs"] for s in shorter} == {2}
    assert {s.config["batch_size"] for s in shorter} == {256, 512}


def test_a_file_wins_over_a_preset_and_the_command_line_over_both(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('repeats = 3\nps = [0, 0.25]\nmodel-types = ["mlp"]\nlearning-rate = 0.01\n')
    campaign = settle("reliable", read_toml(path), {"repeats": 2})
    assert (campaign.repeats, campaign.ps, campaign.learning_rate) == (2, (0, 0.25), 0.01)
    assert campaign.hidden_sizes == (1024, 512, 256)
    assert len(specs_of(campaign)) == 3 * 2 * 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--ps 0 1.5", "at most 1"),
        ("--ps 0.1 0.1", "0.1 is given twice"),
        ("--activations swish", "is not one of relu, tanh, sigmoid, leaky_relu, gelu"),
        ("--model-types rnn", "is not one of mlp, cnn"),
        ("--repeats 0", "at least 1"),
        ("--corruption dust", "is not one of uniform, gaussian"),
        ("--dataset cifar", "is not one of mnist, fashion-mnist, digits"),
        ("--config missing.toml", "no such file"),
        ("--channels 1 1 1 1 1", "allowed: 1 to 4"),
        ("--dataset digits --max-train-samples 99999", "allowed: at most 1437"),
        ("--output-dir a --run-dir b", "give one of them"),
        ("--max-workers 0", "1 or more"),
    ],
)
def test_wrong_options_are_one_line_and_exit_code_2(here, tmp_path, words, message):
    done = here(MODULE, *words.split(), code=2)
    assert message in done.err
    assert done.err.startswith("error: ")
    assert len(done.err.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_wrong_settings_in_a_file_are_named(here, tmp_path):
    for text, message in (
        ("reapeats = 3", "unknown setting 'reapeats'"),
        ("ps = [2]", "at most 1"),
        ("ps = ", "is not TOML"),
        ("max-workers = 0", "1 or more"),
        ("output_dir = 3", "allowed: a folder"),
    ):
        (tmp_path / "bad.toml").write_text(text)
        assert message in here(MODULE, "--config", "bad.toml", code=2).err


def test_missing_files_are_named_before_any_work(here, tmp_path, monkeypatch):
    import common.datasets

    def no_network(name, root):
        raise OSError("no network")

    monkeypatch.setattr(common.datasets, "_fetch", no_network)
    done = here(MODULE, "--data-root", tmp_path / "none", code=2)
    assert "or --dataset digits" in done.err
    assert not (tmp_path / "results").exists()


def test_fashion_mnist_takes_the_same_path(monkeypatch):
    """Its files are not at hand: the loader is replaced by one that hands out made-up images."""
    from common.datasets import Dataset
    from corruption_study import data

    rng = np.random.default_rng(0)
    asked = []

    def load(name, root):
        asked.append(name)
        x = rng.integers(0, 256, (300, 28, 28), dtype=np.uint8)
        return Dataset(name, x, np.arange(300) % 10, x[:50], np.arange(50) % 10)

    monkeypatch.setattr(data, "load", load)
    result = train_and_evaluate(TrainConfig(dataset="fashion-mnist", epochs=1, hidden_sizes=(16,)))
    assert asked == ["fashion-mnist"]
    assert 0 <= result["test_accuracy"] <= 1


@pytest.mark.slow
def test_a_campaign_killed_and_interrupted_ends_with_the_same_files(start, here, small, tmp_path):
    words = [*small, "--test-ps", "0.3", "--output-dir"]
    whole = here(MODULE, *words, "whole")
    assert whole.out.count("test accuracy") == 4
    assert "p=0.5" in whole.out
    more = [*words, "cut", "--max-workers", "1"]
    first = start(MODULE, *more)
    status = tmp_path / "cut" / "status.jsonl"
    wait_until(lambda: status.exists() and '"start"' in status.read_text(), first)
    first.kill()
    first.communicate()
    before = status.read_text().count('"start"')
    second = start(MODULE, "--resume", "cut", "--max-workers", "1")
    wait_until(lambda: status.read_text().count('"start"') > before, second)
    second.send_signal(signal.SIGINT)
    _, err = finish(second)
    assert second.returncode in (0, 130)  # 0: the last run was over before the signal came
    assert "Traceback" not in err
    here(MODULE, *words, "cut")
    for name in (tables.PER_RUN, tables.SUMMARY, tables.TEST_PS):
        assert without_seconds(tmp_path / "whole" / name) == without_seconds(tmp_path / "cut" / name), name
    per_run = (tmp_path / "whole" / tables.PER_RUN).read_bytes()
    again = here(MODULE, *words, "whole")  # nothing left to do
    assert "0 to do now" in again.out
    assert (tmp_path / "whole" / tables.PER_RUN).read_bytes() == per_run
    check_tables(tmp_path / "whole")


def test_a_campaign_of_an_earlier_version_is_resumed_and_its_tables_are_the_same(here, tmp_path):
    """One of its two runs is done, the other has a checkpoint; its manifest holds no settings."""
    shutil.copytree(EARLIER / "campaign", tmp_path / "mine")
    for words, message in (
        ("--epochs 4", "--epochs 4 differs from the run's 3; start a new run"),
        ("--ps 0", "--ps [0.0] differs from the run's [0.0, 0.5]"),
        ("--seed 8", "--seed 8 differs from the run's"),
        ("--preset reliable", "--hidden-sizes [1024, 512, 256] differs"),
        ("--output-dir other", "--resume goes on in its own folder"),
    ):
        assert message in here(MODULE, "--resume", "mine", *words.split(), code=2).err
    assert "1 to do now" in here(MODULE, "--resume", "mine", "--seed", "7", "--epochs", "3", "--dry-run").out
    here(MODULE, "--resume", "mine", "--quiet", "--max-workers", "1")
    for name in (tables.PER_RUN, tables.SUMMARY, tables.TEST_PS):
        expected, found = without_seconds(EARLIER / "expected" / name), without_seconds(tmp_path / "mine" / name)
        assert found[0] == expected[0]  # to the digit: the end that the earlier version wrote
        assert list(found[1]) == list(expected[1])
        for column, text in expected[1].items():
            assert found[1][column] == text or float(found[1][column]) == pytest.approx(float(text), rel=1e-3), column
    assert "is done; there is nothing to go on with" in here(MODULE, "--resume", "mine", code=2).err


def test_only_a_campaign_is_resumed(here, tmp_path):
    assert "no runspecs.jsonl in it" in here(MODULE, "--resume", "nowhere", code=2).err
    shutil.copytree(EARLIER / "campaign", tmp_path / "other")
    manifest = tmp_path / "other" / "manifest.json"
    manifest.write_text(manifest.read_text().replace("corruption_study.worker", "another").replace("-run", "-other"))
    assert "was not made by corruption-run but by corruption-other" in here(MODULE, "--resume", "other", code=2).err


def check_tables(folder):
    per_run = rows_of(folder / tables.PER_RUN)
    assert tuple(per_run[0])[:15] == (*tables.PUBLISHED, "final_loss", "test_accuracy", "seconds")
    assert [(row["p"], row["repeat"]) for row in per_run] == [("0.0", "0"), ("0.0", "1"), ("0.5", "0"), ("0.5", "1")]
    row = per_run[3]
    assert list(row)[15] == "train_loss"
    assert row["train_loss"] == row["final_loss"]
    config = TrainConfig(dataset="digits", epochs=2, hidden_sizes=(32,), p=0.5, seed=int(row["seed"]), test_ps=(0.3,))
    alone = train_and_evaluate(config)
    assert float(row["test_accuracy"]) == alone["test_accuracy"]
    assert float(row["final_loss"]) == alone["final_loss"]
    summary = rows_of(folder / tables.SUMMARY)
    assert list(summary[0]) == [
        "activation", "model_type", "p", "repeats", "mean_test_accuracy", "std_test_accuracy", "stderr_test_accuracy",
    ]  # fmt: skip
    values = np.array([float(row["test_accuracy"]) for row in per_run[2:]])
    assert float(summary[1]["mean_test_accuracy"]) == pytest.approx(values.mean())
    assert float(summary[1]["std_test_accuracy"]) == pytest.approx(values.std())
    assert float(summary[1]["stderr_test_accuracy"]) == pytest.approx(values.std() / np.sqrt(2))
    corrupted = rows_of(folder / tables.TEST_PS)
    assert [(row["p"], row["test_p"]) for row in corrupted] == [("0.0", "0.3"), ("0.5", "0.3")]


def test_stacks_change_no_number(here, small, tmp_path):
    here(MODULE, *small, "--stack", "1", "--max-workers", "1", "--output-dir", "alone", "--quiet")
    here(MODULE, *small, "--stack", "4", "--max-workers", "1", "--output-dir", "stacked", "--quiet")
    assert json.loads((tmp_path / "stacked/stack.json").read_text()) == {"mlp": 4}
    assert without_seconds(tmp_path / "alone" / tables.PER_RUN) == without_seconds(
        tmp_path / "stacked" / tables.PER_RUN
    )
    another = here(MODULE, *small, "--learning-rate", "0.5", "--output-dir", "alone", code=2)
    assert "holds another" in another.err


@pytest.mark.slow
def test_a_run_that_fails_is_reported_and_kept_out_of_the_tables(here, small, tmp_path):
    done = here(MODULE, *small, "--learning-rate", "1e38", "--output-dir", "bad", code=1)
    assert "failed: training loss is nan" in done.out
    assert "4 failed" in done.out
    assert rows_of(tmp_path / "bad" / tables.PER_RUN) == []


@pytest.mark.slow
def test_a_dry_run_estimates_and_writes_nothing(here, small, tmp_path):
    done = here(MODULE, *small, "--dry-run", "--model-types", "mlp", "cnn", "--channels", "2", "--hidden", "8")
    assert "8 runs, 8 to do now" in done.out
    assert "4 runs of mlp: about" in done.out
    assert "4 runs of cnn: about" in done.out
    assert "MiB of memory" in done.out
    assert not list(tmp_path.iterdir())


def test_summaries_are_sorted_by_model_type_activation_and_p():
    rows = [
        {"model_type": m, "activation": a, "p": p, "test_accuracy": 0.5}
        for m in ("mlp", "cnn")
        for a in ("tanh", "relu")
        for p in (0.5, 0.0)
    ]
    found = [(row["model_type"], row["activation"], row["p"]) for row in tables.summary(rows)]
    assert found == sorted(found)
    assert len(found) == 8


def test_tables_can_be_written_and_summarized_from_a_notebook(tmp_path):
    rows = [{"model_type": "mlp", "activation": "relu", "p": 0.5, "test_accuracy": value} for value in (0.25, 0.75)]
    run_experiments.write_csv(tmp_path / "new" / "rows.csv", rows)
    assert rows_of(tmp_path / "new" / "rows.csv") == [{name: str(v) for name, v in row.items()} for row in rows]
    (found,) = run_experiments.summarize_runs(rows)
    assert (found["repeats"], found["mean_test_accuracy"], found["std_test_accuracy"]) == (2, 0.5, 0.25)


def test_workers_leave_room_for_their_threads(monkeypatch):
    monkeypatch.setattr(run_experiments, "available_cores", lambda: 8)
    assert run_experiments.workers_for(Campaign(), None) == 8
    assert run_experiments.workers_for(Campaign(cpu_threads_per_worker=3), None) == 2
    assert run_experiments.workers_for(Campaign(), 3) == 3
    assert run_experiments.workers_for(Campaign(use_cuda=True), 5) == 1


def test_a_campaign_for_a_missing_gpu_is_refused(here):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    assert "no CUDA device" in here(MODULE, "--use-cuda", "--dataset", "digits", code=2).err


def test_a_folder_of_something_else_is_refused(here, tmp_path):
    (tmp_path / "file").write_text("")
    assert "is a file" in here(MODULE, "--dataset", "digits", "--output-dir", "file", code=2).err
    with pytest.raises(InputError, match="no such file"):
        tables.read_rows(tmp_path / "nothing.csv")
    assert os.listdir(tmp_path) == ["file"]
