"""The cache: never weights of other settings, never half a file, and continuing equals a run that was not stopped."""

import dataclasses
import json
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from waiting import finish

from aanntwin.cache import Cache
from aanntwin.config import Nonidealities, Settings, TrainParams
from aanntwin.trainer import train, train_epochs
from common.errors import InputError

OTHER = {
    "dataset_name": "MNIST", "seed": 7, "shuffle": True, "compat": "published",
    "train_params": {"batch_size": 2, "lr": 0.01, "weight_decay": 0.1, "momentum": 0.5},
    "model_params": {"conv_out_channels": 5, "kernel_size": 4, "stride": 1, "padding": 2, "pool_size": 13,
                     "additional_layers": (20,)},
    "training_nonidealities": {"input_noise": 0.1, "relu_cutoff": 0.1, "relu_out_noise": 0.1, "linear_out_noise": 0.1,
                               "conv2d_out_noise": 0.1, "linear_input_clip": 1.0, "conv2d_input_clip": 1.0,
                               "linear_input_nonlin": (0.0, 1.0), "conv2d_input_nonlin": (0.0, 1.0),
                               "own": ("own_droop:Droop=0.1",)},
    "normalization": {"min_out": -1.0, "max_out": 2.0, "min_in": 0.1, "max_in": 0.9},
}  # fmt: skip
# What may differ without changing a weight; the engine has a test of its own.
NO_WEIGHTS = ("testing_nonidealities", "data_root", "device", "threads", "engine")


def single_changes():
    """(path, settings) for every field of Settings and of its groups that may change weights."""
    base = Settings(dataset_name="digits", threads=1)
    for field in dataclasses.fields(Settings):
        if field.name in NO_WEIGHTS:
            continue
        group, values = getattr(base, field.name), OTHER[field.name]
        if not dataclasses.is_dataclass(group):
            yield field.name, base.replace(**{field.name: values})
            continue
        assert {inner.name for inner in dataclasses.fields(group)} == set(values)
        for name, value in values.items():
            yield f"{field.name}.{name}", base.replace(**{field.name: dataclasses.replace(group, **{name: value})})


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "models")


@pytest.fixture
def trained(digits, cache):
    """A cache with two epochs of the default settings."""
    train(digits, 2, cache=cache)
    return cache


@pytest.mark.parametrize(("name", "other"), list(single_changes()), ids=[name for name, _ in single_changes()])
def test_no_field_may_change_and_keep_its_weights(digits, cache, name, other, monkeypatch, own):
    monkeypatch.setattr("aanntwin.cache._checksum", lambda name, root: 1)  # the data set's name must do
    cache.store(digits, 1, {"w": torch.zeros(2)}, {}, 0.5)
    assert cache.epochs(digits) == [1]
    assert cache.key(other) != cache.key(digits), name
    assert cache.epochs(other) == []
    # Not even where a file lies in the other's place.
    shutil.copytree(cache.place(digits, 1).parent, cache.place(other, 1).parent)
    assert cache.epochs(other) == []
    with pytest.raises(InputError, match="epoch 1"):
        cache.load(other, 1)


def test_other_images_under_the_same_name_are_other_settings(digits, cache, monkeypatch):
    key = cache.key(digits)
    monkeypatch.setattr("aanntwin.cache._checksum", lambda name, root: 1)
    assert cache.key(digits) != key


def test_engine_and_its_threads_are_told_apart_and_where_it_runs_is_not(digits, cache):
    key = cache.key(digits)
    assert cache.key(digits.replace(engine="compiled", threads=2, device="cpu")) == key
    torch_keys = {cache.key(digits.replace(engine="torch", device="cpu", threads=n)) for n in (1, 2)}
    assert len(torch_keys | {key}) == 3


def test_testing_nonidealities_never_force_a_retraining(digits, trained):
    other = digits.replace(testing_nonidealities=Nonidealities(input_noise=0.3))
    assert all(epoch.cached for epoch in train_epochs(other, 2, cache=trained))


def test_a_second_run_trains_nothing_and_more_epochs_go_on(digits, trained):
    again = list(train_epochs(digits, 3, cache=trained))
    assert [epoch.cached for epoch in again] == [True, True, False]
    assert trained.epochs(digits) == [1, 2, 3]


