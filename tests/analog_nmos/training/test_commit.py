"""When rows, checkpoint, lines and histories of epochs are written, and that nothing is lost or written twice."""

import errno
import json

import numpy as np
import pytest

from analog_nmos.data.split import Data, Split
from analog_nmos.topology import dense
from analog_nmos.training import commit
from analog_nmos.training.checkpoint import Histories, read_gates
from analog_nmos.training.config import TrainerConfig
from analog_nmos.training.replica import new_replica
from common.runs.metrics import append_rows


class FakeRun:
    def __init__(self, folder):
        self.folder, self.lines = folder, []

    def metrics(self, *rows):
        append_rows(self.folder, rows)

    def log(self, line):
        self.lines.append(line)


class Told:
    """A replica whose epochs are told, and a clock that is set."""

    def __init__(self, folder, monkeypatch, each):
        part = Split(np.zeros((3, 2)), np.zeros(3, np.int64))
        self.now, self.folder = 100.0, folder
        monkeypatch.setattr(commit.time, "monotonic", lambda: self.now)
        self.replica = new_replica(TrainerConfig(), Data(part, part, part, ("a", "b"), "told"), dense(2, 2))
        self.run = FakeRun(folder)
        self.commits = commit.Commits(self.run, self.replica, each=each)

    def epoch(self, later_s, fails=False):
        self.now += later_s
        self.replica.gate_V = self.replica.gate_V + 1
        if "val_acc" in self.replica.histories:
            self.replica.epoch += 1
            self.replica.record({"train_acc": self.now})
        self.replica.record({"val_acc": self.now})
        epoch = self.replica.epoch
        self.commits.add({"epoch": epoch}, [f"epoch {epoch}"], None if fails else {"sink_V": np.zeros(2)})
        return self.on_disk()

    def on_disk(self):
        """Rows, epochs of the checkpoint, lines, and numbers of the history of the validation."""
        rows = (self.folder / "metrics.csv").read_text().split()[1:]
        return len(rows), read_gates(self.folder)[0], len(self.run.lines), np.load(self.folder / "0_val_acc.npy").size


@pytest.fixture
def told(tmp_path, monkeypatch):
    return lambda each: Told(tmp_path, monkeypatch, each)


def test_every_epoch_at_its_end_and_histories_once_a_second(told):
    run = told(True)
    assert run.epoch(0.0) == (1, 0, 1, 1)
    assert run.epoch(0.5) == (2, 1, 2, 1)
    assert run.epoch(0.5) == (3, 2, 3, 3)
    run.epoch(0.5)
    run.replica.record({"val_acc": 0.0})  # of an epoch that is interrupted
    run.commits.write()
    assert np.load(run.folder / "0_val_acc.npy").tolist() == [100.0, 100.5, 101.0, 101.5]
    assert np.load(run.folder / "0_train_acc.npy").tolist() == [100.5, 101.0, 101.5]


def test_all_together_once_a_second_and_at_the_end(told):
    run = told(False)
    assert run.epoch(0.0) == (1, 0, 1, 1)
    assert run.epoch(0.5) == (1, 0, 1, 1)
    assert run.epoch(0.5) == (3, 2, 3, 3)
    assert run.epoch(0.9) == (3, 2, 3, 3)
    gate_V = run.replica.gate_V
    run.replica.epoch += 1
    run.replica.gate_V = gate_V + 1  # under way
    run.replica.rng.shuffle(np.arange(9))
    run.replica.record({"train_acc": 0.0, "val_acc": 0.0})
    run.commits.write()
    assert run.on_disk() == (4, 3, 4, 4)
    assert read_gates(run.folder)[2].tolist() == gate_V.tolist()
    run.commits.write()
    assert run.on_disk() == (4, 3, 4, 4)


def test_a_failed_epoch_leaves_the_checkpoint_of_the_one_before(told):
    run = told(False)
    run.epoch(0.0)
    run.epoch(0.1)
    run.epoch(0.1, fails=True)
    run.commits.write()
    assert run.on_disk() == (3, 1, 3, 3)
    assert run.run.lines == ["epoch 0", "epoch 1", "epoch 2"]


def test_after_a_full_disk_the_rest_is_written_once(told, monkeypatch):
    run = told(False)
    run.epoch(0.0)
    saved = commit.save_checkpoint

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(commit, "save_checkpoint", full)
    run.epoch(0.5)
    with pytest.raises(OSError, match="No space left"):
        run.epoch(0.5)
    assert run.on_disk() == (3, 0, 1, 1)
    monkeypatch.setattr(commit, "save_checkpoint", saved)
    run.commits.write()
    assert run.on_disk() == (3, 2, 3, 3)


def test_histories_as_json_writes_them():
    histories = {"val_acc": [0.1, float("nan")], "reload_free": [3], "train_acc": [1e-300]}
    text = Histories(histories)
    for epoch in (1, 2, 2, 5):
        while len(histories["train_acc"]) < epoch + 1:  # one of an epoch that is under way
            histories["train_acc"].append(len(histories["train_acc"]) / 3)
            histories["reload_free"].append(7)
            histories["val_acc"].append(float("inf"))
        expected = {"val_acc": histories["val_acc"][: epoch + 1], "reload_free": histories["reload_free"][:epoch]}
        expected["train_acc"] = histories["train_acc"][:epoch]
        assert text.text(epoch) == json.dumps(expected).encode()
    assert Histories({"val_acc": [0.5], "train_acc": [0.5]}).text(0) == b'{"val_acc": [0.5]}'
