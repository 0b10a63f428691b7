"""Weight files of ours and of the published program, and what is written for other programs."""

import csv
import pickle
import re

import numpy as np
import pytest
import torch

from aanntwin.config import ModelParams
from aanntwin.export import COLUMNS, export_csv, export_spice
from aanntwin.model import build_model
from aanntwin.weights import layer_names, load_model_params, load_weights, model_params_of, save_weights
from common.errors import InputError

PARAMS = ModelParams(conv_out_channels=3, kernel_size=4, stride=4, padding=0, additional_layers=(12, 11))


@pytest.fixture
def weights(digits):
    return build_model(digits.replace(model_params=PARAMS)).weights()


def assert_same(found, weights):
    assert list(found) == list(weights)
    assert all(torch.equal(found[name], value) for name, value in weights.items())


def test_there_and_back(weights, tmp_path):
    path = tmp_path / "model.safetensors"
    save_weights(path, weights, PARAMS)
    assert_same(load_weights(path), weights)
    assert load_model_params(path) == PARAMS
    assert layer_names(weights) == ["conv2d", "additional_linear_0", "additional_linear_1", "linear"]
    assert model_params_of(weights, stride=4, padding=0) == PARAMS
    save_weights(path, weights)
    assert load_model_params(path) is None


def test_published_files_with_names_or_numbers(weights, tmp_path):
    torch.save(weights, tmp_path / "named.pth")
    assert_same(load_weights(tmp_path / "named.pth"), weights)
    # A sequence of layers in which those without weights count too.
    numbers = {"conv2d": 2, "additional_linear_0": 6, "additional_linear_1": 8, "linear": 10}
    numbered = {}
    for name, value in weights.items():
        layer, kind = name.rsplit("_", 1)
        numbered[f"layers.{numbers[layer]}.{kind}"] = value
    torch.save(numbered, tmp_path / "numbered.pth")
    assert_same(load_weights(tmp_path / "numbered.pth"), weights)


class Evil:
    def __reduce__(self):
        return (open, ("pwned", "w"))


def test_bad_files_are_one_line_errors(weights, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.safetensors").write_text("hello")
    (tmp_path / "evil.pth").write_bytes(pickle.dumps(Evil(), 2))
    torch.save([1, 2], "list.pth")
    torch.save({"layers.1.gain": torch.zeros(2)}, "names.pth")
    save_weights("missing.safetensors", {name: v for name, v in weights.items() if name != "conv2d_bias"})
    save_weights("chain.safetensors", {**weights, "linear_weight": torch.zeros(10, 5)})
    torch.save(weights, "whole.pth")
    (tmp_path / "cut.pth").write_bytes((tmp_path / "whole.pth").read_bytes()[:-200])
    for name, words in {
        "nothing.safetensors": "no such file", "text.safetensors": "neither", "evil.pth": "no PyTorch file",
        "list.pth": "of type list", "names.pth": "is not the name", "missing.safetensors": "conv2d_bias is missing",
        "chain.safetensors": "linear takes 5 inputs, not 11", "cut.pth": "damaged PyTorch file",
    }.items():  # fmt: skip
        with pytest.raises(InputError, match=words):
            load_weights(name)
    assert not (tmp_path / "pwned").exists()


def test_the_table_gives_back_every_number(weights, tmp_path):
    export_csv(tmp_path / "w.csv", weights)
    with open(tmp_path / "w.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == COLUMNS
    found = {name: np.full(value.shape, np.nan, np.float32) for name, value in weights.items()}
    for row in rows:
        index = tuple(int(row[name]) for name in ("output", "input", "row", "column") if row[name])
        found[f"{row['layer']}_{row['kind']}"][index] = np.float32(row["value"])
    assert all(np.array_equal(found[name], value.numpy()) for name, value in weights.items())


def test_the_spice_file_has_a_parameter_for_every_number(weights, tmp_path):
    export_spice(tmp_path / "w.sp", weights)
    lines = (tmp_path / "w.sp").read_text().splitlines()
    parameters = [re.fullmatch(r"\.param (\w+)=(\S+)", line) for line in lines if not line.startswith("*")]
    values = {match[1]: float(match[2]) for match in parameters}
    assert len(values) == len(parameters) == sum(value.numel() for value in weights.values())
    assert np.float32(values["conv2d_w_2_0_1_3"]) == weights["conv2d_weight"][2, 0, 1, 3].item()
    assert np.float32(values["additional_linear_1_w_4_11"]) == weights["additional_linear_1_weight"][4, 11].item()
    assert np.float32(values["linear_b_9"]) == weights["linear_bias"][9].item()
    weights["linear_bias"][0] = np.inf
    with pytest.raises(InputError, match="finite"):
        export_spice(tmp_path / "w.sp", weights)
