"""Options that are finite and mean nothing are refused in one line, before anything starts."""

import pytest

from analog_nmos.dense_trainer import main

OUT_OF_RANGE = [
    *(("--temp", value) for value in ("800", "-270")),
    ("--tnom", "-273"),
    *(("--rshunt", value) for value in ("1e-320", "1e300")),
    *((f"--{name}", "1e-320") for name in ("body-res", "rs-free", "rs-clamp", "gmin", "reltol", "abstol", "vntol")),
    ("--gmin", "1e300"),
    ("--body-res=-1",),
    ("--vplus", "1e300"),
    ("--vminus=-1e300",),
    ("--input-vmax", "1e300"),
    ("--vg-init-hi", "1e300"),
    ("--itl1", "1000000000000"),
    ("--gamma", "1e308"),
    ("4294967296",),
]


@pytest.mark.parametrize("words", OUT_OF_RANGE, ids=" ".join)
def test_out_of_range(words, capsys, tmp_path):
    try:
        code = main([*words, "--run-dir", str(tmp_path / "run")])
    except SystemExit as stop:  # of an option by itself; others are checked together
        code = stop.code
    assert code == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert error.startswith("error: ")
    assert "out of range; it must be" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "run").exists()
