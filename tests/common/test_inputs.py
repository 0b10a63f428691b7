"""Files from outside: whole or refused in one line."""

import io
import os
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from common.errors import InputError
from common.inputs import Arrays, read_array, read_arrays, read_bytes, read_json, read_text, read_toml


def refused(read, path: Path, *words: str) -> None:
    with pytest.raises(InputError) as caught:
        read(path, "thing")
    message = str(caught.value)
    assert message.startswith(f"thing {path}"[:80])
    assert len(message) < 400
    assert "\n" not in message
    for word in words:
        assert word in message


def test_what_is_no_regular_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    refused(read_bytes, tmp_path / "fifo", "not a regular file")
    refused(read_bytes, Path("/dev/zero"), "not a regular file")
    refused(read_bytes, tmp_path, "is a folder")
    refused(read_bytes, tmp_path / "none", "no such file")
    refused(read_bytes, tmp_path / ("x" * 300), "too long")


def test_a_file_above_the_limit_is_refused_before_it_is_read(tmp_path):
    with open(tmp_path / "sparse", "wb") as stream:
        stream.truncate(1 << 40)
    refused(read_bytes, tmp_path / "sparse", "too large")


def test_text_is_utf_8_with_or_without_a_byte_order_mark(tmp_path):
    path = tmp_path / "text"
    path.write_bytes(b"\xef\xbb\xbfa\xc2\xb5")
    assert read_text(path, "thing") == "aµ"
    path.write_bytes(b"a\xb5")
    refused(read_text, path, "not UTF-8", "byte 1")


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, '{"a":' * 300 + "1" + "}" * 300, "[1]", "3", "{", "1" * 5000]
)
def test_json_that_is_no_object_is_refused(tmp_path, text):
    path = tmp_path / "file.json"
    path.write_text(text)
    refused(read_json, path)


@pytest.mark.parametrize("text", ["a = " + "[" * 100_000, "a = ", "a = 1\na = 2"])
def test_toml_that_is_damaged_is_refused(tmp_path, text):
    path = tmp_path / "file.toml"
    path.write_text(text)
    refused(read_toml, path)


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def header(text: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


def test_arrays_come_back_as_they_were_written(tmp_path):
    path = tmp_path / "arrays.npz"
    np.savez_compressed(path, a=np.arange(6.0).reshape(2, 3).T, b=np.array("text"))
    arrays = read_arrays(path, "thing")
    np.testing.assert_array_equal(arrays["a"], np.arange(6.0).reshape(2, 3).T)
    assert str(arrays["b"]) == "text"


@pytest.mark.parametrize(
    "content",
    [
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000000,), }\n"),
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }\n"),
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (" + "9" * 4000 + ",), }\n"),
        header("(" * 5000),
        header("{'descr': '|O', 'fortran_order': False, 'shape': (), }\n"),
        b"\x93NUMPY\x09\x00",
        b"",
        npy(np.arange(5))[:-1],
    ],
)
def test_an_array_whose_header_lies_is_refused_before_it_is_allocated(tmp_path, content):
    (tmp_path / "a.npy").write_bytes(content)
    refused(read_array, tmp_path / "a.npy")
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", content)
    refused(read_arrays, tmp_path / "a.npz", "array a")


def test_archives_that_are_encrypted_or_too_large_unpacked_are_refused(tmp_path):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", npy(np.zeros(1 << 20)))
    refused(lambda place, what: read_arrays(place, what, 1 << 20), path, "unpacks to 8 MiB")
    content = bytearray(path.read_bytes())
    content[content.rfind(b"PK\x01\x02") + 8] |= 1  # the flag of encryption, in the directory
    path.write_bytes(content)
    refused(read_arrays, path, "encrypted")


def test_a_damaged_array_that_is_not_read_does_no_harm(tmp_path):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", npy(np.arange(3)))
        archive.writestr("b.npy", b"rubbish")
    archive = Arrays(path, "thing")
    assert archive.names == ("a", "b")
    np.testing.assert_array_equal(archive["a"], [0, 1, 2])
    with pytest.raises(InputError, match="array b is damaged"):
        archive["b"]
    with pytest.raises(InputError, match="array c is missing"):
        archive["c"]
