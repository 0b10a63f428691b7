"""Whole trainings: ngspice and the native solver give the same histories, and replicas the numbers of single runs."""

import json
import signal

import numpy as np
import pytest
from waiting import wait_until

from analog_nmos.auto_prune_trainer import EXPERIMENT, AutoPruneConfig, run
from analog_nmos.backends import native
from common.cli import build
from common.experiment import Start, drive
from common.runs import load_run

HINGE = ("analog_nmos.dense_trainer", "--gamma", 0.3, "--delta", 0.1, "--margin", 0.02)
FIXED = ("--vg-init", "fixed", "--vg-init-fixed", 4)
PUBLISHED = {
    "hinge, floating": (*HINGE, *FIXED, "--body-tie", "floating", 1),
    "hinge, ground": (*HINGE, *FIXED, "--body-tie", "ground", 1),
    "auto-prune": (
        *("analog_nmos.auto_prune_trainer", "--gamma", 3, "--delta", 0.02, "--body-tie", "floating", 1),
        *("--vg-init-lo", 0.45, "--vg-init-hi", 6, "--vg-cutoff-ratio", 1, "--vg-cutoff-epochs", 1),
    ),
    "cross-entropy": (
        *("analog_nmos.dense_trainer_cross_entropy", "--gamma", 0.3, "--delta", 0.25, "--softmax-temp", 0.001),
        *(*FIXED, "--body-tie", "floating", 0),
    ),
    "prototypes": ("analog_nmos.dense_trainer_avgappr", *FIXED, "--body-tie", "floating", 0),
}


@pytest.mark.slow
@pytest.mark.usefixtures("needs_ngspice")
@pytest.mark.parametrize("name", PUBLISHED)
def test_two_full_epochs_have_identical_accuracies(here, tmp_path, name):
    trainer, *options = PUBLISHED[name]
    for backend in ("ngspice", "native"):
        here(trainer, *options, "--epochs", 2, "--backend", backend, "--run-dir", backend, "--quiet")
    spice, fast = load_run(tmp_path / "ngspice"), load_run(tmp_path / "native")
    for history in ("0_train_acc", "0_val_acc"):
        assert np.array_equal(spice.array(history), fast.array(history)), history
    assert spice.metrics["edges"].tolist() == fast.metrics["edges"].tolist()
    assert np.abs(spice.array("0_vg_unique_epoch2") - fast.array("0_vg_unique_epoch2")).max() < 2e-3
    assert np.abs(spice.array("0_vout_test_epoch2") - fast.array("0_vout_test_epoch2")).max() < 2e-4
    assert fast.meta["backend_version"].startswith("numba ")


def test_replicas_have_the_numbers_of_single_runs(here, sparse_digits, tmp_path):
    settings = [{"seed": 1, "gamma": 3.0}, {"seed": 2, "gamma": 0.5, "delta": 0.2}, {"seed": 3, "vg_init": "fixed"}]
    (tmp_path / "settings.jsonl").write_text("".join(json.dumps(one) + "\n" for one in settings))
    common = ("--train-limit", 60, "--test-limit", 30, "--epochs", 3, "--topology", sparse_digits, "--vg-init-lo", 0.45)
    few = ("--vg-cutoff-epochs", 1)
    for trainer, more, name in (("dense_trainer", (), "lane"), ("auto_prune_trainer", few, "replica")):
        together = (f"--{name}s", "settings.jsonl", "--run-dir", f"replicas_{trainer}")
        here(f"analog_nmos.{trainer}", *common, *more, *together)
        for index, one in enumerate(settings):
            words = [word for key, value in one.items() if key != "seed" for word in (f"--{key}", value)]
            alone = f"{trainer}_{index}"
            options = (*common, *more, *words, "--backend", "native", "--run-dir", alone)
            here(f"analog_nmos.{trainer}", one["seed"], *options)
            single = load_run(tmp_path / alone)
            replica = load_run(tmp_path / f"replicas_{trainer}" / f"{name}_{index:04d}")
            assert replica.status == "done"
            files = [path.name for path in single.folder.glob("0_*.npy") if not path.name.endswith("_s.npy")]
            assert len(files) >= 18
            for file in files:
                assert np.array_equal(single.array(file), replica.array(file)), file


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('{"seed": 1}\n{"seed": 1, "body_tie": "source"}\n', "must share body_tie: source differs from ground"),
        ('{"seed": 1}\n{"objective": "cross-entropy"}\n', "must share objective: cross-entropy differs from hinge"),
        ('{"sed": 1}\n', "line 1: unknown setting 'sed'"),
        ('{"gamma": 0}\n', "line 1: argument --gamma: 0 is out of range"),
        ("\n", "no settings in it"),
        ('{"backend": "ngspice"}\n{"backend": "ngspice"}\n', "backend ngspice solves 1 circuit(s) in a process, not 2"),
    ],
)
def test_replicas_that_cannot_run_are_refused(here, tmp_path, lines, message):
    (tmp_path / "settings.jsonl").write_text(lines)
    failed = here("analog_nmos.dense_trainer", "--replicas", "settings.jsonl", "--epochs", 1, code=2)
    assert message in failed.err
    assert failed.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["settings.jsonl"]


