"""The fast path against ordinary PyTorch, replicas against runs alone, and what networks learn."""

import dataclasses
from functools import partial

import numpy as np
import pytest
import torch

from common.errors import InputError, RunError
from corruption_study import cnn as cnn_module
from corruption_study import data, nnet_models, trainer
from corruption_study.cnn import StackedCNN
from corruption_study.config import ACTIVATIONS, CORRUPTIONS
from corruption_study.nnet_models import (
    MLP,
    CorruptedDataset,
    SimpleCNN,
    TrainConfig,
    _limit_dataset,
    build_model,
    evaluate,
    get_activation,
    get_dataloaders,
    get_device,
    initial_model,
    set_seed,
    train_and_evaluate,
    train_one_epoch,
)

DIGITS = TrainConfig(dataset="digits", epochs=2, num_workers=0, hidden_sizes=(48, 24), channels=(4, 8), hidden=24)


def config(**changes):
    return dataclasses.replace(DIGITS, **changes)


def without_seconds(result):
    return {name: value for name, value in result.items() if name != "seconds"}


@pytest.mark.parametrize("model_type", ["mlp", "cnn"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_training_agrees_with_ordinary_pytorch(model_type, activation):
    cfg = config(model_type=model_type, activation=activation, p=0.2, weight_decay=1e-3)
    found = train_and_evaluate(cfg)
    model = initial_model(cfg)
    train, test = get_dataloaders(cfg)
    optimizer = torch.optim.Adam(model.parameters(), lr=cfg.learning_rate, weight_decay=cfg.weight_decay)
    losses = [train_one_epoch(model, train, optimizer, "cpu") for _ in range(cfg.epochs)]
    loss, accuracy = evaluate(model, test, "cpu")
    assert found["final_loss"] == pytest.approx(losses[-1], rel=1e-3)
    assert found["test_loss"] == pytest.approx(loss, rel=2e-3)
    assert found["test_accuracy"] == pytest.approx(accuracy, abs=1.01 / 360)
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("model_type", ["mlp", "cnn"])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("threads", [1, 2])
def test_replicas_have_the_bits_of_their_runs_alone(model_type, activation, threads):
    runs = [
        config(
            model_type=model_type,
            activation=activation,
            p=p,
            seed=seed,
            cpu_threads=threads,
            max_train_samples=400,
            test_ps=(0.3,),
        )
        for p, seed in ((0.0, 1), (0.5, 2), (1.0, 3))
    ]
    side_by_side = [without_seconds(result) for result in trainer.train(runs)]
    assert side_by_side == [without_seconds(train_and_evaluate(run)) for run in runs]
    assert len({result["final_loss"] for result in side_by_side}) == 3


@pytest.mark.parametrize("model_type", ["mlp", "cnn"])
def test_the_path_of_other_devices_agrees_to_rounding(model_type, monkeypatch):
    cnn = dataclasses.replace(cnn_module.MODEL_TYPE, stacked=partial(StackedCNN, grouped=True))
    monkeypatch.setattr(cnn_module, "MODEL_TYPE", cnn)
    runs = [config(model_type=model_type, p=0.4, seed=seed, epochs=1) for seed in (1, 2)]
    other = trainer.train(runs, kernels=False)
    monkeypatch.undo()
    for run, result in zip(runs, other, strict=True):
        assert result["final_loss"] == pytest.approx(train_and_evaluate(run)["final_loss"], rel=1e-3)


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_strength_0_is_training_without_corruption(kind):
    plain = without_seconds(train_and_evaluate(config()))
    assert without_seconds(train_and_evaluate(config(corruption=kind))) == plain


@pytest.mark.parametrize("kind", ["uniform", "shuffle-labels"])
def test_full_strength_gives_chance(kind):
    results = trainer.train([config(p=1.0, seed=seed, corruption=kind, epochs=5) for seed in range(8)])
    assert np.mean([result["test_accuracy"] for result in results]) == pytest.approx(0.1, abs=0.06)


def test_the_digits_are_learnt():
    assert train_and_evaluate(config(epochs=20))["test_accuracy"] > 0.94


def test_test_images_stay_clean_and_corrupted_ones_are_a_second_result():
    result = train_and_evaluate(config(epochs=8, test_ps=(0.0, 0.9)))
    assert result["corrupted_test_accuracy"][0.0] == result["test_accuracy"]
    assert result["corrupted_test_accuracy"][0.9] < result["test_accuracy"] - 0.3


def test_the_first_samples_are_taken():
    _, test = get_dataloaders(config(max_train_samples=100))
    train, _ = get_dataloaders(config(max_train_samples=100))
    assert len(train.dataset) == 100
    assert len(test.dataset) == 360


@pytest.mark.slow
def test_loader_processes_give_the_same_batches():
    alone = [x for x, _ in get_dataloaders(config(max_train_samples=300, p=0.5))[0]]
    train, _ = get_dataloaders(config(max_train_samples=300, p=0.5, num_workers=1))
    assert all(torch.equal(x, y) for x, (y, _) in zip(alone, train, strict=True))
    again = [x for x, _ in train]
    assert not torch.equal(again[0], alone[0])  # another epoch


def test_a_loss_that_is_not_finite_stops_its_run_and_no_other(monkeypatch):
    started = []

    def spoil(stack):
        started.append(stack)
        stack.bank.values[1] = float("nan")

    runs = [config(seed=seed, epochs=1) for seed in (1, 2)]
    healthy, broken = trainer.train(runs, start=spoil)
    assert isinstance(broken, RunError)
    assert "training loss is nan in epoch 1" in str(broken)
    assert without_seconds(healthy) == without_seconds(train_and_evaluate(runs[0]))
    with pytest.raises(RunError, match="loss is nan"):
        train_and_evaluate(config(learning_rate=1e38))


def test_networks_are_those_of_the_specification():
    assert [tuple(p.shape) for p in MLP("relu").parameters()][::2] == [(256, 784), (128, 256), (10, 128)]
    shapes = [tuple(p.shape) for p in SimpleCNN("tanh").parameters()][::2]
    assert shapes == [(32, 1, 3, 3), (64, 32, 3, 3), (128, 3136), (10, 128)]
    assert build_model("cnn", "gelu")(torch.rand(2, 1, 28, 28)).shape == (2, 10)
    assert get_activation("Leaky_ReLU")(torch.tensor(-1.0)).item() == pytest.approx(-0.1)
    assert isinstance(build_model("MLP", "ReLU"), MLP)
    with pytest.raises(ValueError, match="allowed: relu, tanh, sigmoid, leaky_relu, gelu"):
        get_activation("swish")
    with pytest.raises(ValueError, match="allowed: mlp, cnn"):
        build_model("rnn", "relu")
    set_seed(3)
    first = build_model("mlp", "relu").state_dict()
    set_seed(3)
    assert all(
        torch.equal(a, b) for a, b in zip(first.values(), build_model("mlp", "relu").state_dict().values(), strict=True)
    )


def test_settings_by_place_as_the_published_program_gives_them():
    given = ("tanh", "cnn", 0.4, 3, 64, 0.01, 0.1, 7, 0, 2, 500, False)
    names = "activation model_type p epochs batch_size learning_rate weight_decay seed num_workers cpu_threads".split()
    made = TrainConfig(*given)
    assert tuple(getattr(made, name) for name in (*names, "max_train_samples", "use_cuda")) == given
    with pytest.raises(TypeError):
        TrainConfig(*given, (32,))


def test_results_say_what_was_trained():
    found = train_and_evaluate(config(activation="tanh", p=0.1, seed=5))
    assert [found[name] for name in ("activation", "model_type", "p", "seed")] == ["tanh", "mlp", 0.1, 5]
    assert found["train_loss"] == found["final_loss"]


def test_loaders_by_batch_size_and_strength(monkeypatch):
    monkeypatch.setattr(
        nnet_models, "training_and_test", lambda cfg: data.training_and_test(dataclasses.replace(cfg, dataset="digits"))
    )
    train, test = get_dataloaders(32, 0.5, 0, 100)
    assert [len(part.dataset) for part in (train, test)] == [100, 360]
    assert len(next(iter(train))[1]) == 32
    assert len(get_dataloaders(batch_size=8, p=0.0, num_workers=0, max_train_samples=-3)[0].dataset) == 1


def test_any_data_set_can_be_corrupted():
    images = [(torch.full((1, 28, 28), 0.25), label) for label in range(5)]
    noisy = CorruptedDataset(images, 0.5)
    assert len(noisy) == 5
    x, label = noisy[3]
    assert label == 3
    assert 0.4 < float((x != 0.25).float().mean()) < 0.6
    assert images[3][0].eq(0.25).all()
    assert torch.equal(CorruptedDataset(images, 0.0)[2][0], images[2][0])
    with pytest.raises(ValueError, match="from 0 to 1"):
        CorruptedDataset(images, 1.5)
    with pytest.raises(ValueError, match="for images as bytes"):
        CorruptedDataset(images, 0.5, corruption="blank")


def test_a_limit_is_clamped():
    images = list(range(5))
    assert _limit_dataset(images, None) is images
    assert [len(_limit_dataset(images, most)) for most in (-1, 0, 3, 9)] == [1, 1, 3, 5]


def test_a_missing_cuda_device_is_named():
    assert get_device().type == "cpu"
    if torch.cuda.is_available():
        assert get_device(True) == torch.device("cuda:0")
    else:
        with pytest.raises(InputError, match="use-cuda: torch finds no CUDA device"):
            get_device(True)


@pytest.mark.slow
def test_mnist_reaches_its_accuracy(mnist_root):
    result = train_and_evaluate(TrainConfig(epochs=1, data_root=str(mnist_root), cpu_threads=2))
    assert 0.94 < result["test_accuracy"] < 0.975
