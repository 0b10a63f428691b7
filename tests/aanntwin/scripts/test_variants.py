"""The shared evaluation against the layered model, fed with the same normals."""

import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional

from aanntwin.config import ModelParams, Nonidealities, Settings
from aanntwin.model import build_model
from aanntwin.scripts import variants
from aanntwin.scripts.variants import Variant, chunk_size, evaluate_variants
from common.seeding import torch_generator

SEED = 7
ONE = {
    "ideal": {},
    "input_noise": {"input_noise": 0.3},
    "input_noise behind a clip": {"input_noise": 0.3, "conv2d_input_clip": 0.7},
    "relu_cutoff": {"relu_cutoff": 0.2},
    "relu_out_noise": {"relu_out_noise": 0.3},
    "linear_out_noise": {"linear_out_noise": 0.3},
    "conv2d_out_noise": {"conv2d_out_noise": 0.3},
    "linear_input_clip": {"linear_input_clip": 0.3},
    "conv2d_input_clip": {"conv2d_input_clip": 0.4},
    "linear_input_nonlin": {"linear_input_nonlin": (0.1, 0.9, -0.2)},
    "conv2d_input_nonlin": {"conv2d_input_nonlin": (0.1, 0.9, -0.2)},
}


@pytest.fixture
def images():
    generator = torch.Generator().manual_seed(3)
    return torch.rand(24, 1, 28, 28, generator=generator), torch.randint(0, 10, (24,), generator=generator)


def oracle(settings, weights, circuit, draw, x):
    """Logits of the layered model with the normals that a draw stands for."""

    def normals(name, like):
        return torch.randn(like.shape, generator=torch_generator(SEED, "test noise", name, draw, 0))

    model = build_model(settings, circuit, normals)
    model.load_weights(weights)
    with torch.no_grad():
        return model(x)


def check(settings, tested, row, weights, circuit, draw, images):
    logits = oracle(settings, weights, circuit, draw, images[0])
    assert tested.loss[row] == pytest.approx(float(functional.cross_entropy(logits, images[1])), rel=2e-6)
    assert (tested.correct[row] == (logits.argmax(1) == images[1]).numpy()).all()


@pytest.mark.parametrize("compat", [None, "published"])
def test_every_nonideality_equals_the_layered_model(images, deep, random_weights, all_nonidealities, compat):
    settings = Settings(model_params=deep, compat=compat)
    weights = random_weights(settings)
    circuits = [Nonidealities(**fields) for fields in ONE.values()] + [all_nonidealities]
    cases = [Variant(weights, circuit, draw) for circuit in circuits for draw in (0, 1)]
    tested = evaluate_variants(cases, deep, *images, seed=SEED, relu_after_conv_only=compat == "published")
    for row, case in enumerate(cases):
        check(settings, tested, row, weights, case.nonidealities, case.draw, images)
    noisy = [row for row, case in enumerate(cases) if case.nonidealities.noisy and case.draw == 0]
    assert all(tested.loss[row] != tested.loss[row + 1] for row in noisy)  # another draw, other noise
    if compat:
        plain = evaluate_variants(cases[-1:], deep, *images, seed=SEED)
        assert plain.loss[0] != tested.loss[-2]


def test_versions_of_weights_equal_the_layered_model(images, deep, random_weights):
    settings = Settings(model_params=deep)
    one, two = random_weights(settings), random_weights(settings, 1)
    mixed = [{**one, name: two[name]} for name in one]
    circuit = Nonidealities(input_noise=0.2, linear_out_noise=0.1)
    tested = evaluate_variants([Variant(w, circuit) for w in (one, *mixed, two)], deep, *images, seed=SEED)
    for row, weights in enumerate((one, *mixed, two)):
        check(settings, tested, row, weights, circuit, 0, images)
    assert len(set(tested.loss)) == len(mixed) + 2


def test_colour_images_and_default_shape(random_weights):
    settings = Settings(dataset_name="CIFAR10")
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(6, 3, 32, 32, generator=generator), torch.arange(6)
    weights, circuit = random_weights(settings), Nonidealities(conv2d_out_noise=0.1)
    tested = evaluate_variants([Variant(weights, circuit)], ModelParams(), *images, seed=SEED)
    check(settings, tested, 0, weights, circuit, 0, images)


