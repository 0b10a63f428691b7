"""The recipe of a device field: a training, a switch that is interrupted and resumed, a sweep, a table, figures."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from common.runs import load_run, load_sweep

WORD = "polymer:Logarithmic"


def test_a_field_of_one_file(recipe, tmp_path):
    field = recipe("A device field")
    train, sweep, table, figures = field.commands
    field.run(train)
    [folder] = (tmp_path / "simulations").iterdir()
    assert "-digits-Logarithmic-500.0-var-" in folder.name
    record = load_run(folder)
    assert record.result["final_test_acc"] > 0.7
    facts = json.loads((folder / f"{folder.name}-0.json").read_text())
    assert facts["optimizer_parameters"]["field"] == [WORD]
    assert record.meta["plugins"] == {WORD: str(tmp_path / "polymer.py")}
    ratio = 0.15 * np.log(41.0) / 0.567  # it has no published one
    assert record.meta["relaxation_ratio"] == pytest.approx(ratio, rel=1e-6)
    weights = torch.load(folder / f"{folder.name}-0.pth", weights_only=True)
    for device in (weights["layers.1.weight1"], weights["layers.1.weight2"]):
        assert 2.7 - 0.15 * np.log(41.0) - 1e-6 <= float(device.min()) < float(device.max()) <= 2.7 + 1e-6

    assert "2 of 2 runs done, 0 failed" in field.run(sweep)
    runs = load_sweep(tmp_path / "devices")
    assert [name[9:] for name in runs["run"]] == ["double-linear_lr500", "Logarithmic_lr500"]
    assert (runs["final_test_acc"] > 0.7).all()
    assert "Logarithmic" in field.run(table)

    assert "polymer:Logarithmic lr 500" in field.run(figures)
    drawn = tmp_path / "figures" / "devices"
    assert "#882255" in (drawn / "accuracy.svg").read_text()
    assert "#882255" in (drawn / "device_curves.svg").read_text()
    assert (drawn / "weights-Logarithmic.svg").is_file()
    assert set(pd.read_csv(drawn / "accuracies.csv")["field"]) == {"double-linear", WORD}
    (tmp_path / "polymer.py").unlink()  # figures are drawn from files alone, too
    assert "drawn without its label and colour" in field.run("magnetoionic-figures figures/devices --out figures/again")


@pytest.mark.slow
def test_a_switch_to_it_is_resumed_to_the_same_numbers_from_another_folder(recipe, tmp_path):
    field = recipe("A device field")
    words = (
        f"magnetoionic-train --field double-exponential {WORD} --task digits --batch_size 32 --layers 16 --n_models 1"
    )
    words += " --lr 500 --epochs 12 --resistor_noise 0.015 --quiet"
    field.run(f"{words} --run-dir whole")
    assert "go on with --resume cut" in field.interrupt(f"{words} --run-dir cut", "cut", 6)
    assert load_run(tmp_path / "cut").status == "interrupted"
    (tmp_path / "elsewhere").mkdir()
    replace(field, folder=tmp_path / "elsewhere").run("magnetoionic-train --resume ../cut --quiet")
    whole, cut = (torch.load(tmp_path / name / f"{name}-0.pth", weights_only=True) for name in ("whole", "cut"))
    assert whole.keys() == cut.keys()
    assert all(torch.equal(whole[name], cut[name]) for name in whole)
    metrics = [load_run(tmp_path / name).metrics.drop(columns="epoch_s") for name in ("whole", "cut")]
    assert metrics[0].equals(metrics[1])
    assert metrics[0]["field"].tolist() == ["double-exponential"] * 6 + [WORD] * 6


def test_what_is_no_field_is_refused_in_one_line(recipe, tmp_path):
    field = recipe("A device field")
    for name, text in (
        ("polymer:Cubic", "no Cubic in polymer"),
        ("polymers:Cubic", "no module polymers"),
        ("polymer:np", "is not of type magnetoionic.devices.field.Device"),
    ):
        printed = field.run(f"magnetoionic-train --field {name}", code=2)
        assert printed.startswith("error: argument --field: field ")
        assert text in printed
        assert printed.count("\n") == 1
    assert not (tmp_path / "simulations").exists()
