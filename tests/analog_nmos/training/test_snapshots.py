"""Runs of many short epochs: which epochs leave files, and that whatever happens to a run, its numbers are the same."""

import json
import os
import re
import signal

import numpy as np
import pytest
from waiting import finish, wait_until

from analog_nmos.backends.base import Status
from analog_nmos.training import commit, record
from analog_nmos.training.checkpoint import read_gates
from analog_nmos.training.circuits import Circuits
from analog_nmos.training.snapshots import is_snapshot, snapshot_step, trained_snapshots
from common.errors import Interrupted
from common.runs import load_run

TRAIN = "analog_nmos.train"
KINDS = ("epoch_summary", "diag", "vout_val", "val_confusion", "vg_unique")
QUICK = ("--quiet", "--no-plots")


@pytest.fixture
def words(tmp_path):
    """Exclusive or of two noisy features: seven samples to train on, twelve transistors."""
    rng = np.random.default_rng(3)
    lines = [f"{a + da:.3f},{b + db:.3f},{a ^ b}" for a in (0, 1) for b in (0, 1) for da, db in rng.random((3, 2)) / 10]
    (tmp_path / "xor.csv").write_text("\n".join(["a,b,class", *lines]) + "\n")
    return ("csv", 3, "--task-csv", tmp_path / "xor.csv", "--target", "class", "--vg-init", "random", *QUICK)


def epochs_of(folder, kind):
    found = (re.fullmatch(rf"0_{kind}_epoch(\d+)\.\w+", path.name) for path in folder.iterdir())
    return sorted(int(name[1]) for name in found if name)


def assert_same(folder, whole, extra=False):
    """All numbers of a run but seconds are those of another one; `extra`: it may have more snapshots."""
    names = {path.name for path in whole.glob("*.npy") if not path.stem.endswith("_s")}
    others = {path.name for path in folder.glob("*.npy") if not path.stem.endswith("_s")}
    assert names <= others if extra else names == others
    for name in names:
        assert np.array_equal(np.load(folder / name), np.load(whole / name), equal_nan=True), name
    for path in whole.glob("0_diag_epoch*.json"):
        assert path.read_text() == (folder / path.name).read_text()
    tables = [load_run(place).metrics for place in (folder, whole)]
    columns = [name for name in tables[0] if not name.endswith("_s")]
    assert tables[0][columns].equals(tables[1][columns])
    assert load_run(folder).result == load_run(whole).result
    (epoch, uid, gate_V), (their_epoch, their_uid, their_gate_V) = read_gates(folder), read_gates(whole)
    assert (epoch, uid.tolist(), gate_V.tolist()) == (their_epoch, their_uid.tolist(), their_gate_V.tolist())


def test_a_run_of_a_thousand_epochs_has_its_snapshots_and_whole_histories(here, words, tmp_path):
    here(TRAIN, *words, "--epochs", 1000, "--run-dir", "run")
    run, record_ = tmp_path / "run", load_run(tmp_path / "run")
    every_8th = list(range(0, 1001, 8))
    for kind in KINDS:
        assert epochs_of(run, kind) == every_8th[kind in ("vg_unique", "epoch_summary") :], kind
    assert record_.metrics["epoch"].tolist() == list(range(1001))
    sizes = [record_.array(f"0_{name}").size for name in ("val_acc", "val_hinge", "train_acc", "epoch_total_s")]
    assert sizes == [1001, 1001, 1000, 1000]
    log = (run / "train_log.txt").read_text().splitlines()
    assert log.pop(1).startswith("warning: nothing learned after epoch 1")  # always said
    assert [line.split(":")[0] for line in log[:-3]] == [f"epoch {epoch}" for epoch in every_8th]
    assert log[-3].startswith("done: accuracy ")
    accuracy, loss = record_.array("0_val_acc"), record_.array("0_val_hinge")

    def best(epochs):
        return min(epochs, key=lambda epoch: (-accuracy[epoch], loss[epoch]))

    selected = record_.result["selected_epoch"]
    assert selected == best(every_8th[1:]) != best(range(1, 1001))
    assert record_.result["selected_val_acc"] == accuracy[selected]
    assert "selected_test_acc" in record_.result


def test_the_numbers_do_not_depend_on_the_snapshots(here, words, tmp_path):
    here(TRAIN, *words, "--epochs", 210, "--run-dir", "some")
    here(TRAIN, *words, "--epochs", 210, "--snapshot-every", 1, "--run-dir", "all")
    here(TRAIN, *words, "--epochs", 210, "--snapshot-every", 1000, "--run-dir", "last")
    every, some, last = (tmp_path / name for name in ("all", "some", "last"))
    assert epochs_of(every, "vg_unique") == list(range(1, 211))
    assert epochs_of(some, "vg_unique") == list(range(2, 211, 2))
    assert epochs_of(last, "vg_unique") == [210]
    assert epochs_of(last, "val_confusion") == [0, 210]
    assert load_run(last).result["selected_epoch"] == 210
    for name in ("val_acc", "train_acc", "train_hinge", "vg_unique_epoch210", "vout_val_epoch210"):
        arrays = [np.load(folder / f"0_{name}.npy") for folder in (every, some, last)]
        assert np.array_equal(arrays[0], arrays[1])
        assert np.array_equal(arrays[0], arrays[2])


