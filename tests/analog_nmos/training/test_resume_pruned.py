"""Networks that have lost edges, killed and resumed: every number as in a run that was never stopped."""

import dataclasses
import functools
import itertools
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from analog_nmos.auto_prune_sweep import SWEEP
from analog_nmos.auto_prune_trainer import EXPERIMENT, AutoPruneConfig
from analog_nmos.auto_prune_trainer import run as train
from analog_nmos.training import record
from analog_nmos.training.record import PRUNED
from common.cli import build
from common.errors import InputError, RunError
from common.experiment import Start, drive
from common.runs import load_run
from common.sweeps.axes import chosen_axes
from common.sweeps.worker import Task, run_task

PRUNES = {"gamma": 3.0, "vg_init_lo": 0.4, "vg_init_hi": 1.5, "vg_cutoff_epochs": 1}
KEEPS = {"gamma": 3.0, "vg_init_lo": 1.0, "vg_init_hi": 3.0, "vg_cutoff_epochs": 100}
EPOCHS = 4
# Just before, and just after the last file of epoch 3 is in place, by which time epochs 1 and 2 have pruned.
MOMENTS = {
    "in training": ("0_vg_unique_epoch3.npy", 1, False),
    "among the files of an epoch": ("0_edge_uid_epoch3.npy", 1, True),
    "before the row": ("metrics.csv", 5, False),
    "before the checkpoint": ("checkpoint.npz", 4, False),
    "after the checkpoint": ("checkpoint.npz", 4, True),
    "at the end": (PRUNED, 1, False),
    "after the end": (PRUNED, 1, True),
}


