"""Kinds of corruption: one file each, listed in `CORRUPTIONS`.

A kind is a `Corruption`. Its definition is the function in NumPy; formulas for a compiled kernel and for tensors make
it fast, and tests compare them with the definition. Importing this loads none of numpy, numba and torch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from common.plugins import Registry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from corruption_study.corruptions.draw import Draw

    Images = Callable[[NDArray[np.float32], float, Draw], NDArray[Any]]
    Labels = Callable[[NDArray[np.int64], float, np.random.Generator], NDArray[np.int64]]
    Tensors = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Corruption:
    """What a strength p from 0 to 1 does to a training set; none of the functions is called for p = 0.

    Attributes:
        label: its name in figures, e.g. "uniform noise".
        strength: what p means, as a sentence.
        images: the definition for images: from clean ones (B, 28, 28), float32 in [0, 1], p and `draw` to corrupted
            ones of the same shape. Called for every batch. `draw` gives random numbers that depend on the run's seed,
            the epoch and the image alone; with numbers from elsewhere a resumed run would end differently. None: images
            are not changed.
        labels: the definition for labels: from all training labels (N,), p and a generator to new labels. Called once
            a run. None: labels are not changed.
        pixel: `images` for one pixel, compiled into the CPU kernel: from the clean value, the pixel's 64 random bits
            (those of `draw.bits()`), p, and the limit below which the upper 32 bits lie with probability p. It may use
            only what numba compiles. None: the CPU runs `images`.
        tensors: `images` for tensors on a GPU, with the arguments of `pixel`: clean values and bits (R, B, D), p and
            limits (R, 1, 1). None: `images` runs on the CPU, and the result is copied back.
    """

    label: str
    strength: str
    images: Images | None = None
    labels: Labels | None = None
    pixel: Callable[[Any, Any, Any, Any], Any] | None = None
    tensors: Tensors | None = None


CORRUPTIONS: Registry[Corruption] = Registry(
    "corruption",
    "corruption_study.corruptions:Corruption",
    {
        "uniform": "corruption_study.corruptions.uniform:UNIFORM",
        "gaussian": "corruption_study.corruptions.gaussian:GAUSSIAN",
        "salt-pepper": "corruption_study.corruptions.salt_pepper:SALT_PEPPER",
        "blank": "corruption_study.corruptions.blank:BLANK",
        "shuffle-labels": "corruption_study.corruptions.shuffle_labels:SHUFFLE_LABELS",
    },
)