MOMENTS = [
    ("metrics.csv", 3, False),
    ("metrics.csv", 3, True),
    ("checkpoint.npz", 1, True),
    ("checkpoint.npz", 3, False),
    ("train_log.txt", 40, False),
    ("0_vg_unique_epoch160.npy", 1, True),
    ("0_train_acc.npy", 2, True),
]


def test_killed_and_resumed_equals_never_stopped(here, words, tmp_path, monkeypatch, killed):
    monkeypatch.setattr(commit, "COMMIT_S", 0.02)
    here(TRAIN, *words, "--epochs", 420, "--run-dir", "whole")
    for number, moment in enumerate(MOMENTS):
        cut = f"cut{number}"
        assert killed(lambda cut=cut: here(TRAIN, *words, "--epochs", 420, "--run-dir", cut), *moment), moment
        assert load_run(tmp_path / cut).status == "dead"
        here(TRAIN, "--resume", cut)
        assert_same(tmp_path / cut, tmp_path / "whole")


def test_a_process_killed_between_two_commits(here, start, words, tmp_path):
    options = (*words, "--epochs", 8000)
    here(TRAIN, *options, "--run-dir", "whole")
    process = start(TRAIN, *options, "--run-dir", "cut")
    cut = tmp_path / "cut"
    wait_until(lambda: (cut / "checkpoint.npz").exists() and read_gates(cut)[0] > 50, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert 50 < read_gates(cut)[0] <= load_run(cut).metrics["epoch"].iloc[-1] < 8000
    here(TRAIN, "--resume", "cut")
    assert_same(cut, tmp_path / "whole")


def at_epoch(monkeypatch, epoch, do):
    """Do something within an epoch, when it has trained and before it is validated."""
    validated = record.record_validation

    def wrapped(folder, replica, *rest):
        if replica.epoch == epoch:
            do()
        return validated(folder, replica, *rest)

    monkeypatch.setattr(record, "record_validation", wrapped)


def stop():
    raise Interrupted("stop", signal.SIGINT)


def ask_to_stop():
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize(("do", "code", "last"), [(stop, 130, 776), (ask_to_stop, 143, 777)])
def test_an_interrupted_run_keeps_every_epoch_that_had_ended(here, words, tmp_path, monkeypatch, do, code, last):
    with monkeypatch.context() as patch:
        at_epoch(patch, 777, do)
        here(TRAIN, *words, "--epochs", 1000, "--run-dir", "cut", code=code)
    cut = tmp_path / "cut"
    assert load_run(cut).status == "interrupted"
    assert load_run(cut).metrics["epoch"].tolist() == list(range(last + 1))
    assert read_gates(cut)[0] == np.load(cut / "0_train_acc.npy").size == last
    here(TRAIN, "--resume", "cut")
    here(TRAIN, *words, "--epochs", 1000, "--run-dir", "whole")
    assert_same(cut, tmp_path / "whole")


def test_ctrl_c_loses_nothing(here, start, words, tmp_path):
    process = start(TRAIN, *words, "--epochs", 30000, "--run-dir", "cut")
    cut = tmp_path / "cut"
    wait_until((cut / "0_vg_unique_epoch1024.npy").exists, process)
    process.send_signal(signal.SIGINT)
    _, err = finish(process, 130)
    assert err.count("\n") == 1
    done = read_gates(cut)[0]
    assert done >= 1024
    assert load_run(cut).metrics["epoch"].tolist() == list(range(done + 1))
    assert np.load(cut / "0_train_acc.npy").size == done


def test_an_epoch_that_fails_is_in_the_log_and_repeated(here, words, tmp_path, monkeypatch):
    outputs = Circuits.outputs

    def fail(self, row, *rest):
        validation = outputs(self, row, *rest)
        if self._replicas[row].epoch == 333:
            validation.status[:] = Status.NO_CONVERGENCE
            validation.out_V[:] = np.nan
        return validation

    with monkeypatch.context() as patch:
        patch.setattr(Circuits, "outputs", fail)
        failed = here(TRAIN, *words, "--epochs", 400, "--run-dir", "cut", code=1)
    cut = tmp_path / "cut"
    assert failed.err.startswith("error: epoch 333: ")
    assert load_run(cut).metrics["epoch"].iloc[-1] == 333
    assert read_gates(cut)[0] == 332
    log = (cut / "train_log.txt").read_text().splitlines()
    assert log[-2].startswith("epoch 333: ")
    assert log[-1].startswith("failed: epoch 333: ")
    here(TRAIN, "--resume", "cut")
    here(TRAIN, *words, "--epochs", 400, "--run-dir", "whole")
    assert_same(cut, tmp_path / "whole")


@pytest.mark.parametrize("few", [(), ("--snapshot-every", 7)])
def test_a_run_that_has_grown_equals_the_long_one(here, words, tmp_path, few):
    here(TRAIN, *words, *few, "--epochs", 301, "--run-dir", "grown")
    here(TRAIN, "--resume", "grown", "--epochs", 1001)
    here(TRAIN, *words, *few, "--epochs", 1001, "--run-dir", "whole")
    assert_same(tmp_path / "grown", tmp_path / "whole", extra=True)
    assert epochs_of(tmp_path / "whole", "vg_unique")[-2:] == ([994, 1001] if few else [1000, 1001])


def test_pruning_is_not_affected_and_its_snapshots_have_their_edges(here, sparse_digits, tmp_path):
    options = (
        1,
        "--backend",
        "native",
        "--train-limit",
        20,
        "--test-limit",
        10,
        "--gamma",
        3,
        "--topology",
        sparse_digits,
    )
    options += ("--vg-init-lo", 0.4, "--vg-init-hi", 1.5, "--vg-cutoff-epochs", 1, "--epochs", 7, *QUICK)
    here("analog_nmos.auto_prune_trainer", *options, "--run-dir", "all")
    here("analog_nmos.auto_prune_trainer", *options, "--snapshot-every", 3, "--run-dir", "some")
    every, some = tmp_path / "all", tmp_path / "some"
    assert epochs_of(some, "vg_unique") == epochs_of(some, "edge_uid") == [3, 6, 7]
    for name in ("edge_uid_epoch3", "edge_uid_epoch7", "vg_unique_epoch7", "val_acc"):
        assert np.array_equal(np.load(every / f"0_{name}.npy"), np.load(some / f"0_{name}.npy"))
    assert read_gates(every)[1].tolist() == read_gates(some)[1].tolist()
    kinds = ("vg-by-label", "vg-heatmap", "confusion", "vg-histogram")
    drawn = here("analog_nmos.figures_command", "some", "--only", *kinds)
    assert "left out" not in drawn.out
    names = {path.name for path in (some / "figures").iterdir()}
    assert {f"vg_heatmap_epoch{n}.png" for n in (0, 3, 6, 7)} == {name for name in names if "heatmap" in name}
    assert "vg_by_label.png" in names


def test_replicas_have_snapshots_of_their_own(here, words, tmp_path):
    (tmp_path / "two.jsonl").write_text('{"snapshot_every": 4}\n{"snapshot_every": 5}\n')
    here(TRAIN, *words, "--epochs", 10, "--replicas", "two.jsonl", "--run-dir", "runs")
    folders = sorted((tmp_path / "runs").glob("replica_*"))
    assert [epochs_of(folder, "diag") for folder in folders] == [[0, 4, 8, 10], [0, 5, 10]]
    assert [len(load_run(folder).metrics) for folder in folders] == [11, 11]


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "many", "10000000000000000000000"])
def test_wrong_values_are_one_line_and_nothing_is_written(here, words, tmp_path, value):
    failed = here(TRAIN, *words, "--snapshot-every", value, "--run-dir", "run", code=2)
    assert failed.err.startswith("error: argument --snapshot-every: ")
    assert failed.err.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("before", "now"), [((), 2), (("--snapshot-every", 3), 4)])
