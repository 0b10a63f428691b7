"""Fixtures unpacked into the temporary folder, and processes of the sweeps that they continue."""

import sys
import tarfile
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # for digest and golden
SOMEWHERE = b"/somewhere"


@pytest.fixture
def unpacked(tmp_path):
    """Unpack what the earlier version left of a suite's work, as if it had been made in the temporary folder."""

    def unpack(suite):
        with tarfile.open(HERE / "fixtures" / f"{suite}.tar.xz") as archive:
            archive.extractall(tmp_path, filter="data")
        for path in tmp_path.rglob("*"):
            if path.is_file() and SOMEWHERE in (content := path.read_bytes()):
                assert b"\0" not in content, path
                path.write_bytes(content.replace(SOMEWHERE, str(tmp_path).encode()))
        return tmp_path

    return unpack
