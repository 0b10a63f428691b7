"""Files are whole or not there; appended lines are whole."""

import errno
import json
import os
import textwrap
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.errors import InputError
from common.runs import files
from common.runs.lock import FolderLock
from common.runs.process import machine


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


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(value=JSON)
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_json_has_the_bytes_of_the_standard_library(tmp_path, value):
    files.write_json(tmp_path / "a.json", value)
    assert (tmp_path / "a.json").read_bytes() == json.dumps(value, indent=2).encode() + b"\n"


def test_a_file_is_written_to_its_end_by_a_system_that_takes_it_in_parts(tmp_path, monkeypatch):
    write = os.write
    monkeypatch.setattr(files.os, "write", lambda handle, data: write(handle, data[:7]))
    files.write_array(tmp_path / "a.npy", np.arange(100))
    assert np.load(tmp_path / "a.npy").tolist() == list(range(100))
    assert os.listdir(tmp_path) == ["a.npy"]


def test_arrays_of_objects_are_refused(tmp_path):
    with pytest.raises(ValueError, match="allow_pickle"):
        files.write_array(tmp_path / "a.npy", np.array([{}, None]))
    assert os.listdir(tmp_path) == []


def leave(folder, name, *, age_s=0):
    path = folder / name
    path.write_text("half")
    os.utime(path, (time.time() - age_s,) * 2)
    return name


def test_what_killed_processes_left_goes_with_the_first_file_written_beside_it(tmp_path):
    gone, here = 2**22 + 1, machine()
    for name in (f".a.npz.{here}-{gone}.tmp", f".probe.{here}-{gone}.tmp", f".{'b' * 200}.{here}-{gone}.tmp"):
        leave(tmp_path, name)
    leave(tmp_path, f".a.npz.0badcafe-{gone}.tmp", age_s=90000)  # another machine's, of days ago
    kept = {
        leave(tmp_path, f".a.npz.{here}-{os.getppid()}.tmp"),
        leave(tmp_path, f".a.npz.0badcafe-{gone}.tmp2", age_s=90000),
        leave(tmp_path, f".b.npz.0badcafe-{gone}.tmp"),
        leave(tmp_path, ".notes.tmp", age_s=90000),
    }
    files.write_text(tmp_path / "new.txt", "new")
    assert set(os.listdir(tmp_path)) == {"new.txt", *kept}


def test_the_holder_of_a_folder_removes_everything_of_that_kind(tmp_path):
    leave(tmp_path, ".a.npz.123.tmp")  # as earlier versions called them
    leave(tmp_path, ".run.lock.0123.tmp")
    with FolderLock(tmp_path):
        assert os.listdir(tmp_path) == ["run.lock"]


def test_a_process_that_is_killed_in_the_middle_of_a_file_leaves_nothing_for_long(python, tmp_path):
    program = """
        import os, pathlib, signal
        from common.runs.files import atomic_writer
        with atomic_writer(pathlib.Path("a.bin")) as stream:
            stream.write(b"half")
            stream.flush()
            os.kill(os.getpid(), signal.SIGKILL)
    """
    assert python("-c", textwrap.dedent(program)).wait(30) == -9
    assert len(os.listdir(tmp_path)) == 1
    files.write_text(tmp_path / "b.txt", "")
    assert os.listdir(tmp_path) == ["b.txt"]


def test_growing_files_that_are_none_are_refused(tmp_path):
    os.mkfifo(tmp_path / "metrics.csv")
    with pytest.raises(InputError, match="is not a regular file"):
        files.read_lines(tmp_path / "metrics.csv")
