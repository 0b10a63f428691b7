"""Transistors that break while a network trains, as a user asks for them and finds them in the run folder."""

import dataclasses
import functools
import itertools
import json
import re
import runpy
from pathlib import Path

import numpy as np
import pytest

from analog_nmos.auto_prune_trainer import EXPERIMENT as AUTO_PRUNE
from analog_nmos.auto_prune_trainer import AutoPruneConfig
from analog_nmos.backends.base import Status
from analog_nmos.backends.make import make_backend
from analog_nmos.cards.model_card import default_card_path, read_model_card
from analog_nmos.chips.normals import Normals
from analog_nmos.dense_trainer import EXPERIMENT, HingeConfig
from analog_nmos.tasks import TASKS
from analog_nmos.topology import load_topology
from analog_nmos.topology.layered import Layered
from analog_nmos.train import experiment_of
from analog_nmos.train_sweep import sweep_of_task
from analog_nmos.training.circuits import Circuits
from analog_nmos.training.damage import is_back, record_strike, recovery, recovery_line
from analog_nmos.training.damage_options import KINDS
from analog_nmos.training.opening import load_replica
from common.cli import build
from common.errors import RunError
from common.experiment import Start, drive, run_of
from common.runs import load_run
from common.sweeps.axes import chosen_axes

TRAINER = "analog_nmos.dense_trainer"
same_folders = runpy.run_path(str(Path(__file__).with_name("test_resume_pruned.py")))["assert_same"]
EPOCHS, AFTER = 4, 2
FEW = {"epochs": EPOCHS, "quiet": True, "plots": False}
NOISY = {"read_noise": "2%", "gate_noise": 0.01, "update_noise": 0.001, "two_circuits": True}
PRUNES = {"gamma": 3.0, "vg_init_lo": 0.4, "vg_init_hi": 1.5, "vg_cutoff_epochs": 1}
# Just before, and just after, a file of the epoch that begins with the damage is in place, or the last one before it.
MOMENTS = {
    "before the damage": ("checkpoint.npz", 1 + AFTER, True),
    "in the damage": ("0_damage.json", 1, False),
    "after the damage": ("0_damage.json", 1, True),
    "before its commit": ("checkpoint.npz", 2 + AFTER, False),
    "after its commit": ("checkpoint.npz", 2 + AFTER, True),
}


@pytest.fixture
def digits(sparse_digits):
    """Configurations of the hinge trainer, or another one, on a network of 60 edges."""

    def make(kind=HingeConfig, **settings):
        few = {"topology": sparse_digits, "backend": "native", "train_limit": 40, "test_limit": 20, **FEW}
        return build(kind, {**few, **settings})

    return make


def damaged(kind="open", share=0.25, epoch=AFTER, **more):
    return {"damage_share": share, "damage_kind": kind, "damage_epoch": epoch, **more}


def strike_of(folder):
    [strike] = json.loads((Path(folder) / "0_damage.json").read_text())["strikes"]
    return strike


def numbers(folder):
    """Every number of a run that another one may share."""
    run = load_run(folder)
    last = f"epoch{run.metrics['epoch'].iloc[-1]}"
    arrays = [run.array(f"0_{name}") for name in (f"vg_unique_{last}", "val_acc", "val_hinge", "train_hinge")]
    return [array.tobytes() for array in arrays], run.meta["result"]


def assert_same(whole, cut):
    """Two finished runs with the same content and, of noise, the same numbers to come; damage told once."""
    for folder in (whole, cut):
        with np.load(folder / "checkpoint.npz") as checkpoint:
            arrays = dict(checkpoint)
        for name in [name for name in arrays if name.startswith("noise_")]:  # one state has several forms
            normals = Normals(np.random.Generator(np.random.PCG64(0)))
            normals.restore(arrays[name])
            arrays[name] = normals.take(3)
        np.savez(folder / "checkpoint.npz", **arrays)
    same_folders(whole, cut)
    assert (whole / "0_damage.json").read_text() == (cut / "0_damage.json").read_text()
    lines = [re.findall(r"(?m)^damage .*$", (folder / "train_log.txt").read_text()) for folder in (whole, cut)]
    assert lines[0] == sorted(set(lines[0] + lines[1])) != []
    assert len(lines[1]) >= len(lines[0]) - 1  # a process killed between checkpoint and log has told nobody


