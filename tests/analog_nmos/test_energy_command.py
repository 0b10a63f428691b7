"""nmos-energy: tables, files and the figure, and what it refuses."""

import json

import numpy as np
import pandas as pd
import pytest

from analog_nmos.deployment import load_trained
from analog_nmos.deployment.energy import energy_of
from analog_nmos.energy.options import CapacitanceOptions
from analog_nmos.energy.report import as_csv, engineering, table
from analog_nmos.tasks.iris import Iris
from analog_nmos.tasks.regression import Regression
from analog_nmos.train import run

MODULE = "analog_nmos.energy_command"
PLAIN = {"plots": False, "quiet": True}


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("energy")
    run(Iris(seed=1, epochs=4, **PLAIN), folder / "iris")
    run(Regression(epochs=2, **PLAIN), folder / "regression")
    return folder


def test_table_files_and_figure(here, made, tmp_path):
    words = ("--node-cap", "2e-12", "--gate-cap", "1e-12", "--samples", 7, "--out", "out", "--plot-format", "svg")
    printed = here(MODULE, made / "iris", *words).out
    trained = load_trained(made / "iris")
    found = energy_of(trained, CapacitanceOptions(node_cap=2e-12, gate_cap=1e-12), 7)
    costs, out = found.inference.costs, tmp_path / "out"
    samples = pd.read_csv(out / "energy.csv")
    assert samples["sample"].tolist() == list(range(7))
    assert samples.power_W.to_numpy() == pytest.approx(costs.power.total_W)
    assert samples.settling_s.to_numpy() == pytest.approx(costs.settling_s)
    assert samples.energy_J.to_numpy() == pytest.approx((samples.power_W * samples.settling_s).to_numpy())
    assert set(samples.accuracy) <= {0, 1}
    parts = samples[["rails_W", "inputs_W", "gates_W", "outputs_W"]].sum(axis=1)
    assert parts.to_numpy() == pytest.approx(costs.power.total_W)
    updates = pd.read_csv(out / "energy_updates.csv")
    assert updates.energy_J.to_numpy() == pytest.approx(found.updates.energy_J)
    edges = pd.read_csv(out / "energy_edges.csv")
    assert (edges.gate_V.to_numpy() == trained.gates.gate_V).all()
    # Nearly all heat is in the transistors: the rest is rshunt's.
    assert edges.power_W.sum() == pytest.approx(samples.power_W.mean(), rel=1e-4)
    facts = json.loads((out / "energy.json").read_text())
    assert facts["means"]["inference power (W)"] == pytest.approx(samples.power_W.mean())
    assert (facts["epoch"], facts["options"]["gate_cap"]) == (trained.epoch, 1e-12)
    assert (out / "energy.svg").stat().st_size > 5_000
    assert "capacitances: 2e-12 F a node, 1e-12 F a gate, none of the card" in printed
    assert f"7 test samples (accuracy {samples.accuracy.mean():.4g})" in printed
    assert engineering(samples.power_W.mean(), "W") in printed


def test_results_lie_in_the_run_and_are_not_replaced_unasked(here, made):
    here(MODULE, made / "regression", "--quiet")
    out = made / "regression" / "energy"
    assert "mse" in pd.read_csv(out / "energy.csv")
    assert "holds results already" in here(MODULE, made / "regression", code=2).err
    here(MODULE, made / "regression", "--force", "--plot-format", "pdf", "--epoch", "last")
    assert not (out / "energy.png").exists()
    assert (out / "energy.pdf").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nowhere",), "nowhere"),
        (("iris", "--epoch", "99"), "has no gate voltages of epoch 99"),
        (("iris", "--samples", "0"), "at least 1"),
        (("iris", "--node-cap", "-1e-12"), "at least 0"),
        (("iris", "--node-cap", "1"), "at most 0.001"),
        (("iris", "--epoch", "best"), "is not selected, last, or a number"),
    ],
)
def test_wrong_words_are_one_line(here, made, words, message):
    answer = here(MODULE, made / words[0], *words[1:], code=2)
    assert answer.err.startswith("error: ")
    assert message in answer.err
    assert answer.err.count("\n") == 1


def test_numbers_for_people():
    assert engineering(5.33e-12, "J") == "5.33 pJ"
    assert engineering(-0.12e-3, "W") == "-120 uW"
    assert engineering(0.0, "s") == "0 s"
    assert engineering(float("nan"), "s") == "-"
    text = table([("a", np.array([1.0, np.nan, 3.0]), "W"), ("none", np.array([np.nan]), "J")])
    assert text.splitlines()[1].split() == ["a", "2", "W", "1", "W", "3", "W"]
    assert text.splitlines()[2].split() == ["none", "-", "-", "-"]
    assert as_csv({"n": np.array([1, 2]), "x": np.array([0.5, np.nan])}) == "n,x\n1,0.5\n2,\n"
