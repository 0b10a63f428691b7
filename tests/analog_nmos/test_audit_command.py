"""The command: its table and files for all kinds of runs, and what it refuses."""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest

from analog_nmos.audit.components import COMPONENTS
from analog_nmos.auto_prune_trainer import AutoPruneConfig
from analog_nmos.auto_prune_trainer import run as auto_prune
from analog_nmos.cards.model_card import default_card_path
from analog_nmos.dense_trainer_avgappr import PrototypeConfig
from analog_nmos.dense_trainer_avgappr import run as train_prototype
from analog_nmos.rules import QUANTITIES
from analog_nmos.tasks.iris import Iris
from analog_nmos.tasks.xor import Xor
from analog_nmos.train import run

MODULE = "analog_nmos.audit_command"
PLAIN = {"plots": False, "quiet": True}
COLUMNS = ["epoch", "sample", "rule", "component", "cosine", "sign_agreement", "ratio"]
COLUMNS += ["share_off", "share_linear", "share_saturated"]


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """XOR in snapshots of ten epochs, and iris."""
    folder = tmp_path_factory.mktemp("made")
    run(Xor(seed=3, epochs=30, snapshot_every=10, **PLAIN), folder / "xor")
    run(Iris(seed=1, epochs=3, **PLAIN), folder / "iris")
    return folder


def audited(here, *words, code=0):
    return here(MODULE, *words, code=code)


def read(path):
    return pd.read_csv(path, dtype={"sample": str})


def test_a_run_becomes_a_table_arrays_and_a_figure(here, made, tmp_path):
    printed = audited(here, made / "xor", "--epochs", "all", "--out", "out").out
    table = read(tmp_path / "out" / "audit.csv")
    assert list(table) == COLUMNS
    assert list(dict.fromkeys(table.epoch)) == [0, 10, 20, 30]
    assert list(dict.fromkeys(table["sample"])) == ["0", "1", "2", "3", "all"]
    assert list(dict.fromkeys(table.component)) == list(COMPONENTS)
    assert len(table) == 4 * 5 * 5
    np.testing.assert_allclose(table[["share_off", "share_linear", "share_saturated"]].sum(axis=1), 1.0)
    with np.load(tmp_path / "out" / "audit.npz") as found:
        arrays = dict(found)
    assert arrays["update"].shape == (1, 5, 4, 4, 32)
    assert sorted(np.unique(arrays["region"])) == [0, 1, 2]
    np.testing.assert_array_equal(arrays["gate_V"][1], np.load(made / "xor" / "0_vg_unique_epoch10.npy"))
    for line in table[table["sample"] != "all"].itertuples():
        epoch, which = line.epoch // 10, COMPONENTS.index(line.component)
        update, gradient = (
            arrays["update"][0, which, epoch, int(line.sample)],
            arrays["gradient"][epoch, int(line.sample)],
        )
        angle = update @ gradient / np.linalg.norm(update) / np.linalg.norm(gradient)
        assert line.cosine == pytest.approx(angle, abs=1e-12)
        assert line.share_off == (arrays["region"][epoch, int(line.sample)] == 0).mean()
    summed = table[(table["sample"] == "all") & (table.component == "rule")].cosine
    sums = arrays["update"][0, 0].sum(axis=1), arrays["gradient"].sum(axis=1)
    angles = (sums[0] * sums[1]).sum(axis=1) / np.linalg.norm(sums[0], axis=1) / np.linalg.norm(sums[1], axis=1)
    np.testing.assert_allclose(summed, angles, rtol=1e-12)
    facts = json.loads((tmp_path / "out" / "audit.json").read_text())
    assert facts["epochs"][0] == {"epoch": 0, "compared": 4, "skipped": 0, "failed": 0}
    assert facts["rules"]["run"]["quantity"] == "squared-drop"
    assert (tmp_path / "out" / "audit.png").stat().st_size > 10_000
    each = table[(table["sample"] != "all") & (table.component == "rule")].cosine
    shown = next(line.split() for line in printed.splitlines() if line.startswith("run   rule"))
    assert shown[2:4] == [f"{each.mean():.4f}", f"{np.percentile(each, 10):.4f}"]


