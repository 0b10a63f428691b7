"""The stratified split is scikit-learn's, sample for sample and error for error."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from common.digits import digits_images
from common.stratified import stratified_split


def theirs(labels, share, seed):
    return train_test_split(np.arange(len(labels)), test_size=share, random_state=seed, stratify=labels)


@pytest.mark.parametrize("share", [0.2, 0.05, 0.1, 0.3333, 0.5, 0.9, 10 / 1797])
def test_the_digits_over_fifty_seeds(share):
    labels = digits_images()[1]
    for seed in range(50):
        for ours, expected in zip(stratified_split(labels, share, seed), theirs(labels, share, seed), strict=True):
            np.testing.assert_array_equal(ours, expected)


def test_small_parts_with_ties_and_other_labels():
    rng = np.random.default_rng(0)
    for seed in range(50):
        labels = np.repeat(["b", "a", "d", "c"], rng.integers(2, 8, 4))
        rng.shuffle(labels)
        for ours, expected in zip(stratified_split(labels, 0.4, seed), theirs(labels, 0.4, seed), strict=True):
            np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize(
    ("labels", "share", "words"),
    [([0, 1] * 9, 0.01, "The test_size = 1 should be greater or equal to the number of classes = 2"),
     ([0, 1] * 9, 0.93, "The train_size = 1 should be greater or equal to the number of classes = 2"),
     ([0, 1, 1, 1], 0.5, "The least populated classes in y have only 1 member")],
)  # fmt: skip
def test_what_is_too_small_is_refused_in_the_same_words(labels, share, words):
    for split in (theirs, stratified_split):
        with pytest.raises(ValueError, match=words):
            split(np.array(labels), share, 0)


def test_the_digits_are_scikit_learns():
    bunch, (images, labels) = load_digits(), digits_images()
    assert (images.dtype, labels.dtype) == (np.uint8, np.int64)
    np.testing.assert_array_equal(images, bunch.images)
    np.testing.assert_array_equal(labels, bunch.target)


def test_digits_that_lie_elsewhere_are_found_by_scikit_learn(monkeypatch):
    expected = digits_images()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for ours, again in zip(digits_images.__wrapped__(), expected, strict=True):
        assert ours.dtype == again.dtype
        np.testing.assert_array_equal(ours, again)
