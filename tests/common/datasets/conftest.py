"""A small Fashion-MNIST in the published format."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for dataset_files

from dataset_files import write_idx_set


@pytest.fixture
def fashion(tmp_path):
    return SimpleNamespace(
        root=tmp_path, raw=tmp_path / "FashionMNIST/raw", arrays=write_idx_set(tmp_path / "FashionMNIST/raw")
    )
