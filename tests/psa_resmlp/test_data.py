"""The split, normalisation and class shares, against torchvision's way and pinned numbers."""

import hashlib

import numpy as np
import pytest

from common.errors import InputError
from psa_resmlp.scripts.analyze_dataset import analyze
from psa_resmlp.study.data import MNIST_VALIDATION_ZEROR, as_inputs, load_study, split_indices, validation_zeror, zeror

pytest.importorskip("torch")


def digest(indices):
    return hashlib.sha256(indices.astype("<i8").tobytes()).hexdigest()[:16]


@pytest.mark.parametrize(
    ("count", "first_train", "first_validation", "digests"),
    [
        (60000, [27415, 57082, 25212], [18382, 16291, 8096], ("3c03cc8e0653931f", "258578e88b385fc5")),
        (1437, [865, 86, 724], [496, 66, 626], ("48bc2c7a2a6726b8", "2f86b3f3e600f4bc")),
    ],
)
def test_split_is_pinned(count, first_train, first_validation, digests):
    train, validation = split_indices(count)
    assert train[:3].tolist() == first_train
    assert validation[:3].tolist() == first_validation
    assert (digest(train), digest(validation)) == digests
    assert sorted([*train, *validation]) == list(range(count))
    assert len(validation) == count // 6


def test_digits_stand_in_for_mnist():
    data = load_study("digits")
    assert data.train_x.shape == (1198, 28, 28)
    assert [len(labels) for labels in (data.train_y, data.val_y, data.test_y)] == [1198, 239, 360]
    assert data.val_x.shape[0] == 239
    assert not data.train_x.flags.writeable
    assert validation_zeror("digits") == pytest.approx(100 * 29 / 239)


def test_inputs_are_single_precision_in_the_order_scale_mean_deviation():
    images = np.arange(784 * 2, dtype=np.int64).astype(np.uint8).reshape(2, 28, 28)
    found = as_inputs(images)
    one = np.float32
    assert found.shape == (2, 784)
    assert (found.numpy() == (images.reshape(2, 784).astype(one) / one(255) - one(0.1307)) / one(0.3081)).all()
    assert images[0, 0, 3] == 3  # the bytes themselves are not touched


@pytest.mark.slow
def test_inputs_are_those_of_torchvision():
    torchvision = pytest.importorskip("torchvision")
    images = np.arange(784 * 2, dtype=np.int64).astype(np.uint8).reshape(2, 28, 28)
    transforms = torchvision.transforms
    theirs = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    found = as_inputs(images)
    for ours, image in zip(found, images, strict=True):
        assert (ours == theirs(image[:, :, None]).ravel()).all()


def test_zeror_is_the_largest_share():
    assert zeror(np.array([3, 3, 1, 0])) == 50.0


def test_unknown_dataset():
    with pytest.raises(InputError, match="allowed: mnist, digits"):
        load_study("cifar10")


def test_mnist_shares(mnist_root):
    parts = analyze("mnist", mnist_root)
    assert [part.title for part in parts] == ["full train", "test", "split train", "split validation"]
    assert [part.total for part in parts] == [60000, 10000, 50000, 10000]
    assert [f"{part.zeror:.2f}" for part in parts] == ["11.24", "11.35", "11.28", "11.02"]
    assert [part.largest for part in parts] == [1, 1, 1, 1]
    assert parts[3].zeror == MNIST_VALIDATION_ZEROR
    data = load_study("mnist", mnist_root)
    assert float(as_inputs(data.train_x).mean()) == pytest.approx(0.0, abs=2e-3)


def test_command(here):
    lines = here("analyze_dataset", "--dataset", "digits").out.splitlines()
    assert lines[0] == "|         class |    full train |         test |   split train | split validation |"
    assert lines[3] == "|             1 | 146 (10.16 %) | 36 (10.00 %) |  117 (9.77 %) |     29 (12.13 %) |"
    assert lines[-1] == "|     ZeroR (%) |         10.16 |        10.28 |         10.77 |            12.13 |"


def test_command_with_wrong_input(here):
    assert "invalid choice" in here("analyze_dataset", "--dataset", "letters", code=2).err
