"""Damaged and foreign files: one line that says what is wrong, no traceback, and nothing trained on from garbage."""

import json
import os
import random
import struct
import warnings

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from common.errors import InputError
from psa_resmlp.training.config import TrainConfig
from psa_resmlp.training.replica import Replica
from psa_resmlp.training.restore import check_beside, load

QUICK = ("--arch", "[1*4]", "--dataset", "digits", "--lr", "0.01", "--threads", "1", "--ablation-mode", "hidden")
CONFIG = TrainConfig(arch="[1*4]", dataset="digits", ablation_mode="hidden")
MUTATIONS = 200


@pytest.fixture
def checkpoint(here, tmp_path):
    here("train", *QUICK, "--meta-loops", 2, "--run-dir", "run")
    interrupted(tmp_path / "run")
    return tmp_path / "models/mnist_lkg.safetensors"


def interrupted(folder):
    """Note that the run was stopped, as a done one is not resumed."""
    meta = json.loads((folder / "run_meta.json").read_text())
    (folder / "run_meta.json").write_text(json.dumps({**meta, "status": "interrupted"}))


def metadata_of(path):
    with safe_open(path, framework="pt") as file:
        return dict(file.metadata())


def job():
    return Replica(CONFIG, CONFIG.architecture, 1, 0)


def mutated(content, rng):
    """Bytes changed, cut out, doubled or put in; often in the header, which says most."""
    data, end = bytearray(content), 8 + struct.unpack("<Q", content[:8])[0]
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(end if rng.random() < 0.8 else len(data))
        kind = rng.randrange(4)
        if kind == 0:
            data[place] = rng.choice((0, 0x7F, 0xFF, rng.randrange(256), *b'0123456789{}[]",:-'))
        elif kind == 1:
            del data[place : place + rng.randint(1, 50)]
        elif kind == 2:
            data[place:place] = data[place : place + rng.randint(1, 50)]
        else:
            data[place : place + 1] = rng.choice(
                (b"null", b"1e999", b"-1", b"99999999999999999999", b"[[[[", b"\\u0000")
            )
    return bytes(data)


def test_mutated_checkpoints_are_refused_or_whole(checkpoint):
    content, refused = checkpoint.read_bytes(), 0
    rng = random.Random(15)
    for _ in range(MUTATIONS):
        checkpoint.write_bytes(mutated(content, rng))
        message = refusal(checkpoint)
        refused += bool(message)
        assert not message or (message.startswith("checkpoint ") and "psa-clean --model-dir" in message)
        assert "\n" not in message
    assert refused > 0.8 * MUTATIONS


def refusal(path):
    """The message that refuses a checkpoint; empty for one that is taken, which must be finite."""
    try:
        lkg = load(path, job()).lkg
    except InputError as problem:
        return str(problem)
    assert all(value.isfinite().all() for value in lkg.values())
    return ""


def change_weight(tensors, facts):
    tensors["lkg.linears.0.weight"][0, 0] += 1


def not_finite(tensors, facts):
    tensors["lkg.linears.0.weight"][0, 0] = tensors["active.linears.0.weight"][0, 0] = float("nan")


