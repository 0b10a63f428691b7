"""Data sets: the real files where they are, synthetic ones in the same formats, and ways they can be bad."""

import hashlib
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from dataset_files import TEST_X, TEST_Y, TRAIN_X, TRAIN_Y, error_of, idx, write_idx_set

from common import datasets, idx_files
from common.datasets import Dataset, as_tensor, load, upscale_digits
from common.digits import digits_images

# --- the real thing and the digits --------------------------------------------------------------------------


def test_real_mnist(mnist_root):
    data = load("mnist", mnist_root, download=False)
    assert (data.train_x.shape, data.test_x.shape) == ((60000, 28, 28), (10000, 28, 28))
    assert (int(data.train_x.sum()), int(data.test_x.sum())) == (1567298545, 264923200)
    assert np.bincount(data.train_y).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(data.test_y).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert data.train_y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert (data.name, data.n_classes, data.pixel_max, data.image_shape) == ("mnist", 10, 255, (28, 28))


def test_real_mnist_equals_torchvisions(mnist_root):
    torchvision = pytest.importorskip("torchvision")
    data = load("mnist", mnist_root, download=False)
    test = torchvision.datasets.MNIST(mnist_root, train=False)
    np.testing.assert_array_equal(data.test_x, test.data.numpy())
    np.testing.assert_array_equal(data.test_y, test.targets.numpy())


@pytest.mark.parametrize(
    ("name", "shape", "pixel_max", "hashes"),
    [
        ("digits", (8, 8), 16, ("5760f944f9d45833", "3cc232bd25364446")),
        ("digits28", (28, 28), 255, ("25a15c5a241cf6a2", "700d59bdd9bdc269")),
    ],
)
def test_digits(name, shape, pixel_max, hashes):
    data = load(name)
    assert (data.train_x.shape, data.test_x.shape) == ((1437, *shape), (360, *shape))
    assert (data.train_x.dtype, data.train_y.dtype) == (np.uint8, np.int64)
    assert data.pixel_max == data.train_x.max() == pixel_max
    assert np.bincount(data.test_y).tolist() == [36, 36, 35, 37, 36, 37, 36, 36, 35, 36]
    found = tuple(hashlib.sha256(x.tobytes()).hexdigest()[:16] for x in (data.train_x, data.test_x))
    assert found == hashes, "the split or the scaling has changed: recorded accuracies no longer compare"


def test_digits_are_those_of_scikit_learn_and_none_is_in_both_parts():
    images, labels = digits_images()
    data = load("digits")
    both = np.concatenate([data.train_x, data.test_x]).reshape(-1, 64)
    assert images.shape == (1797, 8, 8)
    assert sorted(map(bytes, both)) == sorted(map(bytes, images.reshape(-1, 64)))
    assert np.bincount(np.concatenate([data.train_y, data.test_y])).tolist() == np.bincount(labels).tolist()


def test_upscaling_equals_an_independent_bilinear():
    torch = pytest.importorskip("torch")
    images, _ = digits_images()
    small = torch.from_numpy(images[:50].copy()).double()[:, None] * (255 / 16)
    large = torch.nn.functional.interpolate(small, (28, 28), mode="bilinear", align_corners=False)[:, 0]
    difference = upscale_digits(images[:50]) - large.numpy()
    assert np.abs(difference).max() <= 0.5 + 1e-9  # rounding alone


def test_upscaling_keeps_a_flat_image_and_the_symmetry():
    levels = np.arange(17, dtype=np.uint8)
    flat = upscale_digits(np.broadcast_to(levels[:, None, None], (17, 8, 8)))
    np.testing.assert_array_equal(flat[:, 3, 5], np.floor(levels.astype(float) * 255 / 16 + 0.5))
    assert (flat.reshape(17, -1).min(1) == flat.reshape(17, -1).max(1)).all()
    images, _ = digits_images()
    np.testing.assert_array_equal(upscale_digits(images[:9, ::-1]), upscale_digits(images[:9])[:, ::-1])
    np.testing.assert_array_equal(
        upscale_digits(images[:9].transpose(0, 2, 1)), upscale_digits(images[:9]).transpose(0, 2, 1)
    )


# --- reading, once ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zipped", [False, True])
def test_synthetic_fashion(tmp_path, zipped):
    arrays = write_idx_set(tmp_path / "FashionMNIST/raw", zipped)
    data = load("fashion-mnist", tmp_path, download=False)
    for found, name in zip((data.train_x, data.train_y, data.test_x, data.test_y), idx_files.NAMES, strict=True):
        np.testing.assert_array_equal(found, arrays[name])
    assert (data.train_x.dtype, data.train_y.dtype) == (np.uint8, np.int64)


