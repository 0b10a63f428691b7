"""What the earlier version left, unpacked into the temporary folder."""

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

    def unpack(suite, place=tmp_path):
        with tarfile.open(HERE / "fixtures" / f"{suite}.tar.xz") as archive:
            archive.extractall(place, filter="data")
        for path in place.rglob("*"):
            if path.is_file() and SOMEWHERE in (content := path.read_bytes()):
                assert b"\0" not in content, path
                path.write_bytes(content.replace(SOMEWHERE, str(place).encode()))
        return place

    return unpack
