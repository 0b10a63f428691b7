"""The published grids, and networks trained by a sweep: the same numbers as trained alone."""

import csv
import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from waiting import finish, wait_until

from analog_nmos import auto_prune_sweep, dense_sweep, sweep, xent_sweep
from analog_nmos.dense_trainer import HingeConfig
from analog_nmos.dense_trainer import run as train
from common.errors import InputError
from common.runs import load_run, load_sweep
from common.runs.spec import read_specs
from common.sweeps.axes import Axis, chosen_axes
from common.sweeps.worker import Task, run_task

SMALL = {"train_limit": 60, "test_limit": 30}
SMALL_WORDS = ("--train-limit", 60, "--test-limit", 30)


def specs_of(which, **given):
    return which.specs(chosen_axes(which.config, which.axes, None, given))


@pytest.mark.parametrize("module", [dense_sweep, auto_prune_sweep])
def test_the_hinge_grid_has_the_published_order_and_names(module):
    specs = specs_of(module.SWEEP)
    assert len(specs) == len({spec.name for spec in specs}) == 1458
    assert specs[799].folder == "run_0799_seed1_g3_d0.02_m0.02_btfloating_vgrand1to6"
    assert specs[489].folder == "run_0489_seed1_g0.3_d0.05_m0.02_btfloating_vgfix4"
    assert specs[489].config == {
        "seed": 1,
        "gamma": 0.3,
        "delta": 0.05,
        "margin": 0.02,
        "body_tie": "floating",
        "vg_init": "fixed",
        "vg_init_fixed": 4.0,
        "epochs": 100,
        "backend": "native",
    }
    assert "seed0_g0.03_d0.1_m0.05_btbody_vgfix0.75" in {spec.name for spec in specs}
    assert {spec.config["epochs"] for spec in specs} == {100}
    assert len({spec.group for spec in specs}) == 3  # replicas share the body tie


def test_the_cross_entropy_grid():
    specs = specs_of(xent_sweep.SWEEP)
    assert len(specs) == 810
    names = [spec.name for spec in specs]
    assert "seed0_g0.3_d0.25_T0.001_btfloating_vgfix4" in names
    assert "seed0_g0.03_d0.75_T0.0005_btbody_vgrand1.5to2.5" in names
    assert {spec.config["epochs"] for spec in specs} == {20}
    assert [xent_sweep.SWEEP.workers, dense_sweep.SWEEP.workers, auto_prune_sweep.SWEEP.workers] == [10, 10, 20]


def test_axes_can_be_replaced_and_added():
    specs = specs_of(dense_sweep.SWEEP, gamma="0.03,0.3", seed="7", vg="fix4,rand1to2", epochs="5", vplus="0.45,0.5")
    assert len(specs) == 2 * 3 * 3 * 3 * 2 * 2
    assert {spec.config["vplus"] for spec in specs} == {0.45, 0.5}
    assert any(spec.name.endswith("_vgrand1to2_vplus0.5") for spec in specs)
    assert specs_of(dense_sweep.SWEEP, backend="ngspice")[0].group == ""  # one network a process


@pytest.mark.parametrize(
    ("axis", "text", "message"),
    [
        ("vg", "fixed4", r"argument --vg: 'fixed4' is neither fix<V>"),
        ("vg", "rand3to1", r"--vg-init-lo 3 must lie below"),
        ("gamma", "0.3,-1", r"argument --gamma: -1 is out of range"),
        ("gamma", "much", r"argument --gamma: 'much' is not a number"),
        ("body_tie", "air", r"'air' is not one of source, ground, floating"),
        ("seed", "1,1", r"--seed: the same value twice"),
    ],
)
def test_bad_axes_are_refused_before_any_work(axis, text, message):
    with pytest.raises(InputError, match=message):
        specs_of(dense_sweep.SWEEP, **{axis: text})


def test_a_replica_that_fails_leaves_the_others_alone_and_fails_again(sparse_digits, tmp_path):
    """Fixed at 0.75 V all transistors are below a cutoff of 1.5 V, and none would be left."""
    given = {"vg": "fix0.75,fix4,fix2", "epochs": "2", "seed": "0", "gamma": "3", "delta": "0.1", "margin": "0.02"}
    given |= {"body_tie": "source", "vg_cutoff_ratio": "2", "vg_cutoff_epochs": "1", "topology": str(sparse_digits)}
    specs = specs_of(auto_prune_sweep.SWEEP, **given, **{name: str(value) for name, value in SMALL.items()})
    task = Task("t", str(tmp_path), auto_prune_sweep.SWEEP.function, True, tuple(specs))
    assert task.side_by_side
    ended = {spec.axes["vg"]: outcome for spec, outcome in zip(specs, run_task(task, lambda _: None), strict=True)}
    assert {name: outcome.status for name, outcome in ended.items()} == {
        "fix0.75": "failed",
        "fix2": "done",
        "fix4": "done",
    }
    assert "every transistor is below the cutoff" in ended["fix0.75"].reason
    folders = {spec.axes["vg"]: tmp_path / spec.folder for spec in specs}
    assert "epoch 1: every transistor" in (folders["fix0.75"] / "FAILED").read_text()
    assert (folders["fix4"] / "stdout.txt").read_text() == (folders["fix4"] / "train_log.txt").read_text()
    assert json.loads((folders["fix4"] / "run_spec.json").read_text())["vg_fixed"] == 4.0
    # Its worker may die before FAILED is written: its checkpoint lies behind the failure and must not be used.
    (folders["fix0.75"] / "FAILED").unlink()
    again = run_task(task, lambda _: None)
    assert sorted(outcome.status for outcome in again) == ["done", "done", "failed"]


