"""psa-train as its users meet it: checkpoints, resume, kills, signals, modes, errors."""

import csv
import json
import os
import pickle
import signal

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from waiting import finish, wait_until

from common.runs import load_run
from psa_resmlp.model.network import shapes
from psa_resmlp.study.architectures import parse

QUICK = ("--arch", "[2*6]", "--dataset", "digits", "--lr", "0.003", "--threads", "1")


def train(here, *words, code=0, models="models"):
    return here("train", *QUICK, "--model-dir", models, *words, code=code)


def facts(path):
    with safe_open(path, framework="pt") as file:
        return file.metadata()


def rows(folder):
    with open(folder / "metrics.csv") as stream:
        found = list(csv.DictReader(stream))
    return [{name: value for name, value in row.items() if name != "seconds"} for row in found]


def same(one, other):
    """The same tensors, and the same history but for the time it took."""
    first, second = load_file(one), load_file(other)
    assert first.keys() == second.keys()
    for name in first:
        assert torch.equal(first[name], second[name]), name
    stories = [json.loads(facts(path)["history"]) for path in (one, other)]
    assert [loop[:-1] for loop in stories[0]] == [loop[:-1] for loop in stories[1]]


def test_a_training_leaves_a_run_and_a_checkpoint(here, tmp_path):
    done = train(here, "--meta-loops", 4, "--ablation-mode", "hidden")
    assert "ResMLP [2*6]: " in done.out
    assert done.out.count("validation") == 4
    assert "test accuracy" in done.out.splitlines()[-1]
    path = tmp_path / "models/mnist_lkg.safetensors"
    known = facts(path)
    assert (known["meta_loop"], known["mode"], known["architecture"], known["dataset"]) == (
        "4",
        "hidden",
        "[2*6]",
        "digits",
    )
    assert json.loads(known["random_state"]) == {"seed": 0, "trial": 1, "meta_loop": 4}
    folder = (tmp_path / "results/psa_resmlp/latest").resolve()
    record = load_run(folder)
    assert record.status == "done"
    assert len(rows(folder)) == 4
    best = max(float(row["val_accuracy"]) for row in rows(folder))
    result = record.meta["result"]["trials"][0]
    assert result["bounty_percent"] == pytest.approx(best) == pytest.approx(float(known["bounty_percent"]))
    first = next(row["meta_loop"] for row in rows(folder) if float(row["val_accuracy"]) >= best - 1e-6)
    assert known["bounty_loop"] == first
    damage, tensors = json.loads(known["ablation"]), load_file(path)
    changed = {
        name[4:]
        for name in tensors
        if name.startswith("lkg.") and not torch.equal(tensors[name], tensors["active." + name[4:]])
    }
    layer = damage["layer"]
    assert changed == {f"linears.{layer}.weight", f"linears.{layer}.bias", f"linears.{layer + 1}.weight"}
    assert tensors[f"active.linears.{layer}.weight"][damage["neuron"]].abs().sum() == 0


@pytest.mark.parametrize("mode", ["none", "dropout", "full"])
def test_two_starts_are_one(here, tmp_path, mode):
    train(here, "--meta-loops", 5, "--ablation-mode", mode, models="whole")
    train(here, "--meta-loops", 2, "--ablation-mode", mode)
    done = train(here, "--meta-loops", 9, "--until-loop", 5, "--ablation-mode", mode)
    assert "goes on after meta-loop 2" in done.out
    same(tmp_path / "whole/mnist_lkg.safetensors", tmp_path / "models/mnist_lkg.safetensors")
    runs = sorted((tmp_path / "results/psa_resmlp/runs").iterdir())
    assert rows(runs[0]) == rows((tmp_path / "results/psa_resmlp/latest").resolve())


def test_a_dry_run_says_where_a_start_goes_on_and_writes_nothing(here, tmp_path):
    train(here, "--meta-loops", 2, "--run-dir", "run")
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    out = train(here, "--meta-loops", 900_000, "--dry-run").out.splitlines()
    assert out[0].startswith("goes on from mode none (2 meta-loops), architecture [2*6], folder ")
    assert "s a meta-loop and trial, 1 side by side" in out[1]
    assert not out[2].startswith("about 0:0")  # hours, or at least ten minutes
    less = train(here, "--meta-loops", 900_000, "--until-loop", 2, "--dry-run").out.splitlines()
    assert "about 0:00:00 (h:mm:ss)" in less[2]
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == files