def test_a_native_run_killed_and_resumed_equals_one_never_stopped(here, start, sparse_digits, tmp_path):
    options = (3, "--train-limit", 60, "--test-limit", 30, "--epochs", 8, "--topology", sparse_digits)
    options += ("--gamma", 3, "--vg-init-lo", 0.45, "--vg-cutoff-epochs", 2, "--backend", "native")
    trainer = "analog_nmos.auto_prune_trainer"
    here(trainer, *options, "--run-dir", "whole")
    process = start(trainer, *options, "--run-dir", "cut")
    wait_until((tmp_path / "cut" / "0_diag_epoch3.json").exists, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    here(trainer, "--resume", "cut")
    whole, cut = load_run(tmp_path / "whole"), load_run(tmp_path / "cut")
    for path in whole.folder.glob("0_*.npy"):
        if not path.name.endswith("_s.npy"):
            assert np.array_equal(whole.array(path.name), cut.array(path.name)), path.name
    assert whole.metrics["edges"].tolist() == cut.metrics["edges"].tolist()


class Weak(native.NativeBackend):
    """Gives up after two Newton passes, without the fallbacks."""

    def __init__(self, topologies, card, options):
        super().__init__(topologies, card, options, max_passes=2)


def test_native_solves_that_fail_are_counted_and_reported(here, sparse_digits, tmp_path, monkeypatch):
    monkeypatch.setattr(native, "NativeBackend", Weak)
    options = ("--train-limit", 60, "--test-limit", 30, "--epochs", 1, "--topology", sparse_digits)
    options += ("--backend", "native")
    failed = here("analog_nmos.dense_trainer", *options, "--run-dir", "run", code=1)
    assert "operating points failed (--max-failures allows 0.05 of them)" in failed.err
    assert load_run(tmp_path / "run").status == "failed"
    here("analog_nmos.dense_trainer", *options, "--run-dir", "stubborn", "--max-failures", 1)
    record = load_run(tmp_path / "stubborn")
    counted = record.array("0_reload_free")[0] + record.array("0_reload_clamp")[0]
    assert counted > 0
    vout = record.array("0_vout_test_epoch1")
    lost = np.isnan(vout).any(axis=1)
    assert lost.sum() == json.loads((tmp_path / "stubborn" / "0_diag_epoch1.json").read_text())["val_reloads"]
    assert np.isnan(vout[lost]).all()


def test_one_replica_that_fails_leaves_the_others_alone(sparse_digits, tmp_path):
    shared = {"epochs": 3, "train_limit": 40, "test_limit": 20, "backend": "native", "quiet": True}
    settings = [{"seed": 1}, {"seed": 2, "vg_cutoff_ratio": 20.0, "vg_cutoff_epochs": 2}, {"seed": 3}]
    configs = [build(AutoPruneConfig, {"topology": sparse_digits, **shared, **one}) for one in settings]
    starts = [Start(tmp_path / f"replica{index}") for index in range(3)]
    ended = drive(EXPERIMENT, configs, starts)
    assert [one.failure is None for one in ended] == [True, False, True]
    assert "epoch 2: every transistor is below the cutoff" in str(ended[1].failure)
    assert [load_run(one.folder).status for one in ended] == ["done", "failed", "done"]
    alone = run(configs[2], tmp_path / "alone")
    assert np.array_equal(load_run(alone).array("0_val_hinge"), load_run(ended[2].folder).array("0_val_hinge"))