@pytest.fixture(scope="module")
def network(sparse_network, tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "sparse.npz"
    sparse_network.save(path)
    return path


@pytest.fixture
def config(network):
    def make(backend="native", **settings):
        few = {"train_limit": 40, "test_limit": 20} if backend == "native" else {"train_limit": 12, "test_limit": 6}
        shared = {"topology": network, "backend": backend, "epochs": EPOCHS, "final_test": True, "quiet": True}
        shared |= {"plots": False}  # four figures take longer than these trainings
        return build(AutoPruneConfig, {**few, **shared, **settings})

    return make


def assert_same(whole, cut):
    """Two run folders with the same files and, but for seconds, the same content."""
    whole, cut = load_run(whole), load_run(cut)
    assert {path.name for path in whole.folder.iterdir()} == {path.name for path in cut.folder.iterdir()}
    for path in whole.folder.iterdir():
        other = cut.folder / path.name
        if path.suffix == ".npz":
            with np.load(path) as left, np.load(other) as right:
                assert left.files == right.files
                for name in set(left.files) - {"histories"}:
                    assert left[name].tobytes() == right[name].tobytes(), (path.name, name)
        elif path.name.startswith("0_diag") or (
            path.suffix in (".npy", ".cir", ".graphml") and "_s.npy" not in path.name
        ):
            assert path.read_bytes() == other.read_bytes(), path.name
    columns = [name for name in whole.metrics if not name.endswith("_s")]
    assert whole.metrics[columns].equals(cut.metrics[columns])
    assert whole.meta["result"] == cut.meta["result"]
    assert (whole.status, cut.status) == ("done", "done")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Runs that were never stopped, by backend and settings; each is trained once."""
    made = {}

    def run(settings):
        if settings not in made:
            made[settings] = train(settings, tmp_path_factory.mktemp("whole") / "run")
        return made[settings]

    return run


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_alone(config, whole, killed, tmp_path, moment):
    settings = config(**PRUNES)
    edges = load_run(whole(settings)).metrics["edges"].tolist()
    assert edges[0] == 60 > edges[2] > edges[4]
    assert killed(lambda: train(settings, tmp_path / "cut"), *MOMENTS[moment])
    train(settings, tmp_path / "cut", resume=True)
    assert_same(whole(settings), tmp_path / "cut")


@pytest.mark.usefixtures("needs_ngspice")
@pytest.mark.parametrize("moment", ["in training", "after the checkpoint", "after the end"])
def test_killed_in_ngspice(config, whole, killed, tmp_path, moment):
    settings = config("ngspice", **PRUNES, body_tie="floating")
    assert killed(lambda: train(settings, tmp_path / "cut"), *MOMENTS[moment])
    with np.load(tmp_path / "cut" / "checkpoint.npz") as checkpoint:
        assert checkpoint["backend_sink_V"].any()
        assert checkpoint["edge_uid"].size < 60
    train(settings, tmp_path / "cut", resume=True)
    assert_same(whole(settings), tmp_path / "cut")


def test_vout_outlives_pruning_and_the_process(config, killed, tmp_path):
    """What the clamped sources kept moves later numbers, so a run that forgot it would differ."""
    settings = config(**PRUNES)
    assert killed(lambda: train(settings, tmp_path / "cut"), *MOMENTS["after the checkpoint"])
    shutil.copytree(tmp_path / "cut", tmp_path / "forgetful")
    with np.load(tmp_path / "forgetful" / "checkpoint.npz") as checkpoint:
        arrays = dict(checkpoint)
    arrays["backend_sink_V"] = np.zeros(10)
    np.savez(tmp_path / "forgetful" / "checkpoint.npz", **arrays)
    runs = [load_run(train(settings, tmp_path / name, resume=True)) for name in ("cut", "forgetful")]
    assert not np.array_equal(*[run.array("0_vout_test_epoch4") for run in runs])


@pytest.mark.parametrize(
    ("checkpoints", "moment"),
    [(4 + 4 + 3, "one replica of three is an epoch ahead"), (3 * 5, "all have trained, none has ended")],
)
def test_killed_side_by_side(config, whole, killed, tmp_path, checkpoints, moment):
    replicas = [config(**PRUNES, seed=0), config(**KEEPS, seed=1), config(**PRUNES, seed=2)]
    folders = [tmp_path / f"replica{index}" for index in range(3)]
    work = functools.partial(drive, EXPERIMENT, replicas, [Start(folder) for folder in folders])
    assert killed(work, "checkpoint.npz", checkpoints, after=True), moment
    drive(EXPERIMENT, replicas, [Start(folder, begun=True) for folder in folders])
    for settings, folder in zip(replicas, folders, strict=True):
        assert_same(whole(settings), folder)
    assert len({load_run(folder).metrics["edges"].iloc[-1] for folder in folders}) == 3


@pytest.mark.usefixtures("needs_ngspice")
@pytest.mark.parametrize("backend", ["native", "ngspice"])
def test_a_finished_run_grows(config, whole, here, tmp_path, backend):
    settings = config(backend, **PRUNES)
    train(dataclasses.replace(settings, epochs=2), tmp_path / "grown")
    here("analog_nmos.auto_prune_trainer", "--resume", "grown", "--epochs", EPOCHS)
    assert_same(whole(settings), tmp_path / "grown")


@pytest.fixture
def sweep(network, tmp_path):
    """Two runs of a sweep, side by side in one task; the first of them prunes."""
    shared = {"topology": str(network), "final_test": "True", "train_limit": "40", "test_limit": "20"}
    given = {"seed": "0", "gamma": "3", "delta": "0.05", "margin": "0.02", "body_tie": "ground", "epochs": str(EPOCHS)}
    given |= {"vg": "rand0.4to1.5,fix4", "vg_cutoff_epochs": "1"}
    specs = tuple(SWEEP.specs(chosen_axes(SWEEP.config, SWEEP.axes, None, given | shared)))
    task = Task("t", str(tmp_path), SWEEP.function, True, specs)
    assert task.side_by_side
    return task


def assert_as_alone(task, whole, network):
    for spec in task.specs:
        settings = build(AutoPruneConfig, {**spec.config, "topology": network, "quiet": True})
        alone, run = load_run(whole(settings)), load_run(Path(task.folder) / spec.folder)
        assert alone.meta["result"] == run.meta["result"]
        for name in ("0_vg_unique_epoch4", "0_vout_test_epoch4", "0_train_hinge"):
            assert np.array_equal(alone.array(name), run.array(name)), name


def assert_went_on(task):
    """Its runs have one log from two starts, with every epoch in it once."""
    for folder in (Path(task.folder) / spec.folder for spec in task.specs):
        assert len(load_run(folder).meta["resumed"]) == 1
        assert (folder / "train_log.txt").read_text().count("epoch 2: train") == 1


def test_killed_in_a_sweep(sweep, whole, killed, network):
    assert killed(lambda: run_task(sweep, lambda _: None), "checkpoint.npz", 2 * 3 + 1, after=True)
    assert [outcome.status for outcome in run_task(sweep, lambda _: None)] == ["done", "done"]
    assert_as_alone(sweep, whole, network)
    assert_went_on(sweep)


def test_a_call_that_breaks_costs_no_epoch(sweep, whole, network, monkeypatch):
    """The runs of a broken call start again one by one: from their checkpoints."""
    summaries, calls = record.write_summary, itertools.count(1)

    def break_once(*words):
        if next(calls) == 2 * 2 + 1:
            raise ZeroDivisionError
        summaries(*words)

    monkeypatch.setattr(record, "write_summary", break_once)
    assert [outcome.status for outcome in run_task(sweep, lambda _: None)] == ["done", "done"]
    assert_as_alone(sweep, whole, network)
    assert_went_on(sweep)


@pytest.mark.long
def test_killed_at_every_file(config, whole, killed, tmp_path):
    settings = config(**PRUNES)
    for count in itertools.count(1):
        folder = tmp_path / str(count)
        if not killed(lambda folder=folder: train(settings, folder), "", count):
            break
        if (folder / "run_meta.json").exists():
            train(settings, folder, resume=True)
            assert_same(whole(settings), folder)
        shutil.rmtree(folder)
    assert count > 80


def test_an_epoch_that_fails_is_not_committed(config, tmp_path):
    settings = config(**{**PRUNES, "vg_cutoff_ratio": 20.0, "vg_cutoff_epochs": 2})
    for resume in (False, True, True):
        with pytest.raises(RunError, match="epoch 2: every transistor is below the cutoff"):
            train(settings, tmp_path / "run", resume=resume)
    assert load_run(tmp_path / "run").metrics["epoch"].tolist() == [0, 1, 2]


def test_replicas_do_not_mix_model_cards_or_lost_files(config, killed, tmp_path):
    settings = [config(**PRUNES, seed=seed, epochs=1) for seed in (0, 1)]
    folders = [tmp_path / "a", tmp_path / "b"]
    drive(EXPERIMENT, settings, [Start(folder) for folder in folders])
    card = folders[1] / "model_card.lib"
    card.write_text(re.sub(r"(?i)vto=0.75", "vto=0.8", card.read_text()))
    grown = [dataclasses.replace(one, epochs=2) for one in settings]
    with pytest.raises(InputError, match=r"replicas must share the model card: .*b/model_card\.lib differs from .*a/"):
        drive(EXPERIMENT, grown, [Start(folder, begun=True) for folder in folders])
    (folders[0] / "topology.npz").unlink()
    with pytest.raises(InputError, match=r"topology\.npz, which its checkpoint belongs to, is missing"):
        train(grown[0], folders[0], resume=True)
    assert [load_run(folder).status for folder in folders] == ["done", "done"]
