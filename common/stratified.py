"""scikit-learn's stratified split, without scikit-learn, whose import takes longer than a short training."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


def stratified_split(labels: NDArray[Any], test_size: float, seed: int) -> tuple[Indices, Indices]:
    """Where scikit-learn's train_test_split(..., random_state=seed, stratify=labels) puts each sample.

    Its random draws, in its order: the ties of both parts, a permutation of each class, one of each part.

    Args:
        labels: (N,), the class of each sample.
        test_size: share of the test part, in (0, 1).
        seed: of NumPy's RandomState.

    Returns:
        Indices of the training part and of the test part.

    Raises:
        ValueError: a part would have fewer samples than there are classes, or a class has one member.
    """
    counts, members = _classes(labels)
    n_test = math.ceil(test_size * len(labels))
    n_train = len(labels) - n_test
    for name, size in (("train", n_train), ("test", n_test)):
        if size < len(counts):
            classes = f"the number of classes = {len(counts)}"
            raise ValueError(f"The {name}_size = {size} should be greater or equal to {classes}")
    rng = np.random.RandomState(seed)
    of_train = _shares(counts, n_train, rng)
    of_test = _shares(counts - of_train, n_test, rng)
    train, test = [], []
    for where, first, second in zip(members, of_train, of_test, strict=True):
        shuffled = where[rng.permutation(len(where))]
        train.append(shuffled[:first])
        test.append(shuffled[first : first + second])
    return rng.permutation(np.concatenate(train)), rng.permutation(np.concatenate(test))


def _classes(labels: NDArray[Any]) -> tuple[Indices, list[Indices]]:
    """The number of samples of each class, and which they are."""
    classes, numbers, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if counts.min() < 2:
        few = f"Classes with too few members are: {classes[counts < 2].tolist()}"
        raise ValueError(f"The least populated classes in y have only 1 member, which is too few. {few}")
    return counts, np.split(np.argsort(numbers, kind="stable"), np.cumsum(counts)[:-1])


def _shares(counts: Indices, draws: int, rng: np.random.RandomState) -> Indices:
    """How many of `draws` samples each class gives: its share rounded down, and one more where most is cut off.

    Ties between the rests that are cut off are broken at random.
    """
    exact = counts / counts.sum() * draws
    shares: Indices = np.floor(exact).astype(np.int64)
    rest, missing = exact - shares, int(draws - shares.sum())
    for value in np.unique(rest)[::-1]:
        if missing <= 0:
            break
        tied = np.flatnonzero(rest == value)
        more = rng.choice(tied, size=min(len(tied), missing), replace=False)
        shares[more] += 1
        missing -= len(more)
    return shares
