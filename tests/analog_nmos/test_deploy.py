"""The command: tables, files and figures of runs on chips, and what it refuses."""

import json
import re
import signal
import time

import numpy as np
import pandas as pd
import pytest
from waiting import finish, wait_until

from analog_nmos.cards.model_card import default_card_path, read_model_card
from analog_nmos.chips import Mismatch, draw_chip, load_chip
from analog_nmos.deployment import Point, load_trained, measure
from analog_nmos.deployment.spread import spread
from analog_nmos.tasks.iris import Iris
from analog_nmos.tasks.regression import Regression
from analog_nmos.tasks.xor import Xor
from analog_nmos.topology import dense
from analog_nmos.train import run
from common.runs import load_run

MODULE = "analog_nmos.deploy"
PLAIN = {"plots": False, "quiet": True}


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Two chips with much mismatch, and runs on ideal transistors and on the first chip."""
    folder = tmp_path_factory.mktemp("made")
    card = read_model_card(default_card_path())
    for seed in (1, 2):
        chip = draw_chip(dense(10, 3), card, Mismatch(vto_sigma=0.3, kp_sigma=0.2), seed)
        chip.save(folder / f"chip{seed}.npz")
    run(Iris(seed=1, epochs=4, **PLAIN), folder / "plain")
    run(Iris(seed=1, epochs=4, chip=folder / "chip1.npz", **PLAIN), folder / "on_chip")
    run(Xor(seed=1, epochs=2, **PLAIN), folder / "xor")
    run(Regression(epochs=2, **PLAIN), folder / "regression")
    return folder


def deployed(here, *words, code=0):
    return here(MODULE, *words, code=code)


def test_every_chip_beside_ideal_transistors_and_the_own_chip(here, made, tmp_path):
    printed = deployed(here, made / "on_chip", "--chips", str(made / "chip*.npz"), "--out", "out").out
    table = pd.read_csv(tmp_path / "out" / "deploy.csv")
    columns = ["run", "chip", "scale", "with_kp", "read_noise_V", "draw", "repaired_epochs", "accuracy", "failed"]
    assert list(table) == columns
    assert table.chip.tolist() == ["ideal", "own", "chip1", "chip2"]
    by_chip = table.set_index("chip").accuracy
    trained = load_trained(made / "on_chip")
    chips = {"ideal": None} | {name: load_chip(made / f"{name}.npz") for name in ("chip1", "chip2")}
    for name, chip in chips.items():
        [found] = measure(trained, [Point(chip)])
        assert by_chip[name] == found.value
    assert by_chip["own"] == by_chip["chip1"] == load_run(made / "on_chip").result["selected_test_acc"]
    assert f"chip2              {by_chip['chip2']:.4f}" in printed
    mean = np.mean([by_chip["chip1"], by_chip["chip2"]])
    assert re.search(rf"deployed: 2 chips +{mean:.4f} ", printed)
    assert "written to out: deploy.csv, deploy.json" in printed


def test_results_lie_in_the_folder_of_the_run_and_are_not_replaced_unasked(here, made, tmp_path):
    out = made / "plain" / "deploy"
    deployed(here, made / "plain", "--draw-chips", 2, "--scales", "0,1", "--quiet")
    assert (out / "scales.png").exists()
    facts = json.loads((out / "deploy.json").read_text())
    assert facts["chips"]["drawn-1"]["seed"] == 1
    assert facts["runs"]["plain"]["epoch"] == load_run(made / "plain").result["selected_epoch"]
    assert facts["options"]["scales"] == [0.0, 1.0]
    assert "holds results already" in deployed(here, made / "plain", code=2).err
    deployed(here, made / "plain", "--force", "--quiet")
    assert not (out / "scales.png").exists()  # of the earlier call
    assert len(pd.read_csv(out / "deploy.csv")) == 1


def test_mismatch_is_scaled_with_and_without_the_factors_on_kp(here, made, tmp_path):
    chips = ("--chips", made / "chip1.npz", made / "chip2.npz")
    words = (*chips, "--scales", "0,0.5,3", "--without-kp", "--out", "out")
    printed = deployed(here, made / "plain", *words).out
    table = pd.read_csv(tmp_path / "out" / "deploy.csv")
    assert len(table) == 1 + 2 * 2 * 4  # ideal; chips, with and without, at 1 and the three scales
    ideal = table[table.chip == "ideal"].accuracy.item()
    assert (table[table.scale == 0].accuracy == ideal).all()
    trained, chip = load_trained(made / "plain"), load_chip(made / "chip1.npz")
    bare = type(chip)(chip.vto_free_V, chip.vto_clamp_V, np.ones(30), np.ones(30))
    for with_kp, one in ((1, chip), (0, bare)):
        [found] = measure(trained, [Point(one.scaled(3.0))])
        match = (table.chip == "chip1") & (table.scale == 3) & (table.with_kp == with_kp)
        assert table[match].accuracy.item() == found.value
    curve = pd.read_csv(tmp_path / "out" / "scales.csv")
    assert curve.scale.tolist() == [0, 0.5, 3] * 2
    at_3 = table[(table.scale == 3) & (table.with_kp == 1)].accuracy
    assert curve[curve.transistors == "chips"].accuracy.iloc[2] == pytest.approx(at_3.mean())
    assert "times the mismatch  chips" in printed
    assert "without factors on kp: 2 chips" in printed
    assert (tmp_path / "out" / "scales.png").stat().st_size > 10_000


def test_read_noise_has_draws_that_ideal_transistors_share(here, made, tmp_path):
    words = ("--chips", made / "chip1.npz", "--read-noises", "0,0.02,5%", "--draws", 3, "--out", "out")
    deployed(here, made / "plain", *words)
    table = pd.read_csv(tmp_path / "out" / "deploy.csv")
    assert table.groupby("read_noise_V").draw.nunique().to_dict() == {0: 1, 0.02: 3, 0.05: 3}
    points = [Point(None, {"read_noise": "0.02"}, 555_000 + 7919 * draw) for draw in range(3)]
    expected = [one.value for one in measure(load_trained(made / "plain"), points)]
    found = table[(table.chip == "ideal") & (table.read_noise_V == 0.02)]
    assert found.accuracy.tolist() == expected
    curve = pd.read_csv(tmp_path / "out" / "read_noises.csv")
    first = curve[(curve.transistors == "ideal transistors") & (curve.read_noise_V == 0.02)]
    assert first.accuracy.item() == pytest.approx(np.mean(expected))
    assert first.low.item() <= np.mean(expected) <= first.high.item()
    assert (tmp_path / "out" / "read_noises.png").exists()


def test_what_is_lost_is_compared_under_the_same_noise(here, made, tmp_path):
    words = ("--chips", made / "chip1.npz", made / "chip2.npz", "--read-noise", 0.02, "--draws", 4, "--out", "out")
    printed = deployed(here, made / "plain", *words).out
    table = pd.read_csv(tmp_path / "out" / "deploy.csv").pivot(index="chip", columns="draw", values="accuracy")
    lost = 100 * (table.loc["ideal"] - table.loc[["chip1", "chip2"]])
    found = spread(lost.to_numpy().tolist())
    [line] = [line for line in printed.splitlines() if line.startswith("deployed: 2 chips")]
    assert line.endswith(f"2 chips, 4 draws of noise  {found.mean:.2f} ({found.low:.2f} to {found.high:.2f})")


def test_noise_is_that_of_the_run_unless_another_is_given(here, made, tmp_path):
    run(Iris(seed=1, epochs=1, read_noise="3%", **PLAIN), tmp_path / "noisy")
    deployed(here, "noisy", "--out", "own", "--draws", 2)
    deployed(here, "noisy", "--out", "none", "--read-noise", 0, "--draws", 2)
    own, none = (pd.read_csv(tmp_path / name / "deploy.csv") for name in ("own", "none"))
    assert own.read_noise_V.tolist() == [0.03, 0.03]
    assert none.read_noise_V.tolist() == [0.0]


def test_runs_by_chips_are_a_matrix(here, made, tmp_path):
    chips = ("--chips", made / "chip1.npz", made / "chip2.npz")
    printed = deployed(here, made / "plain", made / "on_chip", *chips, "--out", "out").out
    matrix = pd.read_csv(tmp_path / "out" / "matrix.csv").set_index("run")
    assert list(matrix) == ["trained_on", "ideal", "own", "chip1", "chip2"]
    assert matrix.trained_on.to_dict() == {"plain": "ideal", "on_chip": "chip1"}
    assert np.isnan(matrix.own["plain"])
    assert matrix.own["on_chip"] == matrix.chip1["on_chip"]
    table = pd.read_csv(tmp_path / "out" / "deploy.csv").set_index(["run", "chip"]).accuracy
    assert matrix.chip2["plain"] == table["plain", "chip2"]
    assert matrix.chip2["on_chip"] == table["on_chip", "chip2"]
    assert f"{matrix.chip1['on_chip']:.4f}*" in printed
    assert printed.count("*") == 2  # and the line that says what it means
    assert (tmp_path / "out" / "matrix.png").stat().st_size > 10_000
    refused = deployed(here, made / "plain", made / "on_chip", *chips, code=2)
    assert "name it by --out" in refused.err


def test_training_on_the_chips_repairs(here, made, tmp_path):
    chips = ("--chips", made / "chip1.npz", made / "chip2.npz")
    printed = deployed(here, made / "plain", *chips, "--repair-epochs", 3, "--repair-gamma", 2, "--out", "out").out
    table = pd.read_csv(tmp_path / "out" / "deploy.csv")
    of_chips = table[table.chip != "ideal"].pivot(index="chip", columns="repaired_epochs", values="accuracy")
    assert list(of_chips) == [0, 1, 2, 3]
    assert of_chips[3].mean() > of_chips[0].mean()
    assert re.search(rf"repaired by 3 epochs: 2 chips +{of_chips[3].mean():.4f} ", printed)
    assert (tmp_path / "out" / "repair.png").stat().st_size > 10_000
    words = ("--chips", made / "chip2.npz", "--repair-epochs", 3, "--repair-gamma", 2, "--out", "alone")
    deployed(here, made / "plain", *words)
    alone = pd.read_csv(tmp_path / "alone" / "deploy.csv")
    assert alone[alone.chip == "chip2"].accuracy.tolist() == of_chips.loc["chip2"].tolist()


def test_where_answers_are_values_there_is_the_error(here, made, tmp_path):
    printed = deployed(here, made / "regression", "--draw-chips", 2, "--scales", "1,5,20", "--out", "out").out
    table = pd.read_csv(tmp_path / "out" / "deploy.csv")
    result = load_run(made / "regression").result
    assert table[table.chip == "ideal"].mse.item() == pytest.approx(result["final_val_mse"], rel=1e-6)
    assert "times ideal" in printed
    mixed = deployed(here, made / "regression", made / "xor", "--out", "other", code=2)
    assert "is tested by its accuracy, " in mixed.err


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--scales", "1,2"), "need chips; name files by --chips, or --draw-chips"),
        (("--repair-gamma", 1), "--repair-gamma needs --repair-epochs"),
        (("--vto-sigma", 0.1), "--vto-sigma is for chips that are drawn; say how many by --draw-chips"),
        (("--seed", 3), "--seed is for chips that are drawn; say how many by --draw-chips"),
        (("--chips", "no*.npz"), "argument --chips: no*.npz: no such file, and no file matches it"),
        (("--epoch", "best"), "argument --epoch: 'best' is not selected, last, or a number"),
        (("--read-noise", "loud"), "argument --read-noise: 'loud' is not a number"),
        (("--read-noises", "0,loud"), "argument --read-noises: 'loud' is not a number"),
        (("--gate-range", "3:1"), "argument --gate-range: '3:1' must rise"),
        (("--draws", 0), "argument --draws: 0 is out of range"),
        (("--backend", "hspice"), "'hspice' is not one of"),
    ],
)
def test_wrong_options_end_in_one_line_and_write_nothing(here, made, tmp_path, words, error):
    refused = deployed(here, made / "xor", "--out", tmp_path / "out", *words, code=2)
    assert error in refused.err
    assert len(refused.err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_chips_that_do_not_fit_and_names_that_come_twice(here, made, tmp_path):
    refused = deployed(here, made / "xor", "--chips", made / "chip1.npz", code=2)
    assert "xor: chip" in refused.err
    assert "a chip of 30 edges does not fit a topology of 32" in refused.err
    (tmp_path / "chip1.npz").write_bytes((made / "chip1.npz").read_bytes())
    refused = deployed(here, made / "plain", "--chips", made / "chip1.npz", "chip1.npz", code=2)
    assert "rename the file" in refused.err
    assert "comes twice" in deployed(here, made / "xor", made / "xor", "--out", "out", code=2).err
    assert "not a finished run" in _unfinished(here, made, tmp_path)
    assert "RUN" in deployed(here, code=2).err


def _unfinished(here, made, tmp_path):
    text = (made / "xor" / "run_meta.json").read_text()
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "run_meta.json").write_text(text.replace('"result"', '"elsewhere"'))
    return deployed(here, "half", code=2).err


def test_an_interrupt_ends_in_one_line_and_leaves_no_results(start, made, tmp_path):
    process = start(MODULE, made / "xor", "--draw-chips", 2, "--repair-epochs", 1_000_000, "--out", "out")
    wait_until((tmp_path / "out").exists, process)
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    out, err = finish(process, 130)
    assert out == ""
    assert err == "nmos-deploy: interrupted\n"
    assert list((tmp_path / "out").iterdir()) == []


def test_help_names_units_and_defaults(here):
    text = " ".join(deployed(here, "--help").out.split())
    assert "--temp X temperature of the chips (default: as the run was tested) [C]" in text
    assert "draw j has the seed 555000 + 7919 j (default: 5)" in text
    assert "usage: nmos-deploy RUN [RUN ...] [options]" in text
