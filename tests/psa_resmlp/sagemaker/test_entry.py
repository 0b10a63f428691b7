"""The container's program on digits: SageMaker's folders and variables, interruptions, failures."""

import csv
import json
import shutil
import signal
import time

import pytest
from safetensors import safe_open
from waiting import finish, wait_until

RECIPE = {
    "arch": "[2*6]", "ablation-mode": "hidden", "dataset": "digits", "lr": "0.003", "trials": "2", "threads": "1",
}  # fmt: skip


@pytest.fixture
def root(tmp_path):
    """Make SageMaker's folder of a fresh machine with these hyperparameters."""

    def make(name, **more):
        config = tmp_path / name / "input/config"
        config.mkdir(parents=True)
        found = {**RECIPE, **{key.replace("_", "-"): str(value) for key, value in more.items()}}
        (config / "hyperparameters.json").write_text(json.dumps(found))
        return tmp_path / name

    return make


def results(root):
    return json.loads((root / "output/data/comprehensive_results.json").read_text())


def rows(root):
    with open(root / "output/data/metrics.csv") as stream:
        found = list(csv.DictReader(stream))
    return [{name: value for name, value in row.items() if name != "seconds"} for row in found]


def test_a_job_leaves_results_networks_and_a_run(here, root):
    ml = root("ml", meta_loops=3)
    done = here("sagemaker.entry", "--root", ml)
    assert done.out.count("validation") == 6
    found = results(ml)
    assert [one["trial"] for one in found] == [1, 2]
    assert {one["meta_loops"] for one in found} == {3}
    for one in found:
        path = ml / f"model/trial_0{one['trial']}/mnist_lkg.safetensors"
        with safe_open(path, framework="pt") as file:
            assert float(file.metadata()["bounty_percent"]) == one["bounty"] == one["best_validation_accuracy"]
        best = [row for row in rows(ml) if row["trial"] == str(one["trial"])][one["best_validation_epoch"] - 1]
        assert float(best["val_accuracy"]) == pytest.approx(one["bounty"])
    assert json.loads((ml / "output/data/run_meta.json").read_text())["config"]["arch"] == "[2*6]"
    assert not (ml / "output/failure").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGKILL, marks=pytest.mark.slow)])
def test_an_interrupted_job_goes_on_elsewhere_to_the_same_end(here, start, root, number):
    first, second, whole = (root(name, meta_loops=150) for name in ("first", "second", "whole"))
    process = start("psa_resmlp.sagemaker.entry", "--root", first)
    metrics = first / "checkpoints/run/metrics.csv"
    wait_until(lambda: metrics.exists() and metrics.read_text().count("\n") >= 20, process)
    process.send_signal(number)
    finish(process, 143 if number == signal.SIGTERM else -9)
    assert not (first / "output/data/comprehensive_results.json").exists()
    assert not (first / "output/failure").exists()
    shutil.copytree(first / "checkpoints", second / "checkpoints")  # what SageMaker does with its copy
    if number == signal.SIGKILL:
        shutil.rmtree(second / "checkpoints/run")  # the copy was not whole
    done = here("sagemaker.entry", "--root", second)
    assert "goes on after meta-loop" in done.out
    here("sagemaker.entry", "--root", whole)
    assert results(second) == results(whole)
    assert rows(second) == rows(whole)


def test_a_finished_job_started_again_leaves_the_same(here, root):
    ml = root("ml", meta_loops=2)
    here("sagemaker.entry", "--root", ml)
    before = results(ml)
    shutil.rmtree(ml / "output")
    shutil.rmtree(ml / "model")
    here("sagemaker.entry", "--root", ml)
    assert results(ml) == before
    assert len(rows(ml)) == 4


