"""The images of the study: MNIST, or scikit-learn's digits at its size, split as the study splits them.

data = load_study("mnist")            # 50,000 training, 10,000 validation, 10,000 test images
x = as_inputs(data.train_x)           # float32 tensor (50000, 784), normalised
zeror(data.val_y)                     # 11.02: percent of the largest class
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from common.datasets import as_tensor, load
from common.errors import InputError

if TYPE_CHECKING:
    import torch

DATASETS = ("mnist", "digits")
MEAN, STD = 0.1307, 0.3081
SPLIT_SEED = 1337
# One in six, which is 10,000 of MNIST's 60,000 and 239 of the 1,437 digits.
VALIDATION_SHARE = 6
# 1,102 of MNIST's 10,000 validation images show a one; psa-analyze-dataset counts them.
MNIST_VALIDATION_ZEROR = 11.02

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class StudyData:
    """Images (N, 28, 28), uint8, and labels (N,), int64, of the three parts; read-only."""

    name: str
    train_x: Images
    train_y: Labels
    val_x: Images
    val_y: Labels
    test_x: Images
    test_y: Labels


def split_indices(count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of the training and the validation images among the first `count`.

    `torch.utils.data.random_split` with a generator seeded 1337, as the study does; one in six goes to validation.
    """
    import torch
    from torch.utils.data import random_split

    held_out = count // VALIDATION_SHARE
    everything: Any = range(count)  # all that random_split needs of a dataset is its length
    generator = torch.Generator().manual_seed(SPLIT_SEED)
    train, validation = random_split(everything, [count - held_out, held_out], generator)
    return np.array(train.indices, dtype=np.int64), np.array(validation.indices, dtype=np.int64)


def load_study(name: str, root: str | os.PathLike[str] | None = None) -> StudyData:
    """The three parts of a data set.

    digits replaces MNIST where it cannot be downloaded: the 8x8 digits scaled up to 28x28 (common.datasets), 1,437 of
    them split 1,198 to 239, and 360 for testing. MNIST's mean and deviation serve both.

    Args:
        name: mnist or digits.
        root: folder that holds MNIST; by default $NONIDEAL_DATA, else ./data.

    Raises:
        InputError: unknown name, or MNIST is not there and cannot be downloaded.
    """
    if name not in DATASETS:
        raise InputError(f"dataset is {name!r}, allowed: {', '.join(DATASETS)}")
    whole = load("digits28" if name == "digits" else name, root)
    train, validation = split_indices(len(whole.train_y))
    parts = (whole.train_x[train], whole.train_y[train], whole.train_x[validation], whole.train_y[validation])
    for array in parts:
        array.setflags(write=False)
    return StudyData(name, *parts, whole.test_x, whole.test_y)


def as_inputs(images: Images) -> torch.Tensor:
    """(N, 28, 28) bytes as (N, 784) float32: scaled to 0..1, less MEAN, divided by STD, in that order."""
    flat = as_tensor(images).reshape(len(images), -1)
    # The same three float32 operations as torchvision's ToTensor and Normalize, so the same bits.
    return flat.float().div_(255).sub_(MEAN).div_(STD)


def zeror(labels: Labels) -> float:
    """Accuracy in percent of always naming the largest class (ZeroR)."""
    return 100.0 * int(np.bincount(labels).max()) / len(labels)


def validation_zeror(name: str, root: str | os.PathLike[str] | None = None) -> float:
    """ZeroR of the validation part, from its labels: 11.02 for mnist."""
    return zeror(load_study(name, root).val_y)
