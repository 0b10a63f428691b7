"""MNIST where people have it, under the names that people give it, and in place of it what is no such file."""

import gzip
import os
import tracemalloc

import numpy as np
import pytest
from dataset_files import TEST_X, TRAIN_X, TRAIN_Y, error_of, idx, write_idx_set

from common.datasets import data_files, load
from common.idx_files import NAMES


def dotted(folder):
    for path in list(folder.iterdir()):
        path.rename(folder / path.name.replace("-idx", ".idx"))


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("spelling", [lambda folder: None, dotted], ids=["as published", "dotted"])
@pytest.mark.parametrize("place", ["MNIST/raw", "MNIST", "mnist", "mnist/raw", "Mnist"])
def test_files_are_found_in_other_places_and_under_other_names(tmp_path, place, spelling, zipped):
    arrays = write_idx_set(tmp_path / place, zipped)
    spelling(tmp_path / place)
    data = load("mnist", tmp_path, download=False)
    np.testing.assert_array_equal(data.train_x, arrays[TRAIN_X])
    copies = data_files("mnist", tmp_path)
    assert sorted(copies) == sorted(f"MNIST/raw/{name}{'.gz' * zipped}" for name in NAMES)  # as torchvision has them
    assert all(path.is_file() for path in copies.values())


@pytest.mark.parametrize("given", ["MNIST", "MNIST/raw"])
def test_the_sets_own_folder_will_do_for_a_data_root(tmp_path, given):
    write_idx_set(tmp_path / "MNIST/raw")
    assert len(load("mnist", tmp_path / given, download=False).train_y) == 7


def test_loose_files_are_named_and_not_taken(tmp_path):
    """MNIST and Fashion-MNIST have the same names: loose files may be either."""
    write_idx_set(tmp_path / "root")
    for name in ("mnist", "fashion-mnist"):
        message = error_of(name, tmp_path / "root", download=False)
        assert f"move the files in {tmp_path / 'root'} into {tmp_path / 'root'}/" in message
        assert f"if they are {name}'s" in message


def test_a_good_copy_beside_a_damaged_one_is_read(tmp_path):
    raw = tmp_path / "MNIST/raw"
    arrays = write_idx_set(raw)
    path = raw / TRAIN_X
    (raw / f"{TRAIN_X}.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.write_bytes(path.read_bytes()[:-100])
    np.testing.assert_array_equal(load("mnist", tmp_path, download=False).train_x, arrays[TRAIN_X])
    assert data_files("mnist", tmp_path)[f"MNIST/raw/{TRAIN_X}.gz"] == raw / f"{TRAIN_X}.gz"


def test_a_bomb_is_not_unpacked(tmp_path):
    raw = tmp_path / "MNIST/raw"
    write_idx_set(raw, zipped=True)
    content = idx(np.zeros((3, 28, 28), np.uint8))
    (raw / f"{TEST_X}.gz").write_bytes(gzip.compress(content + bytes(200 << 20), compresslevel=1))
    tracemalloc.start()
    assert "has more bytes where its header says 2368" in error_of("mnist", tmp_path, download=False)
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()
    (raw / f"{TEST_X}.gz").write_bytes(gzip.compress(b"\0\0\10\3" + b"\xff" * 4 + b"\0\0\0\x1c" * 2 + bytes(1000)))
    assert "is too large: its header says" in error_of("mnist", tmp_path, download=False)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (os.mkfifo, "is not a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "is not a regular file"),
        (os.mkdir, "is a folder"),
    ],
    ids=["fifo", "device", "folder"],
)
@pytest.mark.parametrize(("name", "file"), [("mnist", TRAIN_Y), ("cifar10", "data_batch_1")])
def test_what_is_no_file_is_refused_at_once(tmp_path, name, file, make, said):
    raw = tmp_path / ("MNIST/raw" if name == "mnist" else "cifar-10-batches-py")
    if name == "mnist":
        write_idx_set(raw)
        (raw / file).unlink()
    else:
        raw.mkdir()
        for batch in (*(f"data_batch_{number}" for number in range(2, 6)), "test_batch"):
            (raw / batch).touch()
    make(raw / file)
    assert f"{raw / file}: {said}" in error_of(name, tmp_path, download=False)


def test_names_that_no_folder_has():
    assert "is too long" in error_of("mnist", "x" * 300)
    assert "no mnist in" in error_of("mnist", "~nobody-has-this-name/data", download=False)
