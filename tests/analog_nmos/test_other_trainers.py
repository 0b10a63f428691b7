"""The other three trainers as processes: their own files, and resuming across pruning and prototypes."""

import json
import signal

import numpy as np
import pytest
from waiting import wait_until

from analog_nmos.topology import load_topology
from common.runs import load_run

pytestmark = pytest.mark.usefixtures("needs_ngspice")
SMALL = (3, "--train-limit", 60, "--test-limit", 30, "--gamma", 3, "--epochs", 4)
TRAINERS = {
    "auto_prune_trainer": ("--vg-init-lo", 0.45, "--vg-cutoff-epochs", 2),
    "dense_trainer_cross_entropy": ("--softmax-temp", 0.01, "--delta", 0.25),
    "dense_trainer_avgappr": ("--delta", 0.3),
}
LOSS = {"auto_prune_trainer": "hinge", "dense_trainer_cross_entropy": "ce", "dense_trainer_avgappr": "mse"}


@pytest.mark.parametrize("trainer", TRAINERS)
def test_killed_and_resumed_equals_never_stopped(here, start, sparse_digits, tmp_path, trainer):
    options = (*SMALL, *TRAINERS[trainer], "--topology", sparse_digits, "--final-test")
    here(f"analog_nmos.{trainer}", *options, "--run-dir", "whole")
    process = start(f"analog_nmos.{trainer}", *options, "--run-dir", "cut")
    wait_until((tmp_path / "cut" / "0_vg_unique_epoch3.npy").exists, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    here(f"analog_nmos.{trainer}", "--resume", "cut")
    whole, cut = load_run(tmp_path / "whole"), load_run(tmp_path / "cut")
    names = {path.name for path in whole.folder.iterdir()}
    assert names == {path.name for path in cut.folder.iterdir()}
    for name in (n for n in names if n.endswith(".npy") and not n.endswith("_s.npy")):
        assert np.array_equal(whole.array(name), cut.array(name), equal_nan=True), name
    assert whole.meta["result"] == cut.meta["result"]
    loss = LOSS[trainer]
    assert {f"0_train_{loss}.npy", f"0_val_{loss}.npy", f"learning_curves_{loss}.png"} <= names
    assert ("hinge_active.png" in names) == (loss == "hinge")


def test_auto_prune_writes_the_network_that_is_left(here, sparse_digits, tmp_path):
    trainer = "auto_prune_trainer"
    done = here(f"analog_nmos.{trainer}", *SMALL, *TRAINERS[trainer], "--topology", sparse_digits, "--run-dir", "run")
    record = load_run(tmp_path / "run")
    pruned = load_topology(tmp_path / "run" / "topology_final_pruned.npz")
    assert pruned.n_edges < 60
    assert pruned.n_edges == record.metrics["edges"].iloc[-1] == record.result["edges"]
    assert f"pruned network: {pruned.n_edges} of 60 edges left" in done.out
    assert pruned.meta["config"]["vg_cutoff_epochs"] == 2
    # Pruning comes after the snapshot: an epoch's gate voltages are those of the edges before it.
    uid = record.array("0_edge_uid_epoch4")
    assert record.array("0_vg_unique_epoch4").size == uid.size == record.metrics["edges"].iloc[-2]
    start = load_topology(tmp_path / "run" / "topology.npz")
    kept = set(zip(pruned.edges_D.tolist(), pruned.edges_S.tolist(), strict=True))
    assert kept <= set(zip(start.edges_D[uid].tolist(), start.edges_S[uid].tolist(), strict=True))
    last_V = dict(zip(uid.tolist(), record.array("0_vg_unique_epoch4"), strict=True))
    ends = {edge: (int(start.edges_D[edge]), int(start.edges_S[edge])) for edge in last_V}
    assert all(last_V[edge] < 0.6001 for edge in last_V if ends[edge] not in kept)


def test_pruning_everything_is_an_error(here, sparse_digits, tmp_path):
    words = (*SMALL, "--vg-cutoff-epochs", 1, "--vg-cutoff-ratio", 20, "--topology", sparse_digits, "--run-dir", "run")
    failed = here("analog_nmos.auto_prune_trainer", *words, code=1)
    assert "every transistor is below the cutoff" in failed.err
    assert load_run(tmp_path / "run").status == "failed"


def test_cross_entropy_never_skips(here, sparse_digits, tmp_path):
    trainer = "dense_trainer_cross_entropy"
    here(f"analog_nmos.{trainer}", *SMALL, *TRAINERS[trainer], "--topology", sparse_digits, "--run-dir", "run")
    diagnostics = json.loads((tmp_path / "run" / "0_diag_epoch4.json").read_text())
    assert set(diagnostics) == {"val_py_true_mean", "val_reloads", "val_nonfinite"}
    assert 0 < diagnostics["val_py_true_mean"] < 1


def test_prototype_files_begin_with_epoch_two(here, sparse_digits, tmp_path):
    trainer = "dense_trainer_avgappr"
    here(f"analog_nmos.{trainer}", *SMALL, *TRAINERS[trainer], "--topology", sparse_digits, "--run-dir", "run")
    folder = tmp_path / "run"
    for name in ("0_proto_in_epoch{}.npy", "0_proto_out_epoch{}.npy", "0_proto_diag_epoch{}.json"):
        assert [(folder / name.format(epoch)).exists() for epoch in (1, 2, 3, 4)] == [False, True, True, True]
    record = load_run(folder)
    assert record.array("0_proto_in_epoch2").shape == (10, 64)
    proto, vout = record.array("0_proto_out_epoch4"), record.array("0_vout_test_epoch4")
    nearest = ((vout[:, None] - proto) ** 2).sum(2).argmin(1)
    assert (nearest == record.array("test_y")).mean() == record.array("0_val_acc")[4]
