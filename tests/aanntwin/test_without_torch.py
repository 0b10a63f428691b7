"""The compiled engine without torch: the same initial weights, pixels and files, bit for bit."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from aanntwin.arrays import as_arrays, as_tensors, safe_arrays, safe_content
from aanntwin.compiled_model import pixel_table
from aanntwin.config import ModelParams, Normalization, Settings
from aanntwin.initial import initial_arrays
from aanntwin.layers import Normalize
from aanntwin.model import build_model
from common.errors import InputError

SHAPES = [
    ModelParams(),
    ModelParams(conv_out_channels=7, kernel_size=5, stride=1, padding=0, pool_size=3, additional_layers=(33, 1, 16)),
    ModelParams(conv_out_channels=1, kernel_size=1, stride=1, padding=0),
]


@pytest.mark.parametrize("seed", [0, 1, 42, 2**31, 2**32 - 1, 2**32, 2**32 + 42, 987654321987, 2**63 - 1])
@pytest.mark.parametrize("dataset", ["MNIST", "CIFAR10"])
def test_initial_weights_are_those_that_torch_draws(seed, dataset):
    for params in SHAPES:
        if dataset == "CIFAR10" and params.pool_size > 1:
            continue
        settings = Settings(dataset_name=dataset, seed=seed, model_params=params)
        wanted, found = build_model(settings).weights(), initial_arrays(settings)
        assert list(found) == list(wanted)
        for name, value in wanted.items():
            assert found[name].dtype == np.float32
            np.testing.assert_array_equal(found[name], value.numpy(), err_msg=name)


@pytest.mark.parametrize("ends", [(0, 1, 0, 1), (-0.4, 0.8, 0.1, 0.9), (-1, 1, 0, 1), (1 / 3, 7, 0.7, -0.1)])
def test_pixels_are_normalized_as_by_the_layer(ends):
    low_out, high_out, low_in, high_in = ends
    with torch.no_grad():
        wanted = Normalize(low_out, high_out, low_in, high_in)(torch.arange(256, dtype=torch.float32) / 255)
    scale = Normalization(min_out=low_out, max_out=high_out, min_in=low_in, max_in=high_in)
    np.testing.assert_array_equal(pixel_table(scale), wanted.numpy())


def test_files_of_arrays_and_of_tensors_have_the_same_bytes():
    arrays = initial_arrays(Settings(seed=3, model_params=SHAPES[1]))
    metadata = {"loss": "0.5"}
    content = safe_content(arrays, metadata)
    assert content == safe_content(as_tensors(arrays), metadata)
    found, words = safe_arrays(content, "file")
    assert words == metadata
    assert found.keys() == arrays.keys()
    assert all(np.array_equal(found[name], arrays[name]) for name in arrays)
    assert all(value.flags.writeable for value in found.values())


def test_damaged_content_is_refused():
    content = safe_content(initial_arrays(Settings()), {})
    doubles = safe_content({"x": torch.zeros(3, dtype=torch.float64)}, {})
    for wrong in (b"", b"PK", content[:7], content[:100], content[:-1], b"\xff" * 200, doubles):
        with pytest.raises(InputError, match="file"):
            safe_arrays(wrong, "file")


def test_tensors_of_other_types_become_single_precision():
    values = {"a": torch.ones(2, dtype=torch.bfloat16), "b": torch.ones(2, 3).T.requires_grad_()}
    found = as_arrays(values)
    assert {value.dtype for value in found.values()} == {np.dtype(np.float32)}
    assert found["b"].flags.c_contiguous


RUN = """
import sys
from aanntwin.main import main
options = ["--dataset_name", "digits", "--train_params_momentum", "0.5", "--cache_dir", "models", "--quiet"]
files = ["--output_path", "twin.safetensors", "--export_csv", "twin.csv", "--export_spice", "twin.sp"]
assert main([*options, *files, "--count_epoch", "1", "--run_dir", "first"]) == 0  # trains
assert main([*options, "--count_epoch", "1", "--run_dir", "second"]) == 0  # reads the cache
assert main([*options, "--count_epoch", "2", "--run_dir", "third"]) == 0  # goes on from it
print("torch" in sys.modules)
"""


def test_a_training_a_cached_one_and_one_that_goes_on_load_no_torch(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = subprocess.run([sys.executable, "-c", RUN], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "False"
    assert {"twin.safetensors", "twin.csv", "twin.sp"} <= {path.name for path in tmp_path.iterdir()}
