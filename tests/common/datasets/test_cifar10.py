"""CIFAR-10: pickles of Python 2 that are read without running what a pickle may hold."""

import hashlib
import os
import pickle
import struct
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from dataset_files import error_of

from common import datasets
from common.datasets import load


def python2_batch(data: np.ndarray, labels: list[int]) -> bytes:
    """Pickle {"data": data, "labels": labels} as the published files are: Python 2, protocol 2, old NumPy."""
    buffer = data.tobytes()
    shape = b"K\x01" + b"".join(b"M" + struct.pack("<H", size) for size in data.shape) + b"\x86"
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R("
        + shape + b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R"
        + b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        + b"\x89T" + struct.pack("<I", len(buffer)) + buffer + b"tb"
    )  # fmt: skip
    listed = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    return b"\x80\x02}(U\x04data" + array + b"U\x06labels" + listed + b"u."


@pytest.fixture
def cifar(tmp_path, monkeypatch):
    """Six batches of 4 images whose sums stand in for the published ones."""
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    rng = np.random.default_rng(1)
    batches, sums = {}, {}
    for name in datasets._CIFAR_MD5:
        planes, labels = rng.integers(0, 256, (4, 3072), dtype=np.uint8), rng.integers(0, 10, 4).tolist()
        content = python2_batch(planes, labels)
        (folder / name).write_bytes(content)
        batches[name], sums[name] = (planes, labels), hashlib.md5(content).hexdigest()
    monkeypatch.setattr(datasets, "_CIFAR_MD5", sums)
    return SimpleNamespace(root=tmp_path, folder=folder, batches=batches)


def test_cifar10(cifar):
    data = load("CIFAR10", cifar.root, download=False)
    assert (data.train_x.shape, data.test_x.shape) == ((20, 32, 32, 3), (4, 32, 32, 3))
    planes, labels = cifar.batches["data_batch_2"]  # images 4 to 7: red plane, green plane, blue plane
    assert data.train_x[5, 2, 7].tolist() == [int(planes[1, c * 1024 + 2 * 32 + 7]) for c in range(3)]
    assert data.train_y[4:8].tolist() == labels
    assert data.test_y.tolist() == cifar.batches["test_batch"][1]
    assert data.train_y.dtype == np.int64
    assert not data.train_x.flags.writeable


def test_cifar10_sums_are_those_of_torchvision():
    pytest.importorskip("torch")
    torchvision = pytest.importorskip("torchvision")
    published = torchvision.datasets.CIFAR10.train_list + torchvision.datasets.CIFAR10.test_list
    assert dict(published) == datasets._CIFAR_MD5
    assert list(datasets._CIFAR_MD5)[-1] == "test_batch"


class _Evil:
    def __reduce__(self):
        return (os.mkdir, (str(Path(os.environ["EVIL"])),))


def test_another_pickle_is_never_unpickled(cifar, monkeypatch, tmp_path):
    monkeypatch.setenv("EVIL", str(tmp_path / "evil"))
    path = cifar.folder / "data_batch_3"
    path.write_bytes(pickle.dumps({"data": _Evil()}, protocol=2))
    assert f"{path} is not the published file (its MD5 sum differs)" in error_of("cifar10", cifar.root)
    assert not (tmp_path / "evil").exists()


def test_the_unpickler_refuses_everything_but_arrays(monkeypatch, tmp_path):
    # The second line of defence, were the first to fail: a file whose sum is right.
    monkeypatch.setenv("EVIL", str(tmp_path / "evil"))
    path = tmp_path / "batch"
    path.write_bytes(pickle.dumps({"data": _Evil()}, protocol=2))
    with pytest.raises(pickle.UnpicklingError, match="mkdir is not allowed"):
        datasets._read_cifar_batch(path, hashlib.md5(path.read_bytes()).hexdigest())
    assert not (tmp_path / "evil").exists()


def test_truncated_cifar_batch(cifar):
    path = cifar.folder / "test_batch"
    path.write_bytes(path.read_bytes()[:-5])
    assert f"{path} is not the published file" in error_of("cifar10", cifar.root)
