"""The images of a data set in the form that both engines use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from aanntwin.config import DATASETS, Settings
from common.datasets import load

if TYPE_CHECKING:
    from torch import Tensor

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]


def load_split(settings: Settings, train: bool) -> tuple[Images, Labels]:
    """Images (N, C, H, W) of bytes 0 to 255, and labels (N,), of the training or the test set.

    Raises:
        InputError: the data set is missing.
    """
    dataset = load(DATASETS[settings.dataset_name], settings.data_root)
    images, labels = (dataset.train_x, dataset.train_y) if train else (dataset.test_x, dataset.test_y)
    return planar(images), labels


def planar(images: Images) -> Images:
    """Images as (N, C, H, W), from that or from (N, H, W) or (N, H, W, 3)."""
    if images.ndim == 3:
        return images[:, None]
    if images.shape[-1] == 3 and images.shape[1] != 3:
        return np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    return images


def brightness(images: Images) -> Tensor:
    """A float tensor (N, C, H, W) with 1 for full brightness."""
    import torch

    return torch.from_numpy(np.array(planar(images))).to(torch.float32) / 255
