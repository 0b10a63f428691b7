"""The compiled steps against the PyTorch model: the same weights after as many steps, the same noise fed to both."""

import itertools

import numpy as np
import pytest
import torch
from torch.nn import functional

from aanntwin.compiled_model import CompiledModel, flat_images
from aanntwin.config import NONIDEALITIES, ModelParams, Nonidealities, Normalization, TrainParams
from aanntwin.data import brightness, load_split
from aanntwin.kernel.layout import make_work
from aanntwin.kernel.normals import normals
from aanntwin.model import build_model
from aanntwin.signal_path import path


class Same:
    """A source of the normals that the compiled steps draw, for the PyTorch model."""

    def __init__(self, settings, key, epoch):
        names = path(len(settings.model_params.additional_layers))
        self.sites = {name: number for number, name in enumerate(names)}  # as kernel.passes counts them
        self.key, self.epoch, self.first = key, epoch, 0

    def __call__(self, name, like):
        rows = [
            normals(like[0].numel(), self.key, site=self.sites[name], image=self.first + row, epoch=self.epoch)
            for row in range(len(like))
        ]
        return torch.from_numpy(np.array(rows)).reshape(like.shape)


def both(settings, images, labels, steps, epoch=3):
    """Weights and sum of losses after training by either."""
    rates = settings.train_params
    count = min(steps * rates.batch_size, len(labels))
    circuit = settings.training_nonidealities
    start = build_model(settings).weights()
    engine = CompiledModel(settings, circuit, "training")
    engine.load({name: value.numpy() for name, value in start.items()})
    order = np.random.default_rng(0).permutation(len(labels))
    total, bad = engine.train(flat_images(images), labels, order, 0, count, epoch)
    assert bad == -1
    source = Same(settings, engine.circuit.key, epoch)
    model = build_model(settings, noise=source)
    sgd = torch.optim.SGD(model.parameters(), rates.lr, momentum=rates.momentum, weight_decay=rates.weight_decay)
    x, y, expected = brightness(images[order]), torch.from_numpy(labels[order]), 0.0
    for first in range(0, count, rates.batch_size):
        source.first, chosen = first, slice(first, min(first + rates.batch_size, count))
        sgd.zero_grad()
        loss = functional.cross_entropy(model(x[chosen]), y[chosen])
        loss.backward()
        sgd.step()
        expected += loss.item() * len(y[chosen])
    return engine, model, start, (total, expected)


def assert_equal(engine, model, start, losses, tolerance=1e-4):
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    ours, theirs = engine.weights(), model.weights()
    assert list(ours) == list(theirs)
    for name, value in theirs.items():
        assert not np.array_equal(value, start[name]), f"{name} did not move"
        moved = np.linalg.norm(value - start[name])
        assert np.linalg.norm(ours[name] - value.numpy()) < tolerance * min(moved, np.linalg.norm(value)), name


@pytest.fixture
def digits_images(digits):
    return load_split(digits, train=True)


