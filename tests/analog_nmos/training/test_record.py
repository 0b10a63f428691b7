"""When a log warns that nothing was learned, and what a run that is stopped has of its histories."""

import signal

import numpy as np
import pytest

from analog_nmos.dense_trainer_cross_entropy import CrossEntropyConfig
from analog_nmos.digits.data import Digits, Split
from analog_nmos.topology import dense
from analog_nmos.training import record
from analog_nmos.training.record import guessing_line
from analog_nmos.training.replica import new_replica
from common.errors import Interrupted


@pytest.mark.parametrize(
    ("epoch", "train_acc", "val_acc", "warns"),
    [
        (1, 0.1, 0.1, True),
        (1, 0.1, 0.112, True),
        (1, 0.26, 0.1, False),  # a published run begins so
        (1, 0.1, 0.36, False),
        (0, 0.1, 0.1, False),
        (2, 0.1, 0.1, False),
    ],
)
def test_accuracies_of_guessing_are_said_once(epoch, train_acc, val_acc, warns):
    train, val = (Split(np.zeros((n, 2)), np.zeros(n, np.int64)) for n in (1437, 360))
    replica = new_replica(CrossEntropyConfig(), Digits(train, val, val), dense(2, 2))
    replica.epoch, replica.histories = (
        epoch,
        {"train_acc": [train_acc], "val_acc": [0.7, val_acc], "val_ce": [2.4, 11.0]},
    )
    line = guessing_line(replica)
    assert (line is not None) == warns
    if warns:
        assert line.startswith("warning: nothing learned after epoch 1: the accuracy 0.1")


def test_a_training_that_learns_nothing_says_so(here):
    words = ("--backend", "native", "--train-limit", 200, "--epochs", 1, "--vg-init", "fixed", "--softmax-temp", 0.01)
    nothing = here("analog_nmos.dense_trainer_cross_entropy", *words, "--gamma", 1e-12)
    assert nothing.out.count("warning: nothing learned after epoch 1") == 1
    learns = here("analog_nmos.dense_trainer_cross_entropy", *words, "--gamma", 0.3)
    assert "warning" not in learns.out + learns.err


def test_a_run_that_is_stopped_has_the_histories_of_its_complete_epochs(here, sparse_digits, tmp_path, monkeypatch):
    evaluated = record.record_validation

    def stop_in_epoch_3(folder, replica, *rest):
        if replica.epoch == 3:
            raise Interrupted("stop", signal.SIGINT)
        return evaluated(folder, replica, *rest)

    monkeypatch.setattr(record, "record_validation", stop_in_epoch_3)
    words = ("--backend", "native", "--train-limit", 20, "--epochs", 5, "--topology", sparse_digits)
    here("analog_nmos.dense_trainer", 0, *words, "--run-dir", "run", code=130)
    assert np.load(tmp_path / "run" / "0_val_acc.npy").size == 3
    assert (
        np.load(tmp_path / "run" / "0_train_acc.npy").size == np.load(tmp_path / "run" / "0_reload_free.npy").size == 2
    )