def numbers(folder):
    """results.csv without times."""
    with open(Path(folder) / "results.csv", newline="") as stream:
        return [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(stream)]


def test_a_sweep_with_a_killed_worker_gives_the_numbers_of_single_runs(start, sparse_digits, tmp_path):
    words = ("--topology", sparse_digits, *SMALL_WORDS, "--seed", "0,1", "--gamma", "0.3,3", "--delta", 0.1)
    words += ("--margin", 0.02, "--body-tie", "floating", "--vg", "fix4,rand1to6", "--epochs", 40)
    process = start("analog_nmos.dense_sweep", *words, "--sweep-dir", "sweep")
    folder = tmp_path / "sweep"
    begun = wait_until(lambda: list(folder.glob("*/0_vg_unique_epoch3.npy")), process)
    os.kill(load_run(begun[0].parent).meta["pid"], signal.SIGKILL)
    out, err = finish(process)
    assert (process.returncode, err) == (0, ""), err + out
    assert "8 of 8 runs done, 0 failed" in out
    table = load_sweep(folder)
    assert table["status"].tolist() == ["done"] * 8
    retried = {event["run"] for line in (folder / "status.jsonl").read_text().splitlines()
               if (event := json.loads(line))["event"] == "retry"}  # fmt: skip
    assert begun[0].parent.name in retried
    assert len(retried) <= 4  # the replicas of one worker
    for name in sorted(retried)[:1] + sorted(set(table["run"]) - retried)[:1]:
        spec = next(spec for spec in read_specs(folder) if spec.folder == name)
        config = HingeConfig(**{**spec.config, "topology": sparse_digits, "quiet": True})
        alone = load_run(train(config, tmp_path / f"alone_{name}"))
        assert np.array_equal(alone.array("0_val_acc"), load_run(folder / name).array("0_val_acc"))
        assert np.array_equal(alone.array("0_vg_unique_epoch40"), load_run(folder / name).array("0_vg_unique_epoch40"))
        row = table[table["run"] == name].iloc[0]
        assert row["final_val_acc"] == alone.array("0_val_acc")[-1]
        assert row["selected_val_acc"] == alone.array("0_val_acc")[1:].max()
        assert row["final_epoch"] == 40
    resumed = load_run(begun[0].parent).meta["resumed"]
    assert len(resumed) == 1


@pytest.mark.slow
@pytest.mark.usefixtures("needs_ngspice")
def test_ngspice_on_request_and_a_grid_file(command, sparse_digits, tmp_path):
    (tmp_path / "grid.toml").write_text(
        'seed = [0, 1]\ngamma = 3\ndelta = 0.1\nmargin = 0.02\nbody-tie = ["source"]\nvg = ["fix4"]\nepochs = 1\n'
    )
    words = ("--grid", "grid.toml", "--topology", sparse_digits, *SMALL_WORDS, "--sweep-dir")
    command("analog_nmos.dense_sweep", *words, "spice", "--backend", "ngspice")
    command("analog_nmos.dense_sweep", *words, "native")
    spice, native = numbers(tmp_path / "spice"), numbers(tmp_path / "native")
    assert [row["seed"] for row in spice] == [row["seed"] for row in native]
    assert [row["final_val_acc"] for row in spice] == [row["final_val_acc"] for row in native]
    done = command("analog_nmos.dense_sweep", *words, "new", "--dry-run")
    assert "2 runs, 2 to do now, in new" in done.out
    assert "h:mm" in done.out
    assert not (tmp_path / "new").exists()


def test_short_versions_for_the_estimate():
    assert sweep.short({"epochs": 100, "backend": "native"}, 2) == ({"epochs": 2, "backend": "native"}, 1.0)
    config, weight = sweep.short({"backend": "ngspice"}, 1)
    assert config["train_limit"] + config["test_limit"] == 50
    assert weight == pytest.approx(1797 / 50)
    assert sweep.gates() == Axis("vg", sweep.GATES, sweep.gate_settings, sweep.gates().replaces, sweep.GATES_HELP)
