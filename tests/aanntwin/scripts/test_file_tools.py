"""The tools that take a weight file: what they print, write and refuse."""

import csv
import io
import sys

import numpy as np
import pytest
import torch
from waiting import finish

from aanntwin.config import Nonidealities, Settings
from aanntwin.data import brightness, load_split
from aanntwin.model import build_model
from aanntwin.quantization import quantize
from aanntwin.weights import load_model_params, load_weights, save_weights

SCRIPTS = "aanntwin.scripts."
DIGITS = ("--dataset_name", "digits")


def logits_of(settings, weights, images):
    model = build_model(settings, Nonidealities())
    model.load_weights(weights)
    with torch.no_grad():
        return model(brightness(images))


def test_quantize_changes_the_weights_and_keeps_the_rest(here, trained, weight_file, tmp_path):
    settings, weights = trained
    done = here(SCRIPTS + "quantize", weight_file, "out.safetensors", 3, 2.0, 2, 1.5)
    found = load_weights(tmp_path / "out.safetensors")
    for layer, bits, deviations in (("conv2d", 3, 2.0), ("additional_linear_0", 2, 1.5), ("linear", 2, 1.5)):
        tensor = weights[f"{layer}_weight"]
        full_scale = deviations * float(np.std(tensor.numpy().astype(float), ddof=1))
        np.testing.assert_allclose(found[f"{layer}_weight"], quantize(tensor, bits, full_scale), rtol=1e-6)
        assert torch.equal(found[f"{layer}_bias"], weights[f"{layer}_bias"])
        assert layer in done.out
    assert load_model_params(tmp_path / "out.safetensors") == settings.model_params
    here(SCRIPTS + "quantize", weight_file, weight_file, 3, 2.0, 0, 1.5, "--with_zero")  # into itself
    found = load_weights(weight_file)
    assert (found["conv2d_weight"] == 0).any()
    assert not found["linear_weight"].any()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("none.safetensors", "out", 3, 2, 3, 2), "no such file"),
        (("weights.safetensors", "out", -1, 2, 3, 2), "'-1' is not a whole number of 0 or more"),
        (("weights.safetensors", "out", 17, 2, 3, 2), "bits are 17, allowed: whole numbers from 0 to 16"),
        (("weights.safetensors", "out", 3, 0, 3, 2), "'0' is not a number above 0"),
        (("weights.safetensors", "out", 3, 2, 3), "required: linear_ref"),
    ],
)
def test_quantize_refuses(here, weight_file, tmp_path, words, message):
    done = here(SCRIPTS + "quantize", *words, code=2)
    assert done.err.startswith("error: ")
    assert message in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_quantize_runs_as_a_file(python, weight_file, tmp_path):
    import aanntwin.scripts.quantize as module

    process = python(module.__file__, weight_file, "out.safetensors", 4, 3, 4, 3)
    out, _ = finish(process, 0)
    assert "weights in out.safetensors" in out


def test_analyze_weights_against_numpy(here, trained, weight_file):
    _, weights = trained
    rows = list(csv.DictReader(io.StringIO(here(SCRIPTS + "analyze_weights", weight_file, "--format", "csv").out)))
    expected = 0
    for name, tensor in weights.items():
        parts = {"all": tensor} | ({str(i): part for i, part in enumerate(tensor)} if tensor.ndim > 1 else {})
        for channel, part in parts.items():
            (row,) = [row for row in rows if (row["tensor"], row["channel"]) == (name, channel)]
            sizes = np.abs(part.numpy().astype(float)).ravel()
            wanted = [sizes.min(), sizes.mean(), np.median(sizes), sizes.max(), sizes.std(ddof=1), sizes.sum()]
            found = [float(row[key]) for key in ("min", "mean", "median", "max", "std", "sum")]
            np.testing.assert_allclose(found, wanted, rtol=1e-5)
            assert (int(row["count"]), int(row["unique"])) == (sizes.size, len(np.unique(sizes)))
            expected += 1
    assert len(rows) == expected


