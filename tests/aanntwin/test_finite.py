"""No run ends well, and no file is read or written, with numbers that are not finite; and nothing learned is said."""

import json
import math
import re

import pytest
import torch

from aanntwin.cache import Cache
from aanntwin.config import Nonidealities, Normalization, TrainParams
from aanntwin.data import load_split
from aanntwin.normalize import normalize
from aanntwin.scripts.bench import Bench
from aanntwin.trainer import evaluate, train
from aanntwin.weights import initial_weights, load_weights, save_weights
from common.errors import InputError, RunError
from common.runs import load_run

MAIN = "aanntwin.main"
DIGITS = ("--dataset_name", "digits", "--threads", 1)
SCRIPTS = "aanntwin.scripts."


@pytest.fixture
def saved(digits, tmp_path):
    """A function that saves the initial weights with one changed."""

    def save(name, value, file="w.safetensors"):
        weights = initial_weights(digits)
        weights[name].view(-1)[3] = value
        save_weights(tmp_path / file, weights, digits.model_params)
        return tmp_path / file

    return save


@pytest.mark.parametrize("engine", ["compiled", "torch"])
@pytest.mark.parametrize("field", ["input_noise", "linear_out_noise"])
def test_a_test_whose_loss_is_not_finite_ends_as_failed(digits, engine, field):
    settings = digits.replace(engine=engine, device="cpu", testing_nonidealities=Nonidealities(**{field: 1e38}))
    with pytest.raises(RunError, match=r"^test, draw 1, image \d+: loss is not finite"):
        evaluate(initial_weights(digits), settings, *load_split(digits, train=False))


def test_the_main_command_fails_with_the_quantity(here, tmp_path):
    words = (*DIGITS, "--count_epoch", 0, "--run-dir", "run")
    done = here(MAIN, *words, "--testing_nonidealities_linear_out_noise", 1e38, "--output_path", "w.pth", code=1)
    assert re.match(r"error: test, draw 1, image \d+: loss is not finite", done.err)
    assert done.err.count("\n") == 1
    assert load_run(tmp_path / "run").status == "failed"
    assert not (tmp_path / "w.pth").exists()


def test_weights_that_are_not_finite_after_an_epoch_are_not_kept(digits, tmp_path):
    """One step an epoch: its loss is finite, and what it makes of the weights is not."""
    rates = TrainParams(batch_size=2000, lr=3e38)
    settings = digits.replace(train_params=rates, normalization=Normalization(max_out=9.0))
    cache = Cache(tmp_path / "models")
    with pytest.raises(RunError, match=r"^epoch 1, step 1: \w+_(weight|bias) is not finite; lower the learning rate"):
        train(settings, 1, cache=cache)
    assert cache.epochs(settings) == []


def test_cached_epochs_that_are_not_finite_count_as_missing(digits, tmp_path):
    cache, weights = Cache(tmp_path / "models"), initial_weights(digits)
    cache.store(digits, 1, weights, {}, 2.0)
    assert cache.epochs(digits) == [1]
    weights["linear_weight"][2, 2] = math.inf
    cache.store(digits, 1, weights, {}, 2.0)
    assert cache.epochs(digits) == []


@pytest.mark.parametrize("tool", ["test_only", "analyze_weights", "normalize", "test_bits", "spec", "quantize"])
def test_every_tool_refuses_weights_that_are_not_finite(here, saved, tmp_path, tool):
    saved("linear_weight", math.nan)
    more = {"analyze_weights": (), "quantize": ("out.safetensors", 3, 2, 3, 2)}.get(tool, DIGITS)
    done = here(SCRIPTS + tool, "w.safetensors", *more, code=2)
    assert done.err == "error: weights w.safetensors: linear_weight holds 1 of 6760 numbers that are not finite\n"
    assert [path.name for path in tmp_path.iterdir()] == ["w.safetensors"]


def test_numbers_too_large_for_single_precision_are_refused(saved, tmp_path):
    weights = {name: value.double() for name, value in load_weights(saved("linear_bias", 1.0)).items()}
    weights["linear_bias"][0] = 1e300
    torch.save(weights, tmp_path / "wide.pth")
    with pytest.raises(InputError, match="linear_bias holds 1 of 10 numbers that are not finite"):
        load_weights(tmp_path / "wide.pth")


@pytest.mark.parametrize(
    "words",
    [
        ("--testing_nonidealities_input_noise", 1e39),
        ("--training_nonidealities_linear_input_nonlin", 0, "-1e300"),
        ("--train_params_lr", 1e300),
        ("--normalization_max_out", 1e300),
    ],
)
def test_settings_too_large_for_single_precision_are_refused(here, tmp_path, words):
    done = here(MAIN, *DIGITS, *words, code=2)
    assert done.err.count("\n") == 1
    assert "allowed: numbers up to 3.4e+38 in size" in done.err
    assert not list(tmp_path.iterdir())


def test_normalizing_never_ends_in_numbers_that_are_not_finite(digits, saved):
    images, _ = load_split(digits, train=True)
    with pytest.raises(InputError, match=r"normalized to 1e\+300.* holds \d+ of"):
        normalize(initial_weights(digits), digits, images[:100], 1e300)
    weights = load_weights(saved("conv2d_weight", 3e38))
    with pytest.raises(InputError, match="conv2d: its largest output is inf"):
        normalize({**weights, "conv2d_weight": weights["conv2d_weight"].fill_(3e38)}, digits, images[:100])


def test_quantizing_never_ends_in_numbers_that_are_not_finite(here, saved, tmp_path):
    saved("linear_bias", 1.0)
    for deviations in (1e300, 1e-300):
        done = here(SCRIPTS + "quantize", "w.safetensors", "q.safetensors", 3, deviations, 3, 2, code=2)
        assert "the full scale is" in done.err
    assert not (tmp_path / "q.safetensors").exists()


def test_variants_whose_loss_is_not_finite_are_named(digits):
    bench = Bench(digits, train=False, most=20)
    values = [Nonidealities(), Nonidealities(linear_out_noise=1e38)]
    with pytest.raises(RunError, match=r"^test: loss is not finite with linear_out_noise 1e\+38 \(draw 1\)"):
        bench.test_nonidealities(initial_weights(digits), values)


def test_a_training_that_has_learned_nothing_says_so_once(here, tmp_path):
    idle = (*DIGITS, "--count_epoch", 2, "--train_params_lr", 1e-12)
    done = here(MAIN, *idle, "--run-dir", "idle")
    assert done.out.count("warning: nothing learned after epoch 1: the loss 2.3") == 1
    assert here(MAIN, *idle, "--quiet", "--run-dir", "quiet").out.startswith("Average Loss:")
    assert "warning: nothing learned" in (tmp_path / "quiet/train_log.txt").read_text()
    done = here(MAIN, *DIGITS, "--count_epoch", 1, "--run-dir", "normal")
    assert "warning" not in done.out + (tmp_path / "normal/train_log.txt").read_text()
    assert json.loads((tmp_path / "normal/run_meta.json").read_text())["status"] == "done"
