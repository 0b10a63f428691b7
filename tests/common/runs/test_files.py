"""Files are whole or not there; appended lines are whole."""

import errno
import json
import os

import numpy as np
import pytest

from common.runs import files


def test_atomic_writer_replaces_only_when_the_block_ends_well(tmp_path):
    path = tmp_path / "a.txt"
    files.write_text(path, "old")

    def fail():
        with files.atomic_writer(path) as stream:
            stream.write(b"half of the new")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "old"
    with files.atomic_writer(path, durable=True) as stream:
        stream.write(b"new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_full_disk_names_the_file_and_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    files.write_text(path, "old")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "replace", full)
    with pytest.raises(OSError, match="No space left on device") as problem:
        files.write_text(path, "new")
    assert problem.value.filename == str(path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_line_that_does_not_fit_is_taken_back(tmp_path, monkeypatch):
    path = tmp_path / "log.txt"
    files.append_line(path, "first")
    write = os.write
    monkeypatch.setattr(files.os, "write", lambda handle, data: write(handle, data[:3]))
    with pytest.raises(OSError, match="No space left on device"):
        files.append_line(path, "second")
    assert path.read_text() == "first\n"


def test_readers_drop_a_torn_last_line(tmp_path):
    path = tmp_path / "log.txt"
    path.write_bytes(b"one\ntwo\nthr")
    assert files.read_lines(path) == ["one", "two"]
    path.write_bytes(b"thr")
    assert files.read_lines(path) == []
    assert files.read_lines(tmp_path / "missing") == []


def test_appending_after_a_torn_line_does_not_join_it(tmp_path):
    path = tmp_path / "log.txt"
    path.write_bytes(b"one\ntw")
    files.append_line(path, "three")
    assert files.read_lines(path) == ["one", "three"]


def test_json_takes_numpy_and_writes_no_nan(tmp_path):
    path = tmp_path / "a.json"
    files.write_json(path, {"a": np.float64("nan"), "b": np.arange(2), 3: (True, None, np.int64(4)), "p": tmp_path})
    assert json.loads(path.read_text()) == {"a": None, "b": [0, 1], "3": [True, None, 4], "p": str(tmp_path)}


def test_arrays_of_objects_are_refused(tmp_path):
    with pytest.raises(ValueError, match="allow_pickle"):
        files.write_array(tmp_path / "a.npy", np.array([{}, None]))
    assert os.listdir(tmp_path) == []