MOMENTUM = TrainParams(batch_size=7, lr=0.01, momentum=0.9, weight_decay=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("rates", [TrainParams(), MOMENTUM])
def test_a_thousand_steps_of_the_default_network(digits, digits_images, all_nonidealities, noisy, rates):
    circuit = all_nonidealities if noisy else Nonidealities()
    settings = digits.replace(training_nonidealities=circuit, train_params=rates)
    assert_equal(*both(settings, *digits_images, 1000))


@pytest.mark.slow
@pytest.mark.parametrize("noisy", [False, True])
def test_a_deep_network(digits, digits_images, all_nonidealities, deep, noisy):
    circuit = all_nonidealities if noisy else Nonidealities()
    settings = digits.replace(training_nonidealities=circuit, model_params=deep, train_params=TrainParams(lr=0.005))
    assert_equal(*both(settings, *digits_images, 1000))


@pytest.mark.parametrize("name", [name for name, kind in NONIDEALITIES.items() if kind.kernel])
@pytest.mark.parametrize("compat", [None, "published"])
def test_each_nonideality_alone(digits, digits_images, all_nonidealities, deep, name, compat):
    circuit = Nonidealities(**{name: getattr(all_nonidealities, name)})
    settings = digits.replace(
        training_nonidealities=circuit, model_params=deep, train_params=TrainParams(lr=0.01), compat=compat
    )
    assert_equal(*both(settings, *digits_images, 60))


SHAPES = [
    {"conv_out_channels": 1, "kernel_size": 1, "stride": 1, "padding": 0},
    {"conv_out_channels": 2, "kernel_size": 7, "stride": 7, "padding": 0, "pool_size": 2},
    {"conv_out_channels": 3, "kernel_size": 3, "stride": 1, "padding": 1, "pool_size": 7},
    {"conv_out_channels": 9, "kernel_size": 7, "stride": 3, "padding": 0},
    {"conv_out_channels": 4, "kernel_size": 6, "stride": 6, "padding": 1, "pool_size": 5, "additional_layers": (1, 3)},
    {"conv_out_channels": 1, "kernel_size": 28, "stride": 1, "padding": 0, "additional_layers": (64,)},
    {"conv_out_channels": 6, "kernel_size": 4, "stride": 2, "padding": 3},
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_any_shape(digits, digits_images, all_nonidealities, shape):
    rates = TrainParams(lr=0.01, batch_size=3)
    for circuit in (Nonidealities(), all_nonidealities):
        settings = digits.replace(model_params=ModelParams(**shape), training_nonidealities=circuit, train_params=rates)
        assert_equal(*both(settings, *digits_images, 40))


def test_colour_images_and_another_normalization(digits, all_nonidealities):
    random = np.random.default_rng(1)
    images = random.integers(0, 256, (50, 3, 32, 32), np.uint8)
    settings = digits.replace(
        dataset_name="CIFAR10", training_nonidealities=all_nonidealities, train_params=TrainParams(lr=0.01),
        normalization=Normalization(min_out=-0.4, max_out=0.8, min_in=0.1, max_in=0.9),
    )  # fmt: skip
    assert_equal(*both(settings, images, random.integers(0, 10, 50), 50))


def test_a_smaller_last_batch(digits, digits_images):
    images, labels = (part[:103] for part in digits_images)
    settings = digits.replace(train_params=TrainParams(batch_size=20, lr=0.05))
    assert_equal(*both(settings, images, labels, 6))


@pytest.mark.parametrize("batch", [2, 4, 7, 8, 13, 64])
def test_how_many_images_are_computed_together_changes_no_number(digits, digits_images, all_nonidealities, deep, batch):
    images, labels = (part[:300] for part in digits_images)
    rows, order = flat_images(images), np.random.default_rng(2).permutation(300)
    rates = TrainParams(lr=0.01, batch_size=batch, momentum=0.5)
    settings = digits.replace(training_nonidealities=all_nonidealities, model_params=deep, train_params=rates)
    found = []
    for together in (1, 3, 8):
        engine = CompiledModel(settings, all_nonidealities, "training")
        engine.load({name: value.numpy() for name, value in build_model(settings).weights().items()})
        engine._work = make_work(engine._net, together)
        assert engine._work.images == together
        losses = engine.train(rows, labels, order, 0, 300, 1)
        found.append([losses, *engine.weights().values(), *engine.velocity().values()])
    for other in found[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(found[0], other, strict=True))


def test_a_range_in_parts_is_the_whole_range(digits, digits_images, all_nonidealities):
    images, labels = digits_images
    rows, order = flat_images(images), np.arange(len(labels))
    settings = digits.replace(training_nonidealities=all_nonidealities, train_params=MOMENTUM)
    found = []
    for edges in ([0, 700], [0, 7, 350, 700]):
        engine = CompiledModel(settings, all_nonidealities, "training")
        engine.load({name: value.numpy() for name, value in build_model(settings).weights().items()})
        for start, stop in itertools.pairwise(edges):
            engine.train(rows, labels, order, start, stop, 1)
        found.append(engine)
    for part in ("weights", "velocity"):
        first, second = (getattr(engine, part)() for engine in found)
        assert all(np.array_equal(first[name], second[name]) for name in first)


def test_a_loss_that_is_not_finite_names_its_place(digits, digits_images):
    images, labels = digits_images
    engine = CompiledModel(digits, Nonidealities(), "training")
    weights = {name: value.numpy() for name, value in build_model(digits).weights().items()}
    weights["linear_bias"][3] = np.nan
    engine.load(weights)
    assert engine.train(flat_images(images), labels, np.arange(len(labels)), 0, 10, 1)[1] == 0


def test_a_loss_that_is_not_finite_within_a_batch_names_its_image(digits, digits_images):
    images, labels = (np.array(part[:40]) for part in digits_images)
    images[:] = 0
    images[21] = 255
    settings = digits.replace(train_params=TrainParams(batch_size=16))
    engine = CompiledModel(settings, Nonidealities(), "training")
    weights = {name: value.numpy() for name, value in build_model(settings).weights().items()}
    weights["conv2d_weight"][:] = 3e38  # which only that image meets
    engine.load(weights)
    assert engine.train(flat_images(images), labels, np.arange(40), 0, 40, 1)[1] == 21


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_tests_give_the_pytorch_models_losses_and_guesses(digits, digits_images, all_nonidealities, deep, threads):
    images, labels = digits_images
    settings = digits.replace(model_params=deep)
    engine = CompiledModel(settings, all_nonidealities, "test")
    weights = build_model(settings).weights()
    engine.load({name: value.numpy() for name, value in weights.items()})
    losses, guesses = engine.test(flat_images(images), labels, draw=5, threads=threads)
    model = build_model(settings, all_nonidealities, Same(settings, engine.circuit.key, 5))
    with torch.no_grad():
        logits = model(brightness(images))
    expected = functional.cross_entropy(logits, torch.from_numpy(labels.copy()), reduction="none").numpy()
    assert np.allclose(losses, expected, atol=2e-5)
    top = logits.topk(2).values
    clear = (top[:, 0] - top[:, 1] > 1e-4).numpy()
    assert clear.mean() > 0.99
    assert np.array_equal(guesses[clear], logits.argmax(1).numpy()[clear])