# What breaks, and what is written


@pytest.mark.parametrize("kind", KINDS)
def test_a_share_breaks_and_the_drop_is_seen_before_any_repair(here, digits, sparse_digits, tmp_path, kind):
    words = ("--backend", "native", "--topology", sparse_digits, "--train-limit", 40, "--test-limit", 20, "--no-plots")
    damage = ("--damage-share", 0.25, "--damage-epoch", AFTER, "--damage-kind", kind)
    out = here(TRAINER, 1, *words, "--epochs", EPOCHS, *damage, "--run-dir", "run").out
    run, strike = load_run(tmp_path / "run"), strike_of(tmp_path / "run")
    asked = json.loads((tmp_path / "run" / "0_damage.json").read_text())
    assert (asked["share"], asked["kind"], asked["seed"], asked["metric"]) == (0.25, kind, 0, "val_acc")
    assert (strike["epoch"], strike["transistors"], list(strike["edges"])) == (AFTER, 60, [kind])
    edges = strike["edges"][kind]
    assert (len(set(edges)), edges) == (15, sorted(edges))
    for name in ("val_acc", "val_hinge"):
        assert strike["before"][name] == run.array(f"0_{name}")[AFTER]
    before, after = run.array(f"0_vg_unique_epoch{AFTER}"), run.array(f"0_vg_unique_epoch{EPOCHS}")
    keep = np.ones(60, bool)
    if kind == "open":
        keep[edges] = False
        assert run.array(f"0_edge_uid_epoch{EPOCHS}").tolist() == np.flatnonzero(keep).tolist()
    else:
        assert (after[edges] == (8.0 if kind == "on" else before[edges])).all()
        assert (np.delete(after, edges) != np.delete(before, edges)).any()
    assert run.metrics["edges"].tolist() == [60] * 3 + [45 if kind == "open" else 60] * 2
    gate_V = before.copy()
    gate_V[edges] = 8.0 if kind == "on" else gate_V[edges]
    assert strike["after"]["val_acc"] == pytest.approx(accuracy(run, load_topology(sparse_digits), gate_V, keep))
    if kind == "frozen":
        assert strike["after"] == strike["before"]
    line = rf"^damage after epoch 2: of 60 transistors 15 {kind}; accuracy 0\.\d{{4}} -> 0\.\d{{4}}, val_hinge 0\."
    assert re.search(line, out, re.MULTILINE)


def accuracy(run, topology, gate_V, keep):
    """That of a network by a solver of its own."""
    card = read_model_card(default_card_path())
    backend = make_backend("native", [topology.keep(keep)], card, build(HingeConfig, {**run.config}))
    backend.set_gates(gate_V[None, keep])
    out_V, _ = backend.solve_many(0, run.array("test_x"))
    return float((out_V.argmax(axis=1) == run.array("test_y")).mean())


def test_of_a_pmos_the_other_end_of_the_range_is_on(digits, tmp_path):
    card = tmp_path / "pmos.lib"
    card.write_text(default_card_path().read_text().replace(" nmos", " pmos").replace("vto=0.75", "vto=-0.75"))
    gates = {"vg_init_lo": -3.0, "vg_init_hi": -1.0, "vminus": -0.45, "vplus": 0.0, "epochs": 2}
    config = digits(model_card=card, **gates, **damaged("on", epoch=0))
    folder = run_of(EXPERIMENT)(config, tmp_path / "run")
    assert (load_run(folder).array("0_vg_unique_epoch2")[strike_of(folder)["edges"]["on"]] == -8.0).all()


