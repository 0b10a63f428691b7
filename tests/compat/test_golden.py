"""Tiny trainings of every suite end in the numbers that are kept for them."""

from pathlib import Path

import digest
import golden
import pytest

EXPECTED, SAME_MACHINE = digest.read(golden.FILE)
# As in test_earlier_version: where bits may differ, this much of it may come out.
TOLERANCE = {"nmos": 1e-9}


@pytest.mark.parametrize("name", golden.NAMES)
def test_the_numbers_are_those_that_are_kept(tmp_path, monkeypatch, capsys, name):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RUN_DIR", raising=False)
    found = golden.train(name, Path("campaign", "run"))
    different = digest.differences(
        found, EXPECTED[name], exact=SAME_MACHINE, tolerance=TOLERANCE.get(name.split()[0], 1e-2)
    )
    assert different == [], "numbers have changed; if that is meant, see golden.py"
