"""Which files a data set is made of, for copying it elsewhere."""

import pytest
from dataset_files import write_idx_set

from common import datasets
from common.errors import InputError


@pytest.mark.parametrize("zipped", [False, True])
def test_files_by_their_names_in_a_data_root(tmp_path, zipped):
    write_idx_set(tmp_path / "FashionMNIST/raw", zipped=zipped)
    (tmp_path / "FashionMNIST/raw/notes.txt").write_text("not one of them")
    found = datasets.data_files("fashion", tmp_path)
    assert len(found) == 4
    for name, path in found.items():
        assert path == tmp_path / name
        assert path.is_file()
        assert name.endswith("-ubyte.gz" if zipped else "-ubyte")


def test_damaged_and_missing_files_are_found_first(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "_download", lambda name, root: None)
    with pytest.raises(InputError, match="no mnist in"):
        datasets.data_files("mnist", tmp_path)
    raw = tmp_path / "MNIST/raw"
    write_idx_set(raw)
    path = sorted(raw.iterdir())[0]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match="bytes where its header says"):
        datasets.data_files("mnist", tmp_path)


def test_digits_have_none():
    with pytest.raises(InputError, match="has no files, allowed: mnist"):
        datasets.data_files("digits", None)