def test_what_came_back_torn_is_done_again(here, root):
    whole, torn = root("whole", meta_loops=3), root("torn", meta_loops=3)
    here("sagemaker.entry", "--root", whole)
    shutil.copytree(whole / "checkpoints", torn / "checkpoints")
    for name in ("models/trial_02/mnist_lkg.safetensors", "run/run_meta.json"):
        path = torn / "checkpoints" / name
        path.write_bytes(path.read_bytes()[:-200])
    for name in ("models/trial_01", "run"):  # of the machine that was taken away a minute ago
        lock = {"host": "ip-10-0-0-1", "boot_id": "another", "pid": 7, "heartbeat": time.time() - 60, "token": "1"}
        (torn / "checkpoints" / name / "run.lock").write_text(json.dumps(lock))
    done = here("sagemaker.entry", "--root", torn)
    assert "that trial starts again" in done.out
    assert "run_meta.json: is not JSON" in done.out
    assert results(torn) == results(whole)
    order = ("trial", "meta_loop")  # trial 2 has caught up alone
    assert sorted(rows(torn), key=lambda row: [row[name] for name in order]) == sorted(
        rows(whole), key=lambda row: [row[name] for name in order]
    )


def test_variables_of_sagemakers_toolkit_and_names_of_the_published_program(here, tmp_path, monkeypatch):
    found = {
        "arch": '"[1*5]"', "ablation-mode": '"none"', "dataset": '"digits"', "meta-loops": "1", "num-runs": "2",
        "model-dir": '"/opt/ml/model"', "sagemaker_program": '"train.py"', "sagemaker_region": '"us-east-1"',
    }  # fmt: skip
    monkeypatch.setenv("SM_HPS", json.dumps(found))
    monkeypatch.setenv("SM_MODEL_DIR", str(tmp_path / "networks"))
    monkeypatch.setenv("SM_OUTPUT_DATA_DIR", str(tmp_path / "results"))
    here("sagemaker.entry", "--root", "ml", "--threads", "1")
    assert len(json.loads((tmp_path / "results/comprehensive_results.json").read_text())) == 2
    assert len(list((tmp_path / "networks").rglob("*.safetensors"))) == 2
    monkeypatch.setenv("SM_HPS", json.dumps({**found, "num-runs": "1"}))
    here("sagemaker.entry", "--root", "more", "--threads", "1", "--num_runs", "3")
    assert len(json.loads((tmp_path / "results/comprehensive_results.json").read_text())) == 3


@pytest.mark.parametrize(
    ("content", "holds"),
    [
        ("{", "not a JSON object"),
        ("[]", "not a JSON object"),
        ('{"arch": "[0*3]"}', "allowed"),
        ('{"oops": "1"}', "--oops"),
    ],
)
def test_wrong_hyperparameters_end_in_one_line_and_the_reason(here, root, content, holds):
    ml = root("ml")
    (ml / "input/config/hyperparameters.json").write_text(content)
    done = here("sagemaker.entry", "--root", ml, code=2)
    assert holds in done.err
    assert done.err.count("\n") == 1
    assert (ml / "output/failure").read_text().count("\n") == 1


def test_mnist_comes_from_the_training_channel(here, root, tmp_path, monkeypatch):
    monkeypatch.delenv("NONIDEAL_DATA", raising=False)
    monkeypatch.delenv("SM_CHANNEL_TRAINING", raising=False)
    monkeypatch.setattr("common.datasets._download", lambda name, root: None)
    ml = root("ml", dataset="mnist", meta_loops=1)
    (ml / "input/data/training").mkdir(parents=True)
    done = here("sagemaker.entry", "--root", ml, code=2)
    assert f"no mnist in {ml / 'input/data/training/MNIST/raw'}" in done.err
    assert (ml / "output/failure").read_text().startswith("no mnist in ")
    monkeypatch.setenv("SM_CHANNEL_TRAINING", str(tmp_path))
    assert f"no mnist in {tmp_path / 'MNIST/raw'}" in here("sagemaker.entry", "--root", ml, code=2).err


def test_help_loads_no_torch(command):
    assert "--ablation-mode" in command("sagemaker.entry", "--help").out