def test_until_loop_already_reached_trains_nothing(here, tmp_path):
    train(here, "--meta-loops", 2)
    before = (tmp_path / "models/mnist_lkg.safetensors").read_bytes()
    done = train(here, "--until-loop", 2)
    assert (tmp_path / "models/mnist_lkg.safetensors").read_bytes() == before
    assert "test accuracy" in done.out


def test_another_mode_goes_on_from_the_same_network(here, tmp_path):
    train(here, "--meta-loops", 2, "--ablation-mode", "none")
    first = json.loads(facts(tmp_path / "models/mnist_lkg.safetensors")["history"])
    train(here, "--meta-loops", 2, "--ablation-mode", "output")
    known = facts(tmp_path / "models/mnist_lkg.safetensors")
    story = json.loads(known["history"])
    assert story[:2] == first
    assert [loop[1] for loop in story] == ["none", "none", "output", "output"]
    assert [loop[8] for loop in story] == [-1, -1, 5, 5]
    assert known["mode"] == "output"


@pytest.mark.parametrize(
    ("words", "holds"),
    [
        (("--arch", "[3*6]"), "architecture [2*6], not [3*6]"),
        (("--family", "mlp"), "family resmlp, not mlp"),
        (("--seed", "3"), "seed 0, not 3"),
        (("--first-trial", "2"), "trial 1, not 2"),
    ],
)
def test_another_network_is_refused_and_psa_clean_named(here, tmp_path, words, holds):
    train(here, "--meta-loops", 1)
    before = (tmp_path / "models/mnist_lkg.safetensors").read_bytes()
    done = train(here, *words, code=2)
    assert holds in done.err
    assert "psa-clean" in done.err
    assert done.err.count("\n") == 1
    assert (tmp_path / "models/mnist_lkg.safetensors").read_bytes() == before


def test_trials_together_are_those_alone(here, tmp_path):
    train(here, "--meta-loops", 2, "--trials", 3, "--ablation-mode", "full", "--threads", 2)
    for trial in (1, 2, 3):
        train(here, "--meta-loops", 2, "--first-trial", trial, "--ablation-mode", "full", models=f"alone{trial}")
        same(
            tmp_path / f"models/trial_{trial:02d}/mnist_lkg.safetensors",
            tmp_path / f"alone{trial}/mnist_lkg.safetensors",
        )


def test_files_of_the_published_program_are_read(here, tmp_path):
    train(here, "--meta-loops", 3)
    tensors = load_file(tmp_path / "models/mnist_lkg.safetensors")
    names = shapes(parse("[2*6]"), "resmlp")  # in the order of the signal, as a state_dict has them
    state = {name.replace("linears", "body"): tensors[f"lkg.{name}"] for name in names}
    bounty = facts(tmp_path / "models/mnist_lkg.safetensors")["bounty_percent"]
    for name, write in (
        ("bare", lambda path: save_file(state, path)),
        ("pickle", lambda path: torch.save(state, path)),
        ("nested", lambda path: torch.save({"meta_loop": 3, "lkg_state_dict": state}, path)),
    ):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "mnist_lkg.safetensors")
        done = train(here, "--meta-loops", 1, models=name)
        assert f"bounty {float(bounty):.2f}%" in done.out
        assert facts(tmp_path / name / "mnist_lkg.safetensors")["format"] == "psa_resmlp 1"


class Evil:
    def __reduce__(self):
        return os.system, ("touch owned",)


@pytest.mark.parametrize("kind", ["evil", "torn", "other"])
def test_files_that_are_no_checkpoint_are_refused(here, tmp_path, kind):
    train(here, "--meta-loops", 1)
    path = tmp_path / "models/mnist_lkg.safetensors"
    if kind == "evil":
        path.write_bytes(pickle.dumps(Evil()))
    elif kind == "torn":
        path.write_bytes(path.read_bytes()[:-100])
    else:
        save_file({"weight": torch.zeros(3, 3)}, path)
    done = train(here, code=2)
    assert "psa-clean" in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--arch", "[0*4]"), "allowed"),
        (("--arch", "[1*4]", "--hidden-layers", "8"), "different networks"),
        (("--family", "mlp", "--compat", "block-dropout"), "is for the family resmlp"),
        (("--compat", "nonsense"), "not one of"),
        (("--device", "cuda:7"), "not available"),
        (("--meta-loops", "0"), "at least 1"),
        (("--dataset", "imagenet"), "not one of"),
    ],
)
def test_wrong_options_end_in_one_line_before_any_work(here, tmp_path, words, message):
    done = here("train", *words, code=2)
    assert message in done.err
    assert done.err.startswith("error: ")
    assert not (tmp_path / "models").exists()
    assert not (tmp_path / "results").exists()


