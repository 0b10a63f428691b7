"""Small files in the published formats, and the message of a failed reading."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from common import idx_files
from common.datasets import load
from common.errors import InputError

TRAIN_X, TRAIN_Y, TEST_X, TEST_Y = idx_files.NAMES


def idx(array: np.ndarray) -> bytes:
    return bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write_idx_set(raw: Path, zipped: bool = False) -> dict[str, np.ndarray]:
    """Write a set of 7 training and 3 test images; return its arrays by file name."""
    rng = np.random.default_rng(0)
    arrays = {}
    for images, labels, n in ((TRAIN_X, TRAIN_Y, 7), (TEST_X, TEST_Y, 3)):
        arrays[images] = rng.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        arrays[labels] = rng.integers(0, 10, n, dtype=np.uint8)
    raw.mkdir(parents=True)
    for name, array in arrays.items():
        path = raw / (f"{name}.gz" if zipped else name)
        path.write_bytes(gzip.compress(idx(array)) if zipped else idx(array))
    return arrays


def error_of(*arguments, **keywords) -> str:
    with pytest.raises(InputError) as caught:
        load(*arguments, **keywords)
    message = str(caught.value)
    assert "\n" not in message
    return message