def test_a_resumed_run_keeps_it(here, words, before, now):
    here(TRAIN, *words, *before, "--epochs", 2, "--run-dir", "run")
    failed = here(TRAIN, "--resume", "run", "--epochs", 4, "--snapshot-every", now, code=2)
    assert failed.err.startswith(f"error: --snapshot-every {now} differs from the run's ")
    assert failed.err.count("\n") == 1


def test_dry_run_counts_the_files_of_snapshots(here, words):
    sizes = []
    for step in (1, 100):
        said = here(TRAIN, *words, "--epochs", 5000, "--snapshot-every", step, "--dry-run").out
        sizes.append(float(re.search(r"about ([\d.]+) MiB of files", said)[1]))
    assert 5 < sizes[0] / sizes[1] < 20


class Config:
    def __init__(self, epochs, snapshot_every=None):
        self.epochs, self.snapshot_every = epochs, snapshot_every


@pytest.mark.parametrize(
    ("epochs", "step"), [(1, 1), (200, 1), (201, 2), (400, 2), (401, 4), (1000, 8), (10_000, 64), (25_000, 128)]
)
def test_as_many_snapshots_as_the_documentation_says(epochs, step):
    config = Config(epochs)
    assert snapshot_step(config) == step
    found = trained_snapshots(config).tolist()
    assert found == [epoch for epoch in range(1, epochs + 1) if is_snapshot(config, epoch)]
    assert step == 1 or 100 <= len(found) <= 201
    assert found[-1] == epochs
    longer = set(trained_snapshots(Config(3 * epochs)).tolist())
    assert {epoch for epoch in longer if epoch <= epochs} <= set(found)


def test_files_name_the_option(here, words, tmp_path):
    here(TRAIN, *words, "--epochs", 2, "--snapshot-every", 2, "--run-dir", "run")
    assert load_run(tmp_path / "run").config["snapshot_every"] == 2
    summary = json.loads((tmp_path / "run" / "0_epoch_summary_epoch2.json").read_text())
    assert summary["config"]["snapshot_every"] == 2
