"""Downloads arrive whole or not at all."""

from types import SimpleNamespace

import pytest
from dataset_files import TRAIN_X, error_of, write_idx_set

from common import datasets, idx_files
from common.datasets import load


def test_download_once_and_whole(tmp_path, monkeypatch):
    calls = []

    def fetch(name, staging):
        calls.append((name, staging))
        write_idx_set(staging / "FashionMNIST/raw")
        (staging / "FashionMNIST/raw" / f"{TRAIN_X}.gz").write_bytes(b"the archive")

    monkeypatch.setattr(datasets, "_fetch", fetch)
    root = tmp_path / "new"
    assert len(load("fashion", root).train_x) == 7
    assert [name for name, _ in calls] == ["fashion-mnist"]
    assert calls[0][1].parent == root  # the same file system, so that the moves are atomic
    assert sorted(p.name for p in root.rglob("*") if p.is_file()) == sorted(idx_files.NAMES)
    assert [p.name for p in root.iterdir()] == ["FashionMNIST"]


@pytest.mark.parametrize("failure", [OSError("no\nroute"), RuntimeError("bad sum"), ImportError("no torch")])
def test_failed_download_leaves_nothing(tmp_path, monkeypatch, failure):
    def fetch(name, staging):
        half = staging / "FashionMNIST/raw"
        half.mkdir(parents=True)
        (half / TRAIN_X).write_bytes(b"half")
        raise failure

    monkeypatch.setattr(datasets, "_fetch", fetch)
    message = error_of("fashion", tmp_path / "new")
    assert f"no fashion-mnist in {tmp_path / 'new/FashionMNIST/raw'} (download failed: " in message
    assert "--dataset digits" in message
    assert list(tmp_path.iterdir()) == []


def test_interrupted_download_leaves_nothing_that_passes_for_good(tmp_path, monkeypatch):
    def fetch(name, staging):
        write_idx_set(staging / "FashionMNIST/raw")
        raise KeyboardInterrupt

    monkeypatch.setattr(datasets, "_fetch", fetch)
    with pytest.raises(KeyboardInterrupt):
        load("fashion", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_download_that_brings_too_little(tmp_path, monkeypatch):
    def fetch(name, staging):
        (staging / "FashionMNIST/raw").mkdir(parents=True)

    monkeypatch.setattr(datasets, "_fetch", fetch)
    assert f"{TRAIN_X} is missing after the download" in error_of("fashion", tmp_path)


def test_fetch_asks_torchvision_with_a_timeout_and_restores_it(tmp_path, monkeypatch):
    asked = []

    def recorder(root, *, train, download):
        asked.append((root, train, download, datasets.socket.getdefaulttimeout()))

    fake = SimpleNamespace(FashionMNIST=recorder)
    monkeypatch.setattr(datasets.importlib, "import_module", {"torchvision.datasets": fake}.__getitem__)
    before = datasets.socket.getdefaulttimeout()
    datasets._fetch("fashion-mnist", tmp_path)
    assert asked == [(tmp_path, True, True, datasets._DOWNLOAD_TIMEOUT_S)]
    assert datasets.socket.getdefaulttimeout() == before
