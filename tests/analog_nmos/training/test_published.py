"""Names that scripts of the published programs read in our JSON files, and those that a sweep's readers unpack."""

import dataclasses
import json

import numpy as np
import pytest

from analog_nmos import (
    auto_prune_trainer,
    dense_sweep,
    dense_trainer,
    dense_trainer_avgappr,
    dense_trainer_cross_entropy,
    xent_sweep,
)
from analog_nmos.topology import load_topology
from common.cli import build
from common.runs import load_sweep
from common.runs.spec import read_specs
from common.sweeps.axes import chosen_axes
from common.sweeps.folder import make_folder, prepare, settle_specs

TRAINERS = {
    "hinge": dense_trainer,
    "prune": auto_prune_trainer,
    "ce": dense_trainer_cross_entropy,
    "mse": dense_trainer_avgappr,
}
SETTINGS = "seed gamma delta epochs input_vmin input_vmax solver body_tie body_res rs_clamp vg_init"
TRAIN = "acc n_free n_clamp skipped reload_free reload_clamp nonfinite_free nonfinite_clamp"
GATES = "vg_unique_min vg_unique_max vg_unique_sat_lo vg_unique_sat_hi"
GAPS = "test_gap_mean test_gap_median test_gap_std test_satisfy_frac test_hinge_mean"
OWN = {
    "hinge": "margin",
    "prune": "margin model_vto vg_cutoff vg_cutoff_epochs",
    "ce": "softmax_temp loss",
    "mse": "",
}
DIAGNOSTICS = {"hinge": GAPS, "prune": GAPS, "ce": "val_py_true_mean", "mse": "val_mode val_mse_count"}
LOSS = {"hinge": "hinge", "prune": "hinge", "ce": "ce", "mse": "mse"}


@pytest.fixture(scope="module")
def runs(sparse_network, tmp_path_factory):
    """A short run of each trainer."""
    place = tmp_path_factory.mktemp("runs")
    sparse_network.save(place / "sparse.npz")
    few = {"train_limit": 30, "test_limit": 20, "epochs": 2, "topology": place / "sparse.npz", "backend": "native"}
    few |= {"quiet": True, "plots": False, "gamma": 3.0, "vg_init_lo": 0.4, "vg_init_hi": 1.5}
    own = {"prune": {"vg_cutoff_epochs": 1}, "ce": {"softmax_temp": 0.01}}
    configs = {name: build(trainer.EXPERIMENT.config, few | own.get(name, {})) for name, trainer in TRAINERS.items()}
    return {name: (configs[name], rule.run(configs[name], place / name)) for name, rule in TRAINERS.items()}


def read(folder, name):
    return json.loads((folder / name).read_text())


def names(text):
    return set(text.split())


@pytest.mark.parametrize("trainer", TRAINERS)
def test_epoch_summaries(runs, trainer):
    folder = runs[trainer][1]
    found, gate_V = read(folder, "0_epoch_summary_epoch2.json"), np.load(folder / "0_vg_unique_epoch2.npy")
    assert found["epoch"] == 2
    assert names(f"{SETTINGS} {OWN[trainer]} rails device_include_path device_subckt") <= set(found["config"])
    assert found["config"]["rails"] == [0.0, 0.45]
    assert found["config"]["vg_init"] == {"mode": "random", "lo": 0.4, "hi": 1.5, "fixed": 2.0}
    assert found["config"]["device_subckt"] == "NMOSWRAP"
    train, val, loss = found["train"], found["val"], LOSS[trainer]
    assert names(f"{TRAIN} {loss}") <= set(train)
    assert (train["n_free"], train["n_free"] - train["skipped"]) == (30, train["n_clamp"])
    assert train["hinge_active_frac"] == train["hinge_active"] / 30
    assert train[loss] == np.load(folder / f"0_train_{loss}.npy")[1]
    assert (val["acc"], val[loss]) == tuple(np.load(folder / f"0_val_{name}.npy")[2] for name in ("acc", loss))
    assert read(folder, "0_diag_epoch2.json").items() <= val.items()
    assert names("epoch_total train_free train_clamp train_update") <= set(found["timing_s"])
    assert names(GATES) <= set(found["vg_stats"])
    assert found["vg_stats"]["vg_unique_sat_lo"] == float((gate_V <= 0.4).sum())
    assert (found["vg_stats"]["vg_unique_sat_lo"] > 0) == (trainer != "mse")
    assert found.get("mode") == ("proto" if trainer == "mse" else None)
    assert found["config"].get("loss") == ("cross_entropy" if trainer == "ce" else None)
    if trainer == "prune":
        cutoff = [found["config"][name] for name in ("model_vto", "vg_cutoff", "vg_cutoff_epochs")]
        assert cutoff == pytest.approx([0.75, 0.6, 1])


@pytest.mark.parametrize("trainer", TRAINERS)
def test_diagnostics_are_floats(runs, trainer):
    for epoch in (0, 1, 2):
        found = read(runs[trainer][1], f"0_diag_epoch{epoch}.json")
        assert set(found) == names(f"{DIAGNOSTICS[trainer]} val_reloads val_nonfinite")
        if trainer == "mse":
            assert found.pop("val_mode") == ("proto" if epoch == 2 else "onehot")
            assert found["val_mse_count"] == 20
        assert all(type(value) is float for value in found.values())


