"""`magnetoionic-figures` and the notebook, on small simulations."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import magnetoionic
from common.errors import InputError
from magnetoionic.config import TrainConfig
from magnetoionic.figures.accuracy import summary
from magnetoionic.figures.table import read_table
from magnetoionic.main import run

pytestmark = pytest.mark.usefixtures("foreign_settings")

ROOT = Path(__file__).parents[2]
NOTEBOOK = Path(magnetoionic.__file__).parent / "magnetoionic-figures.ipynb"
COMMAND = "magnetoionic.figures_command"


@pytest.fixture(scope="module")
def simulations(tmp_path_factory):
    """Two fields, two learning rates, two models of one epoch."""
    parent = tmp_path_factory.mktemp("figures") / "simulations"
    for field in ("double-linear", "double-exponential"):
        for lr in (500.0, 1000.0):
            config = TrainConfig(
                field=(field,), lr=lr, task="digits", layers=(16,), batch_size=32, epochs=2, n_models=2, quiet=True
            )
            run(config, parent / f"{field}-{lr:g}")
    return parent


def accuracy_of(simulations, field, lr):
    facts = [json.loads(path.read_text()) for path in simulations.rglob("*-[01].json")]
    rules = [(one["optimizer_parameters"]["field"], one["optimizer_parameters"]["lr"]) for one in facts]
    return np.mean([one["accuracy"] for one, rule in zip(facts, rules, strict=True) if rule == ([field], lr)])


def test_every_figure_in_every_format_and_the_table(here, simulations, tmp_path):
    out = here(COMMAND, simulations).out
    target = next((tmp_path / "figures").iterdir())
    stems = ("accuracy", "device_curves", "weights")
    wanted = {f"{stem}.{ending}" for stem in stems for ending in ("pdf", "svg", "png")} | {"accuracies.csv"}
    setting = "digits-layers-16-epochs-2-var-0.2-clipping-0-resistor-0"
    wanted.add(f"learning-rate-{setting}.pdf")
    for field in ("double-linear", "double-exponential"):
        mean = accuracy_of(simulations, field, 500.0)
        wanted.add(f"weights-{field}-learning-rate-500-{setting}-{mean:.2f}.pdf")
    assert {path.name for path in target.iterdir()} == wanted
    assert all(path.stat().st_size > 300 for path in target.iterdir())
    assert out.count("(2 models)") == 4
    table = pd.read_csv(target / "accuracies.csv")
    assert len(table) == 8
    for path in simulations.rglob("*-1.json"):
        facts = json.loads(path.read_text())
        rule = facts["optimizer_parameters"]
        row = table[(table.field == rule["field"][0]) & (table.lr == rule["lr"]) & (table.seed == 101)].iloc[0]
        assert row.accuracy == pytest.approx(facts["accuracy"], rel=1e-5)
        assert row.swap_accuracy == pytest.approx(facts["swap_accuracy"], rel=1e-5)
    means = summary(read_table([simulations]))
    one = table[(table.field == "double-linear") & (table.lr == 500)]
    assert means.query("field == 'double-linear' and lr == 500")["accuracy"].item() == pytest.approx(
        one.accuracy.mean(), rel=1e-5
    )
    assert (means["models"] == 2).all()
    # The table alone draws the same, without weights.
    here(COMMAND, target, "--out", "again", "--quiet")
    assert not (tmp_path / "again" / "weights.png").exists()
    assert (tmp_path / "again" / "accuracies.csv").read_text() == (target / "accuracies.csv").read_text()
    again = summary(read_table([tmp_path / "again"]))
    assert again["relaxed"].tolist() == pytest.approx(means["relaxed"].tolist(), rel=1e-8)


def test_wrong_folders(here, tmp_path):
    assert "folder nowhere: no such folder" in here(COMMAND, "nowhere", code=2).err
    (tmp_path / "empty").mkdir()
    assert "no simulation in it" in here(COMMAND, "empty", code=2).err
    (tmp_path / "empty" / "accuracies.csv").write_text("task,lr\nMNIST,5\n")
    with pytest.raises(InputError, match="no column accuracy"):
        read_table([tmp_path / "empty"])
    assert not (tmp_path / "figures").exists()


@pytest.mark.slow
def test_the_notebook_runs_and_draws(notebook, simulations, tmp_path, monkeypatch):
    monkeypatch.setenv("MAGNETOIONIC_SIMULATIONS", os.fspath(simulations))
    assert notebook(NOTEBOOK).images == 3
    assert len(list((tmp_path / "figures").glob("*/*.svg"))) == 3