def test_a_list_names_transistors_kinds_and_epochs(digits, tmp_path, killed):
    (tmp_path / "list.csv").write_text("edge,kind,epoch\n7,open,1\n3,on,1\n5,frozen,3\n9,open,0\n")
    config = digits(damage_list=tmp_path / "list.csv")
    whole = run_of(EXPERIMENT)(config, tmp_path / "whole")
    found = json.loads((whole / "0_damage.json").read_text())
    assert (found["share"], found["kind"], found["list"]) == (None, None, str(tmp_path / "list.csv"))
    assert [(strike["epoch"], strike["transistors"], strike["edges"]) for strike in found["strikes"]] == [
        (0, 60, {"open": [9]}),
        (1, 59, {"open": [7], "on": [3]}),
        (3, 58, {"frozen": [5]}),
    ]
    assert load_run(whole).metrics["edges"].tolist() == [60, 59, 58, 58, 58]
    # A resumed run has a copy of the list, and what has happened comes from its checkpoint.
    assert killed(lambda: run_of(EXPERIMENT)(config, tmp_path / "cut"), "checkpoint.npz", 3, after=True)
    (tmp_path / "list.csv").write_text("edge,kind,epoch\n0,open,3\n")
    (tmp_path / "cut" / "0_damage.json").unlink()
    run_of(EXPERIMENT)(config, tmp_path / "cut", resume=True)
    assert_same(whole, tmp_path / "cut")


def test_a_whole_list_without_epochs_strikes_before_training(digits, tmp_path):
    (tmp_path / "list.csv").write_text("kind,edge\nfrozen,7\n")
    folder = run_of(EXPERIMENT)(digits(damage_list=tmp_path / "list.csv"), tmp_path / "run")
    assert (strike_of(folder)["epoch"], strike_of(folder)["edges"]) == (0, {"frozen": [7]})
    assert load_run(folder).meta["result"]["recovery_epochs"] is None  # there was nothing to come back to


def test_the_result_says_how_fast_it_came_back(digits, tmp_path):
    result = load_run(run_of(EXPERIMENT)(digits(**damaged("on", 0.1)), tmp_path / "on")).meta["result"]
    run, strike = load_run(tmp_path / "on"), strike_of(tmp_path / "on")
    assert result["recovery_before"] == strike["before"]["val_acc"]
    assert result["recovery_after"] == strike["after"]["val_acc"]
    later = [strike["after"]["val_acc"], *run.array("0_val_acc")[AFTER + 1 :]]
    back = [count for count, value in enumerate(later) if value >= strike["before"]["val_acc"] - 0.01 - 1e-12]
    assert result["recovery_epochs"] == (back[0] if back else None)
    assert "recovery: " in (tmp_path / "on" / "train_log.txt").read_text()
    plain = load_run(run_of(EXPERIMENT)(digits(), tmp_path / "plain"))
    assert not [name for name in plain.meta["result"] if "recovery" in name]
    assert not (tmp_path / "plain" / "0_damage.json").exists()


@pytest.mark.parametrize(
    ("later", "epochs"),
    [([0.3, 0.88, 0.895, 0.2], 3), ([0.3, 0.88], None), ([], None), ([0.95], 1)],
)
def test_epochs_until_it_is_back(digits, tmp_path, later, epochs):
    replica = load_replica(digits(**damaged("on")))
    replica.epoch, replica.histories = 2, {"val_acc": [0.1, 0.5, 0.9], "val_hinge": [3.0, 2.0, 1.0]}
    assert recovery(replica, "hinge") == {}
    [line] = record_strike(tmp_path, replica, "hinge", {"on": [3]}, {"val_acc": 0.2, "val_hinge": 2.5})
    assert line == "damage after epoch 2: of 60 transistors 1 on; accuracy 0.9000 -> 0.2000, val_hinge 1 -> 2.5"
    replica.histories["val_acc"] += later
    found = {"recovery_epochs": epochs, "recovery_before": 0.9, "recovery_after": 0.2}
    assert recovery(replica, "hinge") == found
    told = "not back" if epochs is None else f"back {epochs} epoch(s) after the damage"
    assert recovery_line(replica, "hinge") == f"recovery: {told}, to within a point of accuracy 0.9000"