def test_all_rules_start_from_the_same_states(here, made, tmp_path):
    words = ("--rules", "all", "--epochs", "10,last", "--out", "out", "--plot-format", "svg")
    audited(here, made / "xor", *words)
    table = read(tmp_path / "out" / "audit.csv")
    expected = [name + more for name in QUANTITIES for more in ("", " centred current")]
    assert list(dict.fromkeys(table.rule)) == expected  # the run's own is one of these
    assert list(dict.fromkeys(table.epoch)) == [10, 30]
    exact = table[table.component == "co-content"].pivot_table(
        index=["epoch", "sample"], columns="rule", values="cosine"
    )
    np.testing.assert_array_equal(exact.to_numpy(), exact.to_numpy()[:, :1].repeat(len(expected), axis=1))
    currents = table[table.rule.str.endswith("current")].set_index("component").cosine
    np.testing.assert_allclose(currents["small nudge"], currents["injected"], atol=1e-4)
    rule = table[(table.component == "rule") & (table["sample"] != "all")].groupby("rule").cosine.mean()
    assert rule["vector-field centred current"] > rule["device-aware"] > rule["squared-drop"]
    text = (tmp_path / "out" / "audit.svg").read_text()
    assert "vector-field centred current" in text
    assert not (tmp_path / "out" / "audit.png").exists()


def test_samples_that_do_not_train_are_left_out_and_counted(here, made, tmp_path):
    printed = audited(here, made / "iris", "--epochs", "last", "--samples", "20", "--part", "val", "--out", "out").out
    found = json.loads((tmp_path / "out" / "audit.json").read_text())["epochs"][0]
    assert found["compared"] + found["skipped"] == 20
    assert 0 < found["skipped"] < 20
    assert f"epoch 3, {found['compared']} samples that train; {found['skipped']} that do not are left out" in printed
    table = read(tmp_path / "out" / "audit.csv")
    assert table["sample"].nunique() == found["compared"] + 1


FLAKY = """
import numpy as np
from analog_nmos.backends.base import Solution
from analog_nmos.backends.native import NativeBackend

class Flaky(NativeBackend):
    def solve_clamped(self, input_V, target_V, clamped, mask):
        found = super().solve_clamped(input_V, target_V, clamped, mask)
        bad = (input_V > 0.1).all(axis=1)
        return Solution(np.where(bad[:, None], np.nan, found.node_V), np.where(bad, 1, found.status))
"""


def test_samples_whose_states_are_not_found_are_left_out_and_counted(here, made, tmp_path):
    (tmp_path / "flaky.py").write_text(FLAKY)
    printed = audited(here, made / "xor", "--epochs", "last", "--backend", "flaky:Flaky", "--out", "out").out
    assert "3 samples that train; 1 failed, as a state was not found" in printed
    table = read(tmp_path / "out" / "audit.csv")
    assert list(dict.fromkeys(table["sample"])) == ["0", "1", "2", "all"]
    assert table.cosine.notna().all()


def test_runs_that_were_stopped_are_read_as_far_as_they_came(here, made, tmp_path):
    folder = shutil.copytree(made / "xor", tmp_path / "stopped")
    meta = json.loads((folder / "run_meta.json").read_text())
    meta.pop("result")
    (folder / "run_meta.json").write_text(json.dumps({**meta, "status": "interrupted"}))
    shown = audited(here, folder, code=2).err
    assert "has no selected epoch, as it is interrupted; name last, or a number" in shown
    audited(here, folder, "--epochs", "last,10", "--quiet")
    audited(here, made / "xor", "--epochs", "last,10", "--quiet", "--out", "whole")
    assert (folder / "audit" / "audit.csv").read_bytes() == (tmp_path / "whole" / "audit.csv").read_bytes()


def test_pruned_networks_and_prototypes(here, tmp_path, sparse_network):
    few = {"seed": 1, "epochs": 3, "train_limit": 60, "test_limit": 20, "backend": "native", **PLAIN}
    auto_prune(AutoPruneConfig(vg_cutoff_epochs=1, vg_cutoff_ratio=1.6, **few), tmp_path / "pruned")
    sparse_network.save(tmp_path / "sparse.npz")
    train_prototype(PrototypeConfig(topology=tmp_path / "sparse.npz", **few), tmp_path / "prototype")
    words = ("--epochs", "all", "--samples", "3", "--out", "out", "--quiet")
    audited(here, tmp_path / "pruned", tmp_path / "prototype", *words)
    with np.load(tmp_path / "out" / "pruned" / "audit.npz") as found:
        left = np.isfinite(found["gate_V"]).sum(axis=1)
        assert left[0] == 640 > left[-1]
        updated = np.isfinite(found["gradient"]).any(axis=1)
        np.testing.assert_array_equal(updated, np.isfinite(found["gate_V"]))
    table = read(tmp_path / "out" / "prototype" / "audit.csv")
    assert list(dict.fromkeys(table.epoch)) == [0, 1, 2, 3]
    assert table[table.component == "adjoint"].cosine.to_numpy() == pytest.approx(1.0)
    assert (table[table.component == "rule"].cosine > 0.1).all()