def test_prototype_diagnostics(runs):
    found = read(runs["mse"][1], "0_proto_diag_epoch2.json")
    with_samples = 10.0 - found["classes_without_prototype"]
    assert [found[name] for name in ("proto_ok", "proto_reloads", "proto_nonfinite")] == [with_samples, 0.0, 0.0]
    assert type(found["proto_ok"]) is float


@pytest.mark.parametrize("trainer", TRAINERS)
def test_run_meta(runs, trainer):
    config, folder = runs[trainer]
    found = read(folder, "run_meta.json")
    assert names(f"{SETTINGS} {OWN[trainer]} script argv timestamp") <= set(found)
    assert (found["dataset"], found["input_shape"]) == ("sklearn_digits", [8, 8])
    assert (found["train_count"], found["test_count"]) == (30, 20)
    assert found["rails"] == {"vminus": 0.0, "vplus": 0.45}
    assert found["vg_init"] == {"mode": "random", "lo": 0.4, "hi": 1.5, "fixed": 2.0}
    assert found["device"]["subckt"] == "NMOSWRAP"
    assert found["device"]["include_path"].endswith("nmos_lvl1_ald1106.lib")
    topology = found["topology"]
    assert [topology[name] for name in ("path", "Nin", "out", "edges")] == [str(config.topology), 64, 10, 60]
    assert "meta" in topology
    if trainer == "mse":
        assert "diagnostics" not in found
        assert found["onehot_hi_v"] == 0.5
        assert all(isinstance(found[name], str) for name in ("epoch0", "epoch1", "epoch2plus"))
    else:
        assert found["diagnostics"] == {"vout_saved": "test", "diode_source_to_vplus": False}
    assert found["config"]["vg_init"] == "random"  # ours


def test_the_start_stays_the_timestamp_of_a_resumed_run(runs):
    config, folder = runs["hinge"]
    meta = read(folder, "run_meta.json")
    (folder / "run_meta.json").write_text(json.dumps(meta | {"timestamp": "2026-01-11T00:00:00+00:00"}))
    TRAINERS["hinge"].run(dataclasses.replace(config, epochs=3), folder, resume=True)
    found = read(folder, "run_meta.json")
    assert (found["timestamp"], found["epochs"]) == ("2026-01-11T00:00:00+00:00", 3)


def test_the_pruned_network(runs):
    folder = runs["prune"][1]
    pruned = load_topology(folder / "topology_final_pruned.npz")
    before = np.load(folder / "0_edge_uid_epoch2.npy").size
    assert pruned.meta["edges"] == pruned.n_edges < before
    cutoff = {"vg_cutoff": pytest.approx(0.6), "vg_cutoff_epochs": 1}
    left = {"removed": before - pruned.n_edges, "remaining": pruned.n_edges}
    assert pruned.meta["auto_prune"] == cutoff | left


def test_a_sweep_tells_its_runs_in_the_published_way(tmp_path):
    specs = xent_sweep.SWEEP.specs(chosen_axes(xent_sweep.SWEEP.config, xent_sweep.SWEEP.axes, None, {"vplus": "0.5"}))
    spec = next(spec for spec in specs if spec.name == "seed0_g0.3_d0.25_T0.001_btfloating_vgrand1to6")
    flat = {"seed": 0, "epochs": 20, "gamma": 0.3, "delta": 0.25, "softmax_temp": 0.001, "body_tie": "floating"}
    flat |= {"vg_init_mode": "random", "vg_fixed": 2.0, "vg_lo": 1.0, "vg_hi": 6.0, "solver": "klu"}
    place = make_folder(tmp_path / "sweep")
    settle_specs(place, specs, {})
    assert read(prepare(place, spec, "t"), "run_spec.json") == flat
    line = json.loads((place / "runspecs.jsonl").read_text().splitlines()[spec.index])
    assert list(line)[: len(flat) + 2] == ["idx", "name", *flat]
    assert line.items() >= (flat | {"idx": spec.index, "name": spec.name}).items()
    assert read_specs(place) == specs
    margin = dense_sweep.SWEEP.specs(chosen_axes(dense_sweep.SWEEP.config, dense_sweep.SWEEP.axes, None, {}))[799]
    assert list(margin.published)[:5] == ["seed", "epochs", "gamma", "delta", "margin"]


def test_a_sweep_of_version_0_1_is_read_and_goes_on(tmp_path):
    specs = dense_sweep.SWEEP.specs(chosen_axes(dense_sweep.SWEEP.config, dense_sweep.SWEEP.axes, None, {"seed": "0"}))
    nested = [{name: getattr(spec, name) for name in ("index", "name", "config", "axes", "group")} for spec in specs]
    (tmp_path / "runspecs.jsonl").write_text("".join(json.dumps(line) + "\n" for line in nested[:5]))
    table = load_sweep(tmp_path)
    assert table["status"].tolist() == ["waiting"] * 5
    assert settle_specs(tmp_path, specs[:6], {}) == specs[:6]
    assert read_specs(tmp_path) == specs[:6]
    assert read(prepare(tmp_path, read_specs(tmp_path)[0], "t"), "run_spec.json") == specs[0].published
    assert load_sweep(tmp_path).drop(columns="status").iloc[:5].equals(table.drop(columns="status"))
