"""Runs side by side that were stopped anywhere go on in the same numbers, and lose the running epoch at most."""

import dataclasses
import os
import random
from pathlib import Path

import pytest
from safetensors.torch import load, save

from common.runs import load_run
from common.runs.lock import RUN_LOCK
from corruption_study import checkpoint, worker
from corruption_study.config import TrainConfig

CONFIG = TrainConfig(dataset="digits", epochs=3, num_workers=0, hidden_sizes=(12,), max_train_samples=256)
CONFIGS = [dataclasses.asdict(dataclasses.replace(CONFIG, seed=seed, p=0.3)) for seed in (1, 2)]


class Cut(BaseException):
    """Stands for a kill: no handler of ours may catch it."""


@pytest.fixture
def folders(tmp_path):
    """Two run folders of a campaign that trains two runs side by side."""
    (tmp_path / "stack.json").write_text('{"mlp": 2}\n')
    made = [tmp_path / name for name in ("run_0000", "run_0001")]
    for folder in made:
        folder.mkdir()
    return made


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The results of runs that were never stopped."""
    made = [tmp_path_factory.mktemp("run") for _ in CONFIGS]
    return worker.train(CONFIGS, made)


def rows(folder):
    return len(load_run(folder).metrics) if (folder / "run_meta.json").exists() else 0


def cut_at(operation, monkeypatch, folders):
    """Train until so many files were replaced or removed; False if training ended before."""
    count = [0]

    def counted(function):
        def call(*words, **keywords):
            count[0] += 1
            if count[0] > operation:
                raise Cut
            return function(*words, **keywords)

        return call

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", counted(os.replace))
        patched.setattr(Path, "unlink", counted(Path.unlink))
        try:
            worker.train(CONFIGS, folders)
        except Cut:
            cut = True
        else:
            cut = False
    for folder in folders:  # a killed process would not live to hold it
        (folder / RUN_LOCK).unlink(missing_ok=True)
    return cut


def begun_at(monkeypatch, folders):
    """Train to the end; returns the epochs from which stacks went on, and the results."""
    begun = []

    def together(found):
        parts = checkpoint_together(found)
        begun.extend(epoch for epoch, _ in parts)
        return parts

    checkpoint_together = checkpoint.together
    with monkeypatch.context() as patched:
        patched.setattr(checkpoint, "together", together)
        results = worker.train(CONFIGS, folders)
    return begun, results


def test_stopped_at_every_file_operation(monkeypatch, tmp_path, whole):
    """Also between the files of two runs of a stack, in the test, and before the campaign hears of the end."""
    (tmp_path / "stack.json").write_text('{"mlp": 2}\n')
    operation, cut = 0, True
    while cut:
        pair = [tmp_path / f"{operation}_{k}" for k in (0, 1)]
        for folder in pair:
            folder.mkdir()
        cut = cut_at(operation, monkeypatch, pair)
        complete = min(rows(folder) for folder in pair)
        begun, results = begun_at(monkeypatch, pair)
        assert results == whole, operation
        assert min(begun, default=3) >= complete - 1, operation
        assert [rows(folder) for folder in pair] == [3, 3]
        assert not list(tmp_path.glob(f"{operation}_*/checkpoint*"))
        operation += 1
    assert operation > 20


def stop_after(epoch, monkeypatch, folders, configs=CONFIGS):
    def saved(stack, places):
        checkpoint_save(stack, places)
        if stack.epoch == epoch:
            raise Cut

    checkpoint_save = checkpoint.save
    with monkeypatch.context() as patched:
        patched.setattr(checkpoint, "save", saved)
        with pytest.raises(Cut):
            worker.train(configs, folders)


def test_a_damaged_checkpoint_costs_an_epoch_and_not_the_run(monkeypatch, folders, whole):
    stop_after(2, monkeypatch, folders)
    newest = folders[1] / "checkpoint-2.safetensors"
    newest.write_bytes(newest.read_bytes()[:-100])
    begun, results = begun_at(monkeypatch, folders)
    assert begun == [1]
    assert results == whole
    assert "checkpoint-2.safetensors: is a damaged" in (folders[1] / "train_log.txt").read_text()


def test_no_damage_ends_in_a_traceback(monkeypatch, folders):
    stop_after(1, monkeypatch, folders)
    path, rng = folders[0] / "checkpoint-1.safetensors", random.Random(4)
    content = path.read_bytes()
    refused = 0
    for _ in range(200):
        changed = bytearray(content)
        # Half of the damage goes into the header, where it can do more than change a weight.
        at = rng.randrange(600 if rng.random() < 0.5 else len(content))
        changed[at : at + rng.randrange(1, 9)] = rng.randbytes(rng.randrange(9))
        path.write_bytes(changed)
        said = []
        refused += not checkpoint.readable(folders[0], said.append)
        assert len(said) <= 1
    assert refused > 50


def test_runs_of_different_stacks_go_on_each_from_its_own_epoch(monkeypatch, folders, whole):
    (folders[0].parent / "stack.json").write_text('{"mlp": 1}\n')
    stop_after(3, monkeypatch, folders)  # the first alone, to its last epoch; the second never began
    (folders[0].parent / "stack.json").write_text('{"mlp": 2}\n')
    begun, results = begun_at(monkeypatch, folders)
    assert begun == [0, 3]
    assert results == whole


def test_the_checkpoints_of_earlier_versions_are_read(monkeypatch, folders, whole):
    """They had one file a run, without an epoch in its name and without losses."""
    stop_after(2, monkeypatch, folders)
    for seed, folder in enumerate(folders, 1):
        tensors = load((folder / "checkpoint-2.safetensors").read_bytes())
        checkpoint.remove(folder)
        (folder / "checkpoint.safetensors").write_bytes(save(tensors, {"epoch": "2", "seed": str(seed)}))
    begun, results = begun_at(monkeypatch, folders)
    assert begun == [2]
    assert results == whole


def test_a_run_that_broke_stays_broken(monkeypatch, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    config = [CONFIGS[0] | {"learning_rate": 1e38}]
    stop_after(1, monkeypatch, [folder], config)
    (result,) = worker.train(config, [folder])
    assert str(result) == "training loss is nan in epoch 1"
    assert load_run(folder).status == "failed"


def test_a_run_that_has_learned_nothing_says_so(tmp_path):
    for lr, lines in ((1e-9, 1), (1e-2, 0)):
        folder = tmp_path / f"{lr}"
        folder.mkdir()
        worker.train([CONFIGS[0] | {"learning_rate": lr, "batch_size": 8}], [folder])
        assert (folder / "train_log.txt").read_text().count("warning: nothing learned after epoch 1") == lines