def test_test_only_prints_what_the_layered_model_gives(here, trained, weight_file):
    settings, weights = trained
    images, labels = load_split(settings, train=False)
    logits = logits_of(settings, weights, images)
    truth = torch.from_numpy(labels.copy())
    loss = float(torch.nn.functional.cross_entropy(logits, truth))
    accuracy = float((logits.argmax(1) == truth).double().mean())
    assert accuracy > 0.7
    done = here(SCRIPTS + "test_only", weight_file, *DIGITS)
    first, second = done.out.splitlines()
    assert first.startswith("Average Loss:  ")
    assert float(first.split()[-1]) == pytest.approx(loss, abs=2e-6)
    assert second == f"Accuracy:      {accuracy:.4%}"
    noisy = here(SCRIPTS + "test_only", weight_file, *DIGITS, "--nonidealities_linear_out_noise", 5, "--runs", 2)
    assert len(set(noisy.out.splitlines()[::2])) == 2  # runs have draws of their own


def test_test_only_reads_a_group_from_json(here, weight_file, tmp_path):
    (tmp_path / "n.json").write_text('{"linear_input_clip": 0.01}')
    by_file = here(SCRIPTS + "test_only", weight_file, *DIGITS, "--nonidealities_json", "n.json").out
    by_option = here(SCRIPTS + "test_only", weight_file, *DIGITS, "--nonidealities_linear_input_clip", 0.01).out
    assert by_file == by_option != here(SCRIPTS + "test_only", weight_file, *DIGITS).out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "required: FILE"),
        (("weights.safetensors", *DIGITS, "--model_params_stride", 2), "stride is 2, but"),
        (("weights.safetensors", *DIGITS, "--model_params_kernel_size", 2), "FILE decides it"),
        (("weights.safetensors", "--dataset_name", "CIFAR10", "--data_root", "x"), "takes 1 channels"),
        (("weights.safetensors", *DIGITS, "--nonidealities_input_noise", -1), "at least 0"),
    ],
)
def test_test_only_refuses(here, weight_file, words, message):
    done = here(SCRIPTS + "test_only", *words, code=2)
    assert message in done.err
    assert done.err.count("\n") == 1


def test_a_file_without_metadata_needs_its_shape(here, trained, tmp_path):
    _, weights = trained
    save_weights(tmp_path / "bare.safetensors", weights)
    refused = here(SCRIPTS + "test_only", "bare.safetensors", *DIGITS, code=2)
    assert "error" in refused.err
    shape = ("--model_params_stride", 4, "--model_params_padding", 2)
    assert "Accuracy" in here(SCRIPTS + "test_only", "bare.safetensors", *DIGITS, *shape).out


def test_normalize_keeps_the_logits_up_to_one_factor(here, trained, weight_file, tmp_path):
    settings, weights = trained
    done = here(SCRIPTS + "normalize", weight_file, *DIGITS, "--reference", 0.5, "--output_path", "n.safetensors")
    images, _ = load_split(settings, train=True)
    before = logits_of(settings, weights, images)
    after = logits_of(settings, load_weights(tmp_path / "n.safetensors"), images)
    factor = float(before.max() / after.max())
    assert factor > 0
    np.testing.assert_allclose(after * factor, before, rtol=1e-4, atol=1e-4)
    assert float(after.max()) == pytest.approx(0.5, rel=1e-5)
    rows = [line.split() for line in done.out.splitlines()[1:4]]
    assert [row[0] for row in rows] == ["conv2d", "additional_linear_0", "linear"]
    assert [float(row[4]) for row in rows] == pytest.approx([0.5] * 3, rel=1e-4)
    accuracies = [line for line in done.out.splitlines() if line.startswith("Accuracy")]
    assert accuracies[0] == accuracies[1]