def test_read_once_and_read_only(fashion):
    data = load("Fashion", fashion.root)
    for array in (data.train_x, data.train_y, data.test_x, data.test_y):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    (fashion.raw / TRAIN_X).unlink()
    assert load("fashion_mnist", str(fashion.root), download=False) is data


def test_threads_share_one_reading(fashion, monkeypatch):
    read = datasets._read

    def slow_read(*arguments):
        time.sleep(0.02)
        return read(*arguments)

    monkeypatch.setattr(datasets, "_read", slow_read)
    found: list[Dataset] = []
    threads = [threading.Thread(target=lambda: found.append(load("fashion", fashion.root))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len({id(data) for data in found}) == 1


def test_root_is_the_argument_then_the_variable_then_data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NONIDEAL_DATA", str(tmp_path / "variable"))
    assert datasets.data_root(tmp_path / "argument") == tmp_path / "argument"
    assert datasets.data_root() == tmp_path / "variable"
    monkeypatch.setenv("NONIDEAL_DATA", "")
    assert datasets.data_root() == tmp_path / "data"


def test_as_tensor_shares_memory_without_a_warning(fashion, recwarn):
    torch = pytest.importorskip("torch")
    data = load("fashion", fashion.root)
    tensor = as_tensor(data.train_x)
    assert tensor.dtype == torch.uint8
    assert tensor.data_ptr() == data.train_x.ctypes.data
    assert not list(recwarn)


def test_reading_loads_neither_torch_nor_sklearn(fashion):
    code = f"""
import sys
from common.datasets import load
load("fashion", {str(fashion.root)!r})
load("digits28")
print(sorted({{"torch", "torchvision", "sklearn"}} & set(sys.modules)))
"""
    out = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert out.stdout.strip() == "[]"


# --- bad files ----------------------------------------------------------------------------------------------


def test_unknown_name():
    assert error_of("svhn") == "dataset is 'svhn', allowed: mnist, fashion-mnist, cifar10, digits, digits28"


def test_missing_file_names_it_the_folder_and_the_way_out(fashion):
    (fashion.raw / TEST_Y).unlink()
    message = error_of("fashion", fashion.root, download=False)
    assert f"no fashion-mnist in {fashion.raw} ({TEST_Y} is missing)" in message
    assert "--dataset digits" in message
    assert "--data-root" in message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda content: content[:-1], "has 5503 bytes where its header says 5504"),
        (lambda content: content + b"\0", "has more bytes where its header says 5504"),
        (lambda content: content[:10], "is not an IDX file of 3-dimensional bytes"),
        (lambda content: b"", "is not an IDX file of 3-dimensional bytes"),
        (lambda content: b"<html>not found</html>", "is not an IDX file of 3-dimensional bytes"),
        (lambda content: idx(np.zeros((7, 32, 32), np.uint8)), "holds images of 32x32, allowed: 28x28"),
    ],
)
def test_bad_images(fashion, change, said):
    path = fashion.raw / TRAIN_X
    path.write_bytes(change(path.read_bytes()))
    assert f"{path} {said}" in error_of("fashion", fashion.root)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (np.zeros(6, np.uint8), "has 6 labels for 7 images"),
        (np.full(7, 10, np.uint8), "has the label 10, allowed: 0 to 9"),
    ],
)
def test_bad_labels(fashion, labels, said):
    (fashion.raw / TRAIN_Y).write_bytes(idx(labels))
    assert f"{fashion.raw / TRAIN_Y} {said}" in error_of("fashion", fashion.root)


def test_empty_set(fashion):
    (fashion.raw / TEST_X).write_bytes(idx(np.zeros((0, 28, 28), np.uint8)))
    (fashion.raw / TEST_Y).write_bytes(idx(np.zeros(0, np.uint8)))
    assert "0 labels for 0 images" in error_of("fashion", fashion.root)


@pytest.mark.parametrize(
    "change",  # cut off, no gzip at all, a wrong checksum, a block that is none
    [
        lambda c: c[:-20],
        lambda c: b"no gzip",
        lambda c: c[:-8] + b"xxxx" + c[-4:],
        lambda c: c[:10] + b"\xff" * 99,
    ],
)
def test_bad_gzip(tmp_path, change):
    write_idx_set(tmp_path / "FashionMNIST/raw", zipped=True)
    path = tmp_path / "FashionMNIST/raw" / f"{TEST_X}.gz"
    path.write_bytes(change(path.read_bytes()))
    assert f"{path} cannot be read (" in error_of("fashion", tmp_path)


def test_an_error_is_not_remembered(fashion):
    good = (fashion.raw / TRAIN_X).read_bytes()
    (fashion.raw / TRAIN_X).write_bytes(good[:-1])
    error_of("fashion", fashion.root)
    (fashion.raw / TRAIN_X).write_bytes(good)
    assert len(load("fashion", fashion.root).train_x) == 7