def test_what_damage_removes_is_not_what_pruning_removed(digits, tmp_path):
    run_of(AUTO_PRUNE)(digits(AutoPruneConfig, vg_cutoff_epochs=100, **damaged()), tmp_path / "run")
    pruned = load_topology(tmp_path / "run" / "topology_final_pruned.npz")
    said = pruned.meta["auto_prune"]
    assert (pruned.n_edges, said["removed"], said["remaining"]) == (45, 0, 45)


# Killed and resumed, raised, side by side


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("kind", ["open", "on"])
def test_killed_around_the_damage(digits, tmp_path, killed, moment, kind):
    """With pruning and every kind of noise: what any of them had forgotten would move a number."""
    config = digits(AutoPruneConfig, **PRUNES, **NOISY, **damaged(kind, 0.2))
    train = run_of(AUTO_PRUNE)
    whole = train(config, tmp_path / "whole")
    edges = load_run(whole).metrics["edges"].tolist()
    assert edges[0] == 60 > edges[2] > edges[3] - (kind == "on")
    assert killed(lambda: train(config, tmp_path / "cut"), *MOMENTS[moment])
    train(config, tmp_path / "cut", resume=True)
    assert_same(whole, tmp_path / "cut")


def test_killed_in_the_validation_right_after(digits, tmp_path, killed, monkeypatch):
    config = digits(**NOISY, **damaged("frozen"))
    whole = run_of(EXPERIMENT)(config, tmp_path / "whole")
    assert not np.array_equal(*(list(strike_of(whole)[name].values()) for name in ("before", "after")))  # fresh noise
    monkeypatch.setattr("analog_nmos.training.damage.record_strike", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run_of(EXPERIMENT)(config, tmp_path / "cut")
    monkeypatch.undo()
    run_of(EXPERIMENT)(config, tmp_path / "cut", resume=True)
    assert_same(whole, tmp_path / "cut")


@pytest.mark.parametrize("ends", [1, 2, 3])
def test_a_run_is_raised_past_its_damage(digits, here, tmp_path, ends):
    config = digits(**NOISY, **damaged())
    whole = run_of(EXPERIMENT)(config, tmp_path / "whole")
    run_of(EXPERIMENT)(dataclasses.replace(config, epochs=ends), tmp_path / "grown")
    log = (tmp_path / "grown" / "train_log.txt").read_text()
    never = f"warning: no damage after epoch 2: the run ends with epoch {ends}; raise --epochs"
    assert (never in log, (tmp_path / "grown" / "0_damage.json").exists()) == (ends <= AFTER, ends > AFTER)
    here(TRAINER, "--resume", "grown", "--epochs", EPOCHS)
    assert_same(whole, tmp_path / "grown")


def test_side_by_side_as_alone(digits, tmp_path, killed):
    settings = [
        digits(seed=1, **damaged("open")),
        digits(seed=2, **damaged("on", epoch=1)),
        digits(seed=3),
        digits(seed=4, **damaged("frozen", epoch=0)),
        digits(seed=5, **damaged("open", 0.5, epoch=3)),
    ]
    alone = [numbers(run_of(EXPERIMENT)(one, tmp_path / f"alone{one.seed}")) for one in settings]
    folders = [tmp_path / str(one.seed) for one in settings]
    drive(EXPERIMENT, settings, [Start(folder) for folder in folders])
    assert [numbers(folder) for folder in folders] == alone
    again = [tmp_path / f"killed{one.seed}" for one in settings]
    work = functools.partial(drive, EXPERIMENT, settings, [Start(folder) for folder in again])
    assert killed(work, "checkpoint.npz", 5 * 2 + 3, after=True)
    drive(EXPERIMENT, settings, [Start(folder, begun=True) for folder in again])
    assert [numbers(folder) for folder in again] == alone


def test_shares_and_kinds_are_axes_of_a_sweep():
    sweep = sweep_of_task(TASKS.get("xor"))
    given = {"damage_share": "0,0.1", "damage_kind": "open,on", "damage_epoch": "5", "seed": "1"}
    specs = sweep.specs(chosen_axes(sweep.config, sweep.axes, None, given))
    assert len(specs) == 4
    assert len({spec.group for spec in specs}) == 1 != {""}


# Hidden nodes, ngspice, networks that fall apart


@pytest.mark.parametrize("kind", KINDS)
def test_hidden_nodes_and_a_loss_to_come_back_to(tmp_path, kind):
    train, task = run_of(experiment_of(TASKS.get("xor"))), TASKS.get("xor")
    config = build(task, {**FEW, "epochs": 40, "snapshot_every": 10, **damaged(kind, 0.1, 20)})
    whole = train(config, tmp_path / "whole")
    loss = load_run(whole).array("0_val_mse")
    strike = strike_of(whole)
    assert len(strike["edges"][kind]) == 3
    assert strike["before"]["val_mse"] == loss[20]
    assert (strike["after"]["val_mse"] == loss[20]) == (kind == "frozen")
    train(dataclasses.replace(config, epochs=20), tmp_path / "grown")
    train(config, tmp_path / "grown", resume=True)
    one, other = load_run(whole), load_run(tmp_path / "grown")
    assert np.array_equal(one.array("0_val_mse"), other.array("0_val_mse"))
    assert np.array_equal(one.array("0_vg_unique_epoch40"), other.array("0_vg_unique_epoch40"))


@pytest.mark.usefixtures("needs_ngspice")
@pytest.mark.parametrize("kind", KINDS)
def test_ngspice_breaks_the_same_and_resumes(digits, tmp_path, killed, kind):
    few = {"train_limit": 12, "test_limit": 6, "reltol": 1e-9, "abstol": 1e-14, "vntol": 1e-11, "itl1": 2000}
    native, spice = (digits(backend=name, **few, **damaged(kind)) for name in ("native", "ngspice"))
    folders = [run_of(EXPERIMENT)(native, tmp_path / "native"), run_of(EXPERIMENT)(spice, tmp_path / "spice")]
    ours, theirs = map(strike_of, folders)
    assert ours["edges"] == theirs["edges"]
    assert ours["after"] == pytest.approx(theirs["after"], abs=1e-6)
    gates = [load_run(folder).array(f"0_vg_unique_epoch{EPOCHS}") for folder in folders]
    np.testing.assert_allclose(*gates, rtol=0, atol=1e-5)
    assert killed(lambda: run_of(EXPERIMENT)(spice, tmp_path / "cut"), *MOMENTS["after the damage"])
    run_of(EXPERIMENT)(spice, tmp_path / "cut", resume=True)
    assert_same(folders[1], tmp_path / "cut")


@pytest.mark.usefixtures("needs_ngspice")
@pytest.mark.parametrize("backend", ["native", "ngspice"])
def test_an_output_that_loses_all_edges_goes_on(digits, sparse_digits, tmp_path, backend):
    """It stays where its resistors hold it, whatever the input, and is told once."""
    network = load_topology(sparse_digits)
    edges = np.flatnonzero(network.edges_S == network.out_nodes[3])
    (tmp_path / "list.csv").write_text("edge,kind\n" + "".join(f"{edge},open\n" for edge in edges))
    few = {"backend": backend, "train_limit": 12, "test_limit": 6}
    folder = run_of(EXPERIMENT)(digits(damage_list=tmp_path / "list.csv", **few), tmp_path / "run")
    out_V = load_run(folder).array(f"0_vout_test_epoch{EPOCHS}")
    assert np.isfinite(out_V).all()
    assert np.ptp(out_V[:, 3]) < 1e-6 < np.ptp(out_V[:, 2])
    line = "warning: no path of transistors is left from an input to output 3 (counted from 0)"
    assert (folder / "train_log.txt").read_text().count(line) == 1


def test_a_network_that_cannot_be_solved_after_the_damage_ends(digits, tmp_path, monkeypatch):
    """Nothing is committed: a resumed run breaks it again."""
    config, outputs, calls = digits(**damaged()), Circuits.outputs, itertools.count()

    def fail_once(circuits, row, part, *more):
        found = outputs(circuits, row, part, *more)
        if next(calls) != AFTER + 1:
            return found
        status = np.full_like(found.status, Status.NO_CONVERGENCE)
        return dataclasses.replace(found, out_V=np.full_like(found.out_V, np.nan), status=status)

    monkeypatch.setattr(Circuits, "outputs", fail_once)
    with pytest.raises(RunError, match="right after the damage: epoch 2: 20 of 20 operating points failed"):
        run_of(EXPERIMENT)(config, tmp_path / "cut")
    assert load_run(tmp_path / "cut").metrics["epoch"].tolist() == [0, 1, 2]
    run_of(EXPERIMENT)(config, tmp_path / "cut", resume=True)
    assert_same(run_of(EXPERIMENT)(config, tmp_path / "whole"), tmp_path / "cut")


def test_damage_that_leaves_no_transistor_ends_the_run_alone(digits, tmp_path):
    """Here pruning has removed the others before."""
    train = run_of(AUTO_PRUNE)
    config = digits(AutoPruneConfig, **PRUNES)
    left = load_run(train(dataclasses.replace(config, epochs=3), tmp_path / "first")).array("0_edge_uid_epoch3")
    assert left.size < 60
    (tmp_path / "list.csv").write_text("edge,kind,epoch\n" + "".join(f"{edge},open,2\n" for edge in left))
    listed = dataclasses.replace(config, damage_list=tmp_path / "list.csv")
    line = rf"^damage after epoch 2: none of {left.size} transistors would be left$"
    for resume in (False, True):
        with pytest.raises(RunError, match=line):
            train(listed, tmp_path / "run", resume=resume)
    assert load_run(tmp_path / "run").metrics["epoch"].tolist() == [0, 1, 2]
    folders = [tmp_path / "a", tmp_path / "b"]
    ended = drive(AUTO_PRUNE, [listed, config], [Start(folder) for folder in folders])
    assert [one.failure is None for one in ended] == [False, True]
    assert numbers(folders[1]) == numbers(train(config, tmp_path / "alone"))


def test_a_network_that_loses_its_hidden_part_ends_alone(digits, tmp_path):
    """The native solver would go on in another way, which neither a replica beside it nor a checkpoint fits."""
    Layered(layers=(64, 2, 10), skip=True).build().save(tmp_path / "skip.npz")
    network = load_topology(tmp_path / "skip.npz")
    direct = np.isin(network.edges_D, network.input_nodes) & np.isin(network.edges_S, network.out_nodes)
    (tmp_path / "list.csv").write_text("edge,kind\n" + "".join(f"{edge},open\n" for edge in np.flatnonzero(~direct)))
    few = {"topology": tmp_path / "skip.npz", "train_limit": 4, "test_limit": 4, "epochs": 1}
    settings = [digits(**few, damage_list=tmp_path / "list.csv"), digits(**few)]
    folders = [tmp_path / "a", tmp_path / "b"]
    ended = drive(EXPERIMENT, settings, [Start(folder) for folder in folders])
    reason = "damage after epoch 0: only transistors from inputs to outputs would be left"
    assert (str(ended[0].failure), ended[1].failure) == (reason, None)


def test_values_come_back_to_within_a_percent_of_their_loss(here, tmp_path):
    rows = [f"{a / 10},{b / 10},{0.1 + 0.01 * a + 0.005 * b}" for a in range(5) for b in range(5)]
    (tmp_path / "rows.csv").write_text("a,b,y\n" + "\n".join(rows) + "\n")
    words = ("csv-regression", 1, "--task-csv", "rows.csv", "--target", "y", "--epochs", 6, "--no-plots")
    here("analog_nmos.train", *words, "--damage-share", 0.2, "--damage-epoch", 3, "--run-dir", "run")
    result, loss = load_run(tmp_path / "run").meta["result"], load_run(tmp_path / "run").array("0_val_mse")
    assert result["recovery_before"] == loss[3]
    later = [result["recovery_after"], *loss[4:]]
    assert result["recovery_epochs"] == next((n for n, one in enumerate(later) if one <= 1.01 * loss[3]), None)
    assert [is_back("val_mse", 1.0, value) for value in (0.5, 1.01, 1.02, float("nan"))] == [True, True, False, False]
    assert [is_back("val_acc", 0.95, value) for value in (0.94, 0.9399, 1.0)] == [True, False, True]