def test_normalize_takes_a_reference_per_layer(here, weight_file):
    done = here(SCRIPTS + "normalize", weight_file, *DIGITS, "--reference", 1, 2, 3)
    assert [float(line.split()[5]) for line in done.out.splitlines()[1:4]] == [1, 2, 3]
    refused = here(SCRIPTS + "normalize", weight_file, *DIGITS, "--reference", 1, 2, code=2)
    assert "conv2d, additional_linear_0, linear" in refused.err


def test_generate_csv_against_a_search_of_its_own(here):
    rows = list(csv.DictReader(io.StringIO(here(SCRIPTS + "generate_csv").out)))
    expected = set()
    for c in (1, 2, 4, 8, 16, 32, 64, 128):
        for k in range(1, 8):
            for s in range(1, 8):
                for p in range(k):
                    conv = (28 + s + 2 * p - k) / s
                    for pool in range(1, 8):
                        if conv == int(conv) and conv % pool == 0:
                            side = int(conv) // pool
                            macs = side * side * c
                            expected.add((c, k, s, p, pool, int(conv), side, macs, macs + 10, macs * (k * k + 10)))
    assert {tuple(int(cell) for cell in row.values()) for row in rows} == expected
    costs = [int(row["multipliers"]) for row in rows]
    assert costs == sorted(costs)


def test_test_bits_table_holds_the_layered_model(here, trained, weight_file, tmp_path):
    settings, weights = trained
    words = ("--layer", "additional_linear_0", "--output_path", "bits.csv")
    done = here(SCRIPTS + "test_bits", weight_file, *DIGITS, *words)
    rows = list(csv.DictReader((tmp_path / "bits.csv").read_text().splitlines()))
    assert len(rows) == 30
    assert list(rows[0]) == ["full scale", *(f"{bits} bits" for bits in range(8)), "clipped"]
    images, labels = load_split(settings, train=False)
    tensor = weights["additional_linear_0_weight"]
    for row, bits in ((rows[4], 2), (rows[29], 7), (rows[0], 0)):
        full_scale = float(row["full scale"]) * float(tensor.double().std())
        changed = {**weights, "additional_linear_0_weight": quantize(tensor, bits, full_scale)}
        guesses = logits_of(settings, changed, images).argmax(1).numpy()
        assert float(row[f"{bits} bits"]) == pytest.approx((guesses == labels).mean(), abs=1e-4)
    clipped = {**weights, "additional_linear_0_weight": tensor.clamp(-0.5 * tensor.std(), 0.5 * tensor.std())}
    guesses = logits_of(settings, clipped, images).argmax(1).numpy()
    assert float(rows[4]["clipped"]) == pytest.approx((guesses == labels).mean(), abs=1e-4)
    assert (tmp_path / "bits.png").read_bytes().startswith(b"\x89PNG")
    assert "bits.png" in done.out


def test_test_bits_trains_without_a_file_and_refuses_unknown_layers_at_once(here, tmp_path):
    refused = here(SCRIPTS + "test_bits", *DIGITS, "--layer", "additional_linear_0", code=2)
    assert "allowed: conv2d, linear" in refused.err
    assert not (tmp_path / "cache").exists()
    done = here(SCRIPTS + "test_bits", *DIGITS, "--count_epoch", 1, "--layer", "conv2d", "--type", "bias")
    assert (tmp_path / "results/aanntwin/test_bits/conv2d_bias.csv").is_file()
    assert "conv2d_bias.png" in done.out
    assert list((tmp_path / "cache/models").glob("*/epoch_00001.safetensors"))


def test_settings_survive_json(all_nonidealities, deep):
    import json

    from aanntwin.config import Normalization, TrainParams
    from aanntwin.scripts.source import from_json, to_json

    settings = Settings(
        dataset_name="digits", seed=3, shuffle=True, compat="published", model_params=deep,
        train_params=TrainParams(lr=0.1, momentum=0.5), training_nonidealities=all_nonidealities,
        normalization=Normalization(min_out=-1.0),
    )  # fmt: skip
    assert from_json(json.loads(json.dumps(to_json(settings)))) == settings
    assert to_json(Settings()) == {}
    assert sys.getsizeof(json.dumps(to_json(settings))) < 2000
