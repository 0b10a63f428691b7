"""The image sets of the study, in memory as bytes, once per process and device."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from common.datasets import Dataset, load
from common.errors import InputError

if TYPE_CHECKING:
    import torch

    from common.replicas.batches import Images
    from corruption_study.config import TrainConfig

# The bundled digits are scaled up to MNIST's size, so that every network takes them.
_NAMES = {"digits": "digits28"}


def load_images(config: TrainConfig) -> Dataset:
    """The whole image set of a run.

    Raises:
        InputError: the files are missing and cannot be downloaded.
    """
    return load(_NAMES.get(config.dataset, config.dataset), config.data_root)


def check_images(config: TrainConfig) -> None:
    """Raise InputError where there are no images, or fewer training images than max_train_samples."""
    most = len(load_images(config).train_x)
    if config.max_train_samples is not None and config.max_train_samples > most:
        raise InputError(f"argument --max-train-samples: {config.max_train_samples}, allowed: at most {most}")


def training_and_test(
    config: TrainConfig, device: torch.device | str = "cpu", *, kernels: bool = True
) -> tuple[Images, Images]:
    """Images to train on (the first `max_train_samples`) and all test images."""
    return _placed(load_images(config), config.max_train_samples, str(device), kernels)


@functools.lru_cache(maxsize=4)
def _placed(data: Dataset, most: int | None, device: str, kernels: bool) -> tuple[Images, Images]:
    from common.replicas.batches import Images

    train = Images(data.train_x[:most], data.train_y[:most], data.pixel_max, device, kernels=kernels)
    return train, Images(data.test_x, data.test_y, data.pixel_max, device, kernels=kernels)
