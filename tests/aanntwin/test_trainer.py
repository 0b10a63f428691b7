"""Training and tests as notebooks call them."""

import numpy as np
import pytest
import torch
from torch import nn

from aanntwin.config import Nonidealities, TrainParams
from aanntwin.data import load_split
from aanntwin.model import Model, build_model
from aanntwin.trainer import engine_name, epoch_order, evaluate, evaluate_many, train
from common.errors import InputError, RunError


@pytest.fixture
def split(digits):
    return load_split(digits, train=False)


def test_the_network_learns_the_digits_with_either_engine(digits, split):
    quick = digits.replace(train_params=TrainParams(lr=0.01))
    found = {}
    for engine in ("compiled", "torch"):
        settings = quick.replace(engine=engine, device="cpu")
        assert engine_name(settings).split()[0] == engine
        found[engine] = evaluate(train(settings, 2), settings, *split)
    assert found["compiled"][1] > 0.9
    assert found["compiled"] == pytest.approx(found["torch"], abs=1e-4)


def test_noise_in_training_makes_the_network_bear_noise(digits, split):
    test = Nonidealities(input_noise=0.5)
    accuracies = []
    for noise in (None, 0.5):
        settings = digits.replace(
            train_params=TrainParams(lr=0.01), training_nonidealities=Nonidealities(input_noise=noise)
        )
        results = evaluate_many(train(settings, 5), settings, *split, [test], draws=5)[0]
        accuracies.append(np.mean([accuracy for _, accuracy in results]))
    assert accuracies[1] > accuracies[0] + 0.02


def test_draws_differ_and_repeat_and_threads_change_nothing(digits, split):
    weights = train(digits, 1)
    noisy, clean = Nonidealities(conv2d_out_noise=0.5), Nonidealities()
    many = evaluate_many(weights, digits, *split, [noisy, clean], draws=3)
    assert [len(part) for part in many] == [3, 3]
    assert len(set(many[0])) == 3
    assert len(set(many[1])) == 1
    assert evaluate(weights, digits.replace(threads=2), *split, nonidealities=noisy, draw=2) == many[0][2]
    settings = digits.replace(testing_nonidealities=noisy)
    assert evaluate(weights, settings, *split) == many[0][0]


def test_the_torch_engine_tests_alike(digits, split):
    weights = train(digits, 1)
    torch_settings = digits.replace(engine="torch", device="cpu")
    assert evaluate(weights, torch_settings, *split) == pytest.approx(evaluate(weights, digits, *split), abs=1e-5)
    noisy = Nonidealities(input_noise=0.3, linear_out_noise=0.5)
    losses = [
        [loss for loss, _ in evaluate_many(weights, settings, *split, [noisy], draws=8)[0]]
        for settings in (digits, torch_settings)
    ]
    # Other draws of the same noise: the means agree within their errors.
    error = np.hypot(*(np.std(part, ddof=1) / np.sqrt(8) for part in losses))
    assert abs(np.mean(losses[0]) - np.mean(losses[1])) < 4 * error
    first, second = (evaluate(weights, torch_settings, *split, nonidealities=noisy, draw=1) for _ in range(2))
    assert first == second


def test_order(digits):
    assert np.array_equal(epoch_order(digits, 5, 1), np.arange(5))
    shuffled = digits.replace(shuffle=True)
    first, second = epoch_order(shuffled, 100, 1), epoch_order(shuffled, 100, 2)
    assert sorted(first) == list(range(100))
    assert not np.array_equal(first, second)
    assert np.array_equal(first, epoch_order(shuffled, 100, 1))


def test_no_epoch_gives_the_initial_weights(digits):
    start = build_model(digits).weights()
    weights = train(digits, 0)
    assert all(torch.equal(weights[name], value) for name, value in start.items())


@pytest.mark.parametrize("engine", ["compiled", "torch"])
def test_a_loss_that_is_not_finite_stops_and_names_the_step(digits, engine):
    wild = digits.replace(train_params=TrainParams(lr=1e38), engine=engine, device="cpu")
    with pytest.raises(RunError, match=r"epoch 1, step \d+: loss is not finite"):
        train(wild, 1)


def test_a_model_of_ones_own_is_trained_by_torch(digits, split):
    class Squared(Model):
        def forward(self, x):
            return super().forward(x * x)

    model = Squared(digits.model_params, digits.image_shape, seed=1)
    before = model.weights()
    weights = train(digits.replace(train_params=TrainParams(batch_size=16, lr=0.05)), 2, model=model)
    assert isinstance(model, nn.Module)
    assert all(torch.equal(model.weights()[name], value) for name, value in weights.items())
    assert not torch.equal(before["linear_weight"], weights["linear_weight"])


def test_wrong_weights_images_and_labels_are_refused(digits, split):
    weights = train(digits, 0)
    images, labels = split
    with pytest.raises(InputError, match="linear_bias are missing"):
        evaluate({name: v for name, v in weights.items() if name != "linear_bias"}, digits, *split)
    with pytest.raises(InputError, match=r"conv2d_bias are \(3,\)"):
        evaluate({**weights, "conv2d_bias": torch.zeros(3)}, digits, *split)
    with pytest.raises(InputError, match="allowed for digits"):
        evaluate(weights, digits, images[..., :20], labels)
    with pytest.raises(InputError, match="labels"):
        evaluate(weights, digits, images, labels + 1)
    with pytest.raises(InputError, match="labels"):
        evaluate(weights, digits, images, labels[:-1])