CHANGES = {
    change_weight: "is damaged (lkg.linears.0.weight and active.linears.0.weight do not belong together)",
    not_finite: "linears.0.weight holds 1 of 3136 numbers that are not finite",
    lambda tensors, facts: facts.update(history="[" * 100_000): "is damaged (metadata: ",
    lambda tensors, facts: facts.update(history="[]"): "is damaged (its meta_loop does not agree with its history)",
    lambda tensors, facts: facts.update(before="[0, -1]"): "is damaged (metadata: ",
    lambda tensors, facts: facts.pop("random_state"): "is damaged (metadata: 'random_state')",
    lambda tensors, facts: facts.update(
        history=facts["history"].replace('"hidden"', '"none"')
    ): "is damaged (metadata: ",
    lambda tensors, facts: tensors.pop("active.linears.0.bias"): "holds another network than [1*4] of resmlp",
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_does_not_hold_together_is_refused(checkpoint, here, change):
    tensors, facts = load_file(checkpoint), metadata_of(checkpoint)
    change(tensors, facts)
    save_file(tensors, checkpoint, facts)
    before = checkpoint.read_bytes()
    done = here("train", *QUICK, code=2)
    assert CHANGES[change] in done.err
    assert done.err.count("\n") == 1
    assert checkpoint.read_bytes() == before
    here("clean")  # as the message says
    here("train", *QUICK, "--meta-loops", 1)


def test_a_network_as_wide_as_the_image_of_an_earlier_version_is_refused(here, tmp_path):
    words = ("--arch", "[1*784]", "--dataset", "digits", "--meta-loops", 1)
    path = tmp_path / "models/mnist_lkg.safetensors"
    here("train", *words, "--run-dir", "run")
    interrupted(tmp_path / "run")
    tensors, facts = load_file(path), metadata_of(path)
    older = {"weight": torch.zeros(784, 784), "bias": torch.zeros(784)}
    for kind in ("lkg", "active"):
        for layer in (2, 1, 0):
            for name in older:
                tensors[f"{kind}.linears.{layer + 1}.{name}"] = tensors[f"{kind}.linears.{layer}.{name}"]
        tensors |= {f"{kind}.linears.0.{name}": value.clone() for name, value in older.items()}
    save_file({name: value.clone() for name, value in tensors.items()}, path, facts)
    for more in (words, ("--resume", "run")):
        done = here("train", *more, code=2)
        assert "is of an earlier version, whose [1*784] had a layer of 784 before its first block" in done.err
        assert done.err.count("\n") == 1
    sweep = tmp_path / "sweep/run_0000_1x784_none_trial01"  # a sweep does not mix the two in a table
    sweep.mkdir(parents=True)
    path.rename(sweep / path.name)
    with pytest.raises(InputError, match="use a new --sweep-dir"):
        check_beside(TrainConfig(arch="[1*784]"), tmp_path / "sweep")
    check_beside(TrainConfig(arch="[1*785]"), tmp_path / "sweep")
    check_beside(TrainConfig(arch="[1*784]", family="mlp"), tmp_path / "sweep")


def sparse(state):
    return {name: value.to_sparse() for name, value in state.items()}


def quantized(state):
    return {name: torch.quantize_per_tensor(value, 0.1, 0, torch.qint8) for name, value in state.items()}


def infinite(state):
    return {name: value / 0 for name, value in state.items()}


def whole(state):
    return {name: (10 * value).int() for name, value in state.items()}


@pytest.mark.parametrize("kind", [sparse, quantized, infinite, whole])
def test_networks_of_other_programs_must_hold_weights(checkpoint, here, kind):
    state = {name[4:]: value for name, value in load_file(checkpoint).items() if name.startswith("lkg.")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.save(kind(state), checkpoint)
    done = here("train", *QUICK, code=2)
    assert done.err.startswith(f"error: checkpoint {checkpoint}")
    assert done.err.count("\n") == 1


def test_what_is_no_file_is_not_waited_for(here, tmp_path):
    (tmp_path / "models").mkdir()
    os.mkfifo(tmp_path / "models/mnist_lkg.safetensors")
    assert "is not a regular file" in here("train", *QUICK, code=2).err


def test_the_command_that_a_message_names_clears_what_was_in_the_way(here, tmp_path):
    models = tmp_path / "my models"
    here("train", *QUICK, "--meta-loops", 1, "--trials", 3, "--model-dir", models)
    done = here("train", "--arch", "[1*5]", "--dataset", "digits", "--trials", 3, "--model-dir", models, code=2)
    assert f"psa-clean --model-dir '{models}' removes it" in done.err
    here("clean", "--model-dir", models)
    here("train", "--arch", "[1*5]", "--dataset", "digits", "--trials", 3, "--meta-loops", 1, "--model-dir", models)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("run_meta.json", b"{" * 10, "is not JSON"),
        ("run_meta.json", b'{"a":' * 100_000, "nested too deeply"),
        ("run_meta.json", b"\xff\xfe", "is not UTF-8"),
        ("run_meta.json", lambda meta: meta.pop("config"), "describes no run"),
        ("run_meta.json", lambda meta: meta["config"].update(speed=3), "was not made by psa-train of this version"),
        ("run_meta.json", lambda meta: meta.update(last_meta_loop=[1]), "is damaged"),
        ("run_meta.json", lambda meta: meta.update(goes_on_from={"1": 5}), "is damaged"),
        ("run_meta.json", lambda meta: meta["config"].update(trials="x"), "trials"),
        ("metrics.csv", b"other,columns\n1,2\n", None),
        ("metrics.csv", b"\xff\x00\n", None),
    ],
)
def test_damaged_run_folders(checkpoint, here, tmp_path, name, content, message):
    path = tmp_path / "run" / name
    if callable(content):
        meta = json.loads(path.read_text())
        content(meta)
        content = json.dumps(meta).encode()
    path.write_bytes(content)
    done = here("train", "--resume", "run", code=2 if message else 0)
    if message:
        assert message in done.err
        assert done.err.count("\n") == 1
    else:  # the checkpoint has all that was in it
        assert len(path.read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        # One step in each epoch: no training loss sees the weights that it leaves.
        (("--lr", "1e300", "--batch-size", "5000"), "error: largest weight is nan in meta-loop 1 of trial 1 none\n"),
        (("--lr", "1e300"), "error: training loss is nan in meta-loop 1 of trial 1 none\n"),
    ],
)
def test_what_is_not_finite_ends_a_run_as_failed(here, tmp_path, words, message):
    words = (*QUICK[:4], *words, "--threads", "1", "--meta-loops", "2", "--run-dir", "run")
    assert here("train", *words, code=1).err == message
    assert json.loads((tmp_path / "run/run_meta.json").read_text())["status"] == "failed"
    assert not (tmp_path / "models/mnist_lkg.safetensors").exists()


def test_a_training_that_learns_nothing_says_so(here, tmp_path):
    words = (*QUICK[:4], "--lr", "1e-9", "--threads", "1", "--meta-loops", "2", "--trials", "2", "--run-dir", "run")
    assert here("train", *words).out.count("warning: nothing learned after epoch 1: ") == 1
    assert (tmp_path / "run/train_log.txt").read_text().count("warning: nothing learned") == 1


def test_sizes_that_no_machine_has(here):
    done = here("train", "--arch", "[90000*90000]", "--dataset", "digits", code=2)
    assert "GiB to train; this machine has" in done.err
    done = here("train", *QUICK, "--trials", "99999999999999999999", code=2)
    assert done.err.startswith("error: argument --trials: ")
