"""Weights in figures: measured devices in the unit of their file, and files that hold something else."""

import json
import random

import numpy as np
import pytest
import torch

from common.errors import InputError
from magnetoionic.figures.histograms import by_unit, draw, read_weights
from magnetoionic.figures.table import read_table


def devices(unit=1.0):
    rng = np.random.default_rng(1)
    values = {f"layers.{n}.weight{k}": torch.tensor(unit * rng.random((4, 5))) for n in (1, 4) for k in (1, 2)}
    return values | {"layers.2.running_mean": torch.zeros(4), "layers.2.num_batches_tracked": torch.tensor(3)}


def test_each_measured_device_has_a_figure_of_its_own(tmp_path):
    labels = ("double-linear, learning rate 5", "double-exponential", "measured a.csv spline, learning rate 5",
              "double-linear+measured b.csv spline", "measured a.csv spline+double-linear")  # fmt: skip
    for number, label in enumerate(labels):
        torch.save(devices(1e-9 if "measured" in label else 1.0), tmp_path / f"{number}.pth")
    models = {label: read_weights(tmp_path / f"{number}.pth") for number, label in enumerate(labels)}
    found = by_unit(models)
    assert {stem: list(group) for stem, group in found.items()} == {
        "weights": [labels[0], labels[1], labels[4]],
        "weights-measured-a.csv-spline": [labels[2]],
        "weights-double-linear-measured-b.csv-spline": [labels[3]],
    }
    axes = draw(found["weights-measured-a.csv-spline"]).axes
    assert len(axes) == 4
    assert 0 < axes[0].dataLim.x1 < 2e-9
    assert by_unit({}) == {}


def test_a_table_tells_measured_devices_and_their_fits_apart(tmp_path):
    facts = {
        "task": "digits", "layers": [8], "epochs": 1, "resistor_noise": 0.0, "seed": 1, "compat": None,
        "accuracy": 50.0, "swap_accuracy": 40.0,
    }  # fmt: skip
    rule = {"clipping": 0.0, "device_variability": 0.0, "physical_clipping": False, "field": ["measured"], "lr": 1.0}
    for number, (file, fit, scaled) in enumerate(
        [("a.csv", "spline", True), ("a.csv", "linear", True), ("b$,1.csv", "spline", True), ("a.csv", "spline", False)]
    ):
        device = {"file": file, "fit": fit, "scaled": scaled, "unit": 1.0, "offset": 0.0}
        folder = tmp_path / str(number)
        folder.mkdir()
        text = json.dumps(facts | {"optimizer_parameters": rule, "device_curve": device})
        (folder / "run-0.json").write_text(text)
    assert sorted(read_table([tmp_path])["field"]) == [
        "measured a.csv linear", "measured a.csv spline", "measured a.csv spline unscaled", "measured b--1.csv spline",
    ]  # fmt: skip


ODD = {
    "sparse": lambda tensor: tensor.to_sparse(),
    "quantized": lambda tensor: torch.quantize_per_tensor(tensor.float(), 0.1, 0, torch.quint8),
    "complex": lambda tensor: tensor.to(torch.complex64),
    "integers": lambda tensor: tensor.to(torch.int32),
    "a row": lambda tensor: tensor[0],
    "empty": lambda tensor: tensor[:0],
    "NaN": lambda tensor: tensor * float("nan"),
    "meta": lambda tensor: tensor.to("meta"),
    "a number": lambda tensor: 3.0,
    "another shape": lambda tensor: tensor[:2],
}


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")  # torch's, of saving such tensors
def test_tensors_of_other_kinds_are_refused_in_a_line(tmp_path, kind):
    arrays = devices()
    arrays["layers.4.weight2"] = ODD[kind](arrays["layers.4.weight2"])
    torch.save(arrays, tmp_path / "odd.pth")
    with pytest.raises(InputError, match=r"weights .*odd\.pth: ") as caught:
        read_weights(tmp_path / "odd.pth")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [{}, [1], None, {"layers.x.weight": torch.zeros(2, 2)}, {3: torch.zeros(2, 2)}])
def test_other_content_is_refused_in_a_line(tmp_path, content):
    torch.save(content, tmp_path / "odd.pth")
    with pytest.raises(InputError, match=r"allowed: tensors"):
        read_weights(tmp_path / "odd.pth")
    with pytest.raises(InputError, match="is a folder"):
        read_weights(tmp_path)


def test_damaged_weights_are_read_or_refused_and_nothing_else(tmp_path):
    """200 files with some bytes changed, a piece lost, or cut off."""
    torch.save(devices(), tmp_path / "whole.pth")
    whole, chance = (tmp_path / "whole.pth").read_bytes(), random.Random(7)
    messages = []
    for _ in range(200):
        damaged, at = bytearray(whole), chance.randrange(len(whole))
        kind = chance.randrange(3)
        if kind == 0:
            for _ in range(chance.randrange(1, 9)):
                damaged[chance.randrange(len(whole))] = chance.randrange(256)
        elif kind == 1:
            del damaged[at : at + chance.randrange(1, 200)]
        else:
            del damaged[at:]
        (tmp_path / "damaged.pth").write_bytes(damaged)
        try:
            read_weights(tmp_path / "damaged.pth")
        except InputError as problem:
            messages.append(str(problem))
    assert len(messages) > 100
    assert not any("\n" in message for message in messages)
