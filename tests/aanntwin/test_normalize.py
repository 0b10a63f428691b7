"""Normalization keeps the logits up to one positive factor, and brings every range to its reference."""

import pytest
import torch

from aanntwin.config import ModelParams, Nonidealities
from aanntwin.data import brightness, load_split
from aanntwin.model import build_model
from aanntwin.normalize import normalize, record_ranges
from aanntwin.trainer import train
from common.errors import InputError

SHAPES = [ModelParams(), ModelParams(pool_size=13), ModelParams(additional_layers=(30, 20))]


@pytest.mark.parametrize("params", SHAPES)
@pytest.mark.parametrize("reference", [1.0, 0.25, "each"])
def test_logits_keep_their_proportions_and_ranges_end_at_their_references(digits, params, reference):
    settings = digits.replace(model_params=params)
    weights = train(settings, 1)
    images, _ = load_split(settings, train=True)
    layers = 2 + len(params.additional_layers)
    wanted = [0.5 + index for index in range(layers)] if reference == "each" else reference
    rescaled, report = normalize(weights, settings, images, wanted)
    logits = []
    for own in (weights, rescaled):
        model = build_model(settings)
        model.load_weights(own)
        with torch.no_grad():
            logits.append(model(brightness(images)).double())
    factor = report[-1].factor
    assert factor > 0
    assert torch.allclose(logits[1] * factor, logits[0], rtol=1e-4, atol=1e-4 * float(logits[0].abs().max()))
    expected = wanted if reference == "each" else [wanted] * layers
    assert [layer.after[1] for layer in report] == pytest.approx(expected, rel=1e-5)
    recorded = record_ranges(rescaled, settings, images)
    assert [high for _, high in recorded.values()] == pytest.approx(expected, rel=1e-5)
    assert set(recorded) == {layer.layer for layer in report}
    assert all(not torch.equal(weights[name], rescaled[name]) for name in weights)


def test_without_biases_divided_the_logits_would_change(digits):
    """The test above can fail: the published rule that leaves biases as they are breaks it."""
    weights = train(digits, 1)
    images, _ = load_split(digits, train=True)
    rescaled, report = normalize(weights, digits, images)
    wrong = {**rescaled, "conv2d_bias": weights["conv2d_bias"]}
    model, outputs = build_model(digits), []
    for own in (weights, wrong):
        model.load_weights(own)
        with torch.no_grad():
            outputs.append(model(brightness(images[:100])))
    assert (outputs[1] * report[-1].factor - outputs[0]).abs().max() > 0.01 * outputs[0].abs().max()


def test_recording_leaves_noise_out_and_takes_the_clip(digits):
    weights = train(digits, 0)
    images, _ = load_split(digits, train=True)
    clipped = record_ranges(weights, digits, images, Nonidealities(conv2d_input_clip=0.1, conv2d_out_noise=5.0))
    assert clipped["conv2d"][1] < record_ranges(weights, digits, images)["conv2d"][1]


def test_a_largest_output_that_is_not_positive_is_an_error(digits):
    weights = train(digits, 0)
    images, _ = load_split(digits, train=True)
    weights["conv2d_bias"] -= 100
    with pytest.raises(InputError, match="conv2d: its largest output is -"):
        normalize(weights, digits, images)


@pytest.mark.parametrize("reference", [0.0, -1.0, float("nan"), [1.0], [1.0, 2.0, 3.0]])
def test_wrong_references_are_refused(digits, reference):
    with pytest.raises(InputError, match="references are"):
        normalize(train(digits, 0), digits, load_split(digits, train=True)[0], reference)