def test_a_leading_double_hyphen_and_the_environment(here, tmp_path, monkeypatch):
    monkeypatch.setenv("SAGEMAKER_MODEL_DIR", str(tmp_path / "sage"))
    here("train", "--", *QUICK, "--meta-loops", 1, "--hidden-layers", "6,6", "--quiet")
    assert (tmp_path / "sage/mnist_lkg.safetensors").is_file()


def test_compat_switches_act_where_they_should():
    from psa_resmlp.training.config import TrainConfig
    from psa_resmlp.training.replica import Replica

    def job(mode, *compat, family="resmlp"):
        config = TrainConfig(arch="[1*4]", ablation_mode=mode, compat=compat, family=family)
        return Replica(config, config.architecture, 1, 0)

    assert [job(mode).decay() for mode in ("none", "decay", "full")] == [0, 1e-4, 0]
    assert [job(mode, "adamw-decay").decay() for mode in ("none", "decay", "full")] == [0.01, 1e-4, 0.01]
    assert job("none").rates().tolist() == [0, 0, 0, 0]
    assert job("dropout").rates().tolist() == [0.1, 0.1, 0, 0]
    assert job("hidden", "block-dropout").rates().tolist() == [0, 0.1, 0, 0]
    assert job("dropout", "block-dropout").rates().tolist() == [0.1, 0.1, 0, 0]
    assert job("dropout", family="mlp").rates().tolist() == [0.1, 0]


def _begun(folder, loops):
    """Wait until a run has so many meta-loops."""
    found = folder / "metrics.csv"
    wait_until(lambda: found.exists() and len(found.read_text().splitlines()) > loops)


@pytest.mark.slow
def test_sigkill_and_another_start_give_the_undisturbed_trajectory(here, start, tmp_path):
    words = ("--ablation-mode", "hidden", "--trials", 2, "--until-loop", 60)
    for loops in (3, 20):
        process = start("psa_resmlp.train", *QUICK, *words, "--model-dir", "models", "--run-dir", f"runs/{loops}")
        _begun(tmp_path / f"runs/{loops}", loops)
        process.kill()
        process.wait()
    train(here, *words)
    train(here, *words, models="whole")
    for trial in (1, 2):
        same(*(tmp_path / models / f"trial_{trial:02d}/mnist_lkg.safetensors" for models in ("models", "whole")))
    runs = sorted((tmp_path / "results/psa_resmlp/runs").iterdir())
    assert rows(runs[0]) == rows(runs[1])


@pytest.mark.slow
def test_ctrl_c_ends_with_the_test_accuracy_and_resume_goes_on(here, start, tmp_path):
    words = (*QUICK, "--ablation-mode", "full", "--meta-loops", 400)
    process = start("psa_resmlp.train", *words, "--run-dir", "runs/one", "--model-dir", "models")
    _begun(tmp_path / "runs/one", 3)
    process.send_signal(signal.SIGINT)
    out, err = finish(process, 130)
    assert "test accuracy" in out
    assert err.count("\n") == 1
    assert load_run(tmp_path / "runs/one").status == "interrupted"
    here("train", "--resume", "runs/one", "--quiet")
    record = load_run(tmp_path / "runs/one")
    assert record.status == "done"
    assert len(rows(tmp_path / "runs/one")) == 400
    here("train", *words, "--model-dir", "whole", "--quiet")
    same(tmp_path / "whole/mnist_lkg.safetensors", tmp_path / "models/mnist_lkg.safetensors")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_sigterm_and_sigusr1_end_after_the_meta_loop(start, tmp_path, number):
    process = start("psa_resmlp.train", *QUICK, "--meta-loops", 5000, "--run-dir", "runs/one")
    _begun(tmp_path / "runs/one", 2)
    process.send_signal(number)
    out, _ = finish(process, 128 + number)
    assert "test accuracy" in out