def test_states_of_ngspice_give_the_same_cosines(here, made, tmp_path, needs_ngspice):
    words = (made / "xor", "--epochs", "0,last", "--rules", "run,vector-field", "--quiet", "--out")
    audited(here, *words, "native")
    audited(here, *words, "ngspice", "--backend", "ngspice")
    native, ngspice = (read(tmp_path / name / "audit.csv") for name in ("native", "ngspice"))
    assert len(native) == len(ngspice) == 2 * 5 * 3 * 5
    for name in COLUMNS[4:]:
        np.testing.assert_allclose(ngspice[name], native[name], rtol=2e-5)
    assert not np.array_equal(native.cosine, ngspice.cosine)


def test_a_card_that_native_does_not_model_is_refused(here, tmp_path, needs_ngspice):
    text = re.sub(r"lambda=\S+", "theta=0.1", default_card_path().read_text().replace("level=1", "level=3"))
    (tmp_path / "level3.lib").write_text(text)
    run(Xor(epochs=1, backend="ngspice", model_card=tmp_path / "level3.lib", **PLAIN), tmp_path / "level3")
    shown = audited(here, tmp_path / "level3", "--epochs", "last", code=2).err
    assert shown.startswith("error: the gradient is native's: ")
    assert "level 3" in shown
    assert shown.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--epochs", "best"), "argument --epochs: 'best' is not selected, last, all, or the number of an epoch"),
        (("--epochs", "5"), "has no gate voltages of epoch 5; it has those of 0, 10, 20, 30"),
        (("--rules", "cubed"), "argument --rules: quantity 'cubed' is not one of squared-drop"),
        (("--samples", "0"), "argument --samples: 0 is out of range; it must be at least 1"),
        (("--part", "some"), "argument --part: 'some' is not one of train, val, test"),
        (("--backend", "spectre"), "argument --backend: 'spectre' is not one of"),
    ],
)
def test_wrong_words_end_in_one_line(here, made, words, message, tmp_path):
    shown = audited(here, made / "xor", *words, "--out", "out", code=2).err
    assert message in shown
    assert shown.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_results_are_not_replaced_unasked(here, made, tmp_path):
    words = (made / "xor", "--out", "out", "--quiet")
    audited(here, *words, "--plot-format", "pdf")
    before = (tmp_path / "out" / "audit.csv").read_bytes()
    assert (
        "holds results already; name another folder, or replace them with --force" in audited(here, *words, code=2).err
    )
    audited(here, *words, "--force")
    assert (tmp_path / "out" / "audit.csv").read_bytes() == before
    assert not (tmp_path / "out" / "audit.pdf").exists()


def test_two_runs_of_one_name_need_folders_of_their_own(here, made, tmp_path):
    other = shutil.copytree(made / "xor", tmp_path / "elsewhere" / "xor")
    assert "as those of another run" in audited(here, made / "xor", other, "--out", "out", code=2).err
    assert "no run_meta.json in it" in audited(here, tmp_path / "nothing", code=2).err


def test_epochs_without_a_sample_that_trains_have_no_lines(here, tmp_path):
    run(Iris(seed=1, epochs=20, margin=0.0, **PLAIN), tmp_path / "satisfied")
    words = ("--epochs", "0,last", "--samples", "1", "--out", "out")
    printed = audited(here, tmp_path / "satisfied", *words).out
    assert read(tmp_path / "out" / "audit.csv").empty
    assert "no sample trains: there is nothing to compare" in printed
    assert not (tmp_path / "out" / "audit.png").exists()
    assert audited(here, tmp_path / "satisfied", "--epochs", "0,last", "--samples", "60", "--out", "more").err == ""
    with np.load(tmp_path / "more" / "audit.npz") as found:
        trained = np.isfinite(found["gradient"]).all(axis=2).sum(axis=1)
    table = read(tmp_path / "more" / "audit.csv")
    assert [table[(table.epoch == epoch) & (table.component == "rule")].shape[0] for epoch in (0, 20)] == [
        count + (count > 0) for count in trained
    ]
