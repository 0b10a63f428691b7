"""The digits as voltages."""

import numpy as np
import pytest
from sklearn.datasets import load_digits as sklearn_digits

from analog_nmos.digits.data import load_digits
from common.errors import InputError


def test_the_published_split():
    digits = load_digits(1, 0.0, 1.0)
    assert digits.train.x_V.shape == (1437, 64)
    assert digits.test.x_V.shape == (360, 64)
    assert np.bincount(digits.test.y).tolist() == [36, 36, 35, 37, 36, 37, 36, 36, 35, 36]
    # Pinned: the split is part of every published number.
    assert digits.train.y[:10].tolist() == load_digits(1, 0.0, 1.0).train.y[:10].tolist()
    assert digits.train.y[:10].tolist() != load_digits(2, 0.0, 1.0).train.y[:10].tolist()
    assert digits.validates_on_test


def test_pixels_become_voltages():
    images = np.sort(sklearn_digits().images.reshape(-1, 64).sum(axis=1) / 16)
    digits = load_digits(0, 0.0, 1.0)
    assert np.allclose(np.sort(np.concatenate([digits.train.x_V.sum(1), digits.test.x_V.sum(1)])), images)
    shifted = load_digits(0, -0.5, 0.25)
    assert np.allclose(shifted.train.x_V, -0.5 + 0.75 * digits.train.x_V)
    assert (shifted.train.x_V.min(), shifted.train.x_V.max()) == (-0.5, 0.25)


def test_limits_cut_after_the_split():
    whole, cut = load_digits(3, 0, 1), load_digits(3, 0, 1, train_limit=50, test_limit=20)
    assert np.array_equal(cut.train.x_V, whole.train.x_V[:50])
    assert np.array_equal(cut.test.y, whole.test.y[:20])


def test_a_validation_split_leaves_the_test_set_alone():
    whole, split = load_digits(3, 0, 1), load_digits(3, 0, 1, val_split=0.2)
    assert np.array_equal(split.test.x_V, whole.test.x_V)
    assert not split.validates_on_test
    assert len(split.val.y) + len(split.train.y) == 1437
    assert len(split.val.y) == 288
    rows = {row.tobytes() for row in split.train.x_V}
    assert not any(row.tobytes() in rows for row in split.val.x_V)


def test_a_split_too_small_for_ten_classes_is_refused():
    with pytest.raises(InputError, match=r"--val-split 0\.001"):
        load_digits(0, 0, 1, val_split=0.001)