def test_results_do_not_depend_on_the_company(images, random_weights):
    settings = Settings()
    weights = random_weights(settings)
    cases = [
        Variant(weights, Nonidealities(input_noise=noise, linear_out_noise=other), draw)
        for noise in (None, 0.0, 0.1, 0.5)
        for other in (None, 0.3)
        for draw in (0, 1)
    ]
    together = evaluate_variants(cases, settings.model_params, *images, seed=SEED)
    for row, case in enumerate(cases):
        alone = evaluate_variants([case], settings.model_params, *images, seed=SEED)
        assert alone.loss[0] == together.loss[row]
        assert (alone.correct[0] == together.correct[row]).all()
    assert together.loss[0] == together.loss[4]  # no noise, and noise of zero


def test_chunks_change_nothing_but_the_noise(images, random_weights, monkeypatch):
    settings = Settings()
    weights = random_weights(settings)
    cases = [Variant(weights, Nonidealities(relu_cutoff=cutoff)) for cutoff in (0.0, 0.1)]
    whole = evaluate_variants(cases, settings.model_params, *images, seed=SEED)
    monkeypatch.setattr(variants, "CHUNK_VALUES", 1)
    assert chunk_size(weights, settings.model_params, images[0]) == 16 < len(images[0])
    done = []
    parts = evaluate_variants(cases, settings.model_params, *images, seed=SEED, advance=done.append)
    np.testing.assert_allclose(parts.loss, whole.loss, rtol=1e-6)
    assert (parts.correct == whole.correct).all()
    assert done == [16, 8]
    threads = torch.get_num_threads()
    both = evaluate_variants(cases, settings.model_params, *images, seed=SEED, threads=2)
    assert (both.loss == parts.loss).all()
    assert (both.correct == parts.correct).all()
    assert torch.get_num_threads() == threads
    noisy = [Variant(weights, Nonidealities(linear_out_noise=10.0))]
    repeated = torch.cat([images[0][:8]] * 4), torch.cat([images[1][:8]] * 4)
    found = evaluate_variants(noisy, settings.model_params, *repeated, seed=SEED).correct[0]
    assert not (found[:16] == found[16:]).all()  # the second chunk has noise of its own


def test_noise_has_its_deviation_and_draws_are_independent(random_weights):
    """Logits of zero with noise s: an accuracy of 1/10, and losses whose mean is known."""
    settings = Settings()
    weights = {name: torch.zeros_like(w) for name, w in random_weights(settings).items()}
    x, labels = torch.zeros(2000, 1, 28, 28), torch.zeros(2000, dtype=torch.int64)
    cases = [Variant(weights, Nonidealities(linear_out_noise=2.0), draw) for draw in range(4)]
    tested = evaluate_variants(cases, settings.model_params, x, labels, seed=SEED)
    logits = 2.0 * np.random.default_rng(0).standard_normal((200_000, 10))
    losses = np.log(np.exp(logits).sum(axis=1)) - logits[:, 0]
    assert tested.loss.mean() == pytest.approx(losses.mean(), abs=4 * losses.std() / 8000**0.5)
    assert tested.accuracy.mean() == pytest.approx(0.1, abs=4 * (0.09 / 8000) ** 0.5)
    both = (tested.correct[0] & tested.correct[1]).mean()
    assert both == pytest.approx(0.01, abs=4 * (0.01 / 2000) ** 0.5)


def test_levels_of_one_draw_share_their_noise(images, random_weights):
    """Twice the noise on logits of zero changes no decision."""
    settings = Settings()
    weights = {name: torch.zeros_like(w) for name, w in random_weights(settings).items()}
    base = Nonidealities(linear_out_noise=0.5)
    cases = [Variant(weights, circuit) for circuit in (base, dataclasses.replace(base, linear_out_noise=1.0))]
    tested = evaluate_variants(cases, settings.model_params, *images, seed=SEED)
    assert (tested.correct[0] == tested.correct[1]).all()
    assert 0 < tested.correct[0].sum() < len(images[1])