@pytest.mark.parametrize(("engine", "batch_size"), [("compiled", 3), ("compiled", 64), ("torch", 50)])
def test_going_on_equals_never_having_stopped(digits, cache, all_nonidealities, engine, batch_size):
    rates = TrainParams(batch_size=batch_size, lr=0.01, momentum=0.9, weight_decay=1e-3)
    settings = digits.replace(
        train_params=rates, shuffle=True, training_nonidealities=all_nonidealities, engine=engine, device="cpu"
    )
    whole = train(settings, 3)
    train(settings, 1, cache=cache)
    train(settings, 2, cache=cache)
    parts = train(settings, 3, cache=cache)
    # The compiled steps to the last bit; PyTorch's own kernels do not always round alike in one process.
    allowed = 0.0 if engine == "compiled" else 2e-6
    assert max(float((whole[name] - parts[name]).abs().max()) for name in whole) <= allowed
    assert len(cache.epochs(settings)) == 3
    velocity = cache.state(settings, 3)[1]
    assert set(velocity) == set(whole)
    assert all(value.abs().max() > 0 for value in velocity.values())


@pytest.mark.parametrize("damage", ["cut", "bit", "empty", "text"])
def test_a_damaged_epoch_is_trained_again(digits, trained, damage):
    path = trained.place(digits, 2)
    good, whole = path.read_bytes(), trained.load(digits, 2)
    middle = len(good) // 2
    damaged = {
        "cut": good[:middle], "bit": good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1 :], "empty": b"",
        "text": b"not a safetensors file at all",
    }  # fmt: skip
    path.write_bytes(damaged[damage])
    assert trained.epochs(digits) == [1]
    assert [epoch.cached for epoch in train_epochs(digits, 2, cache=trained)] == [True, False]
    assert all(torch.equal(value, whole[name]) for name, value in trained.load(digits, 2).items())


def test_a_missing_epoch_is_trained_again_from_the_one_before(digits, trained):
    whole = train(digits, 3, cache=trained)
    trained.place(digits, 2).unlink()
    assert [epoch.cached for epoch in train_epochs(digits, 3, cache=trained)] == [True, False, False]
    again = trained.load(digits, 3)
    assert all(torch.equal(whole[name], again[name]) for name in whole)


WRITER = """
import sys, torch
from aanntwin.cache import Cache
from aanntwin.config import Settings
settings, cache = Settings(dataset_name="digits"), Cache("models")
number = 0
while True:
    number += 1
    cache.store(settings, number % 3 + 1, {"w": torch.full((400_000,), float(number))}, {}, float(number))
    print(number, flush=True)
"""


def test_killed_while_writing_whole_files_stay(digits, python, tmp_path):
    process = python("-c", WRITER)
    for _ in range(6):
        assert process.stdout.readline()
    time.sleep(0.003)
    process.send_signal(signal.SIGKILL)
    process.wait()
    cache = Cache(tmp_path / "models")
    known = cache.known(digits)
    assert set(known) == {1, 2, 3}
    for epoch, loss in known.items():
        assert np.array_equal(cache.load(digits, epoch)["w"], np.full(400_000, loss, np.float32))


def test_a_full_disk_keeps_the_epochs_before(digits, trained, monkeypatch):
    def full(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        train(digits, 3, cache=trained)
    assert trained.epochs(digits) == [1, 2]
    assert not list(trained.place(digits, 1).parent.glob(".*"))


@pytest.mark.slow
def test_killed_at_every_file_operation_and_started_again_nothing_changes(python, tmp_path):
    """The whole command: cache, run folder and weight file."""
    words = (
        "--dataset_name",
        "digits",
        "--threads",
        1,
        "--count_epoch",
        2,
        "--quiet",
        "--output_path",
        "w.safetensors",
    )
    words += ("--run-dir", "run", "--train_params_batch_size", 100, "--train_params_momentum", 0.5)
    shape = {"conv_out_channels": 1, "kernel_size": 4, "stride": 4, "padding": 0}
    words += tuple(word for name, value in shape.items() for word in (f"--model_params_{name}", value))
    process = python(Path(__file__).with_name("killed_at_every_step.py"), *words)
    out, err = finish(process, 0)
    assert "Traceback" not in err
    *killed, whole = json.loads(out)
    assert len(killed) > 10
    assert whole["status"] == "done"
    assert len(whole["metrics"]) == 3
    assert all(end == whole for end in killed)
