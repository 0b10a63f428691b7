"""Simulations on a measured device that go on: with the copy of its file, and unscaled if an earlier version began."""

import json

import numpy as np
import pytest

from common.errors import InputError
from common.runs import load_run
from magnetoionic import sweep
from magnetoionic.config import TrainConfig
from magnetoionic.device import find_device
from magnetoionic.devices.curves import span
from magnetoionic.devices.measured import FITS

MAIN = "magnetoionic.main"
OPTIONS = ("--task", "digits", "--n_models", 1, "--batch_size", 32, "--lr", 500, "--layers", 16, "--quiet")
OPTIONS += ("--curve-fit", "exponential")


def odd_file(factor):
    """What earlier versions took: a first row they dropped, three columns, rows in any order."""
    x = np.arange(12.0)
    values = factor * (0.8 + 1.4 * np.exp(-x / 9.0) + 0.01 * np.cos(5 * x))
    rows = [f"{a:g},{b!r},9\n" for a, b in zip(x.tolist(), values.tolist(), strict=True)]
    return "\ufeff0,5\n" + "".join(rows[6:] + rows[:6])


def plain_file(path, unit=1.0):
    x = np.arange(28)
    path.write_text("".join(f"{a},{unit * (2.2 - 0.05 * a)!r}\n" for a in x.tolist()))
    return path


def make_old(folder, **changes):
    """A run folder as earlier versions left it: no units in run_meta.json, and no option that came later."""
    meta = json.loads((folder / "run_meta.json").read_text())
    del meta["device_curve"], meta["config"]["curve_columns"]
    (folder / "run_meta.json").write_text(json.dumps(meta | {"status": "interrupted"} | changes))


# Values at 0, 3.3 and 11 pulses as earlier versions fitted them.
EARLIER = {
    (1.0, "linear"): ("0x1.0d28e5c6cd4f5p+1", "0x1.cfd8a47d3ffb9p+0", "0x1.221349571729cp+0"),
    (1.0, "exponential"): ("0x1.1a6399fc9d678p+1", "0x1.c4d2a04cb375cp+0", "0x1.3792d861c5048p+0"),
    (1.0, "spline"): ("0x1.1ae147ae147aep+1", "0x1.c4059bc97989bp+0", "0x1.366ea8c916aa2p+0"),
    (1e-6, "linear"): ("0x1.1a3c0599321dcp-19", "0x1.e660c84449d76p-20", "0x1.302a816e0c433p-20"),
    (1e-6, "exponential"): ("0x1.28df16d576b6dp-19", "0x1.d9f1a5dd9bae9p-20", "0x1.4824158773e8cp-20"),
    (1e-6, "spline"): ("0x1.289f05943e90ep-19", "0x1.d9fab504378c7p-20", "0x1.458306ac391f9p-20"),
}


@pytest.mark.parametrize(("factor", "name"), EARLIER)
def test_a_simulation_of_an_earlier_version_keeps_its_curve(tmp_path, factor, name):
    (tmp_path / "device_curve.csv").write_text(odd_file(factor))
    (tmp_path / "run_meta.json").write_text(json.dumps({"config": {}, "status": "interrupted"}))
    config = TrainConfig(device_curve=tmp_path / "gone.csv", curve_fit=name)
    device = find_device(config, tmp_path)
    found = device.used.trained.value(np.array([0.0, 3.3, 11.0]))
    # The same to the last bit where NumPy and SciPy are; others may round differently.
    assert found == pytest.approx([float.fromhex(value) for value in EARLIER[factor, name]], rel=1e-9)
    assert device.facts == {"file": "gone.csv", "fit": name, "scaled": False, "unit": 1.0, "offset": 0.0}
    assert [each.name for each in device.fits()[0]] == list(FITS)
    with pytest.raises(InputError, match="row 2: 3 cell"):  # a new one does not guess
        find_device(TrainConfig(device_curve=tmp_path / "device_curve.csv"))
    (tmp_path / "device_curve.csv").write_text("0,1\n1,x\n")
    with pytest.raises(InputError, match=r"device_curve\.csv: is damaged .*; start a new run"):
        find_device(config, tmp_path)


def test_a_run_of_an_earlier_version_goes_on_unscaled_and_stays_so(here, tmp_path):
    """Its weights are in the unit of the file, because so the model is; and 1e-3 of the range barely learns."""
    plain_file(tmp_path / "mine.csv", 1e-3)
    words = (*OPTIONS, "--device-curve", "mine.csv", "--epochs", 2)
    here(MAIN, *words, "--run-dir", "scaled")
    here(MAIN, *words, "--run-dir", "old")
    make_old(tmp_path / "old")
    for _ in range(2):
        here(MAIN, "--resume", "old", "--quiet")
        meta = load_run(tmp_path / "old").meta
        assert meta["device_curve"]["scaled"] is False
        (tmp_path / "old" / "run_meta.json").write_text(json.dumps(meta | {"status": "interrupted"}))
    assert "values of the model are those of the file" in (tmp_path / "old" / "train_log.txt").read_text()
    losses = {name: load_run(tmp_path / name).metrics["train_loss"].iloc[-1] for name in ("old", "scaled")}
    assert losses["scaled"] < 2.2 < losses["old"]
    device = find_device(TrainConfig(device_curve=tmp_path / "mine.csv"), tmp_path / "old")
    assert span(device.used.trained) == pytest.approx(1e-3 * 0.05 * 27)


def test_a_run_goes_on_with_its_copy_of_the_file(here, tmp_path):
    """The file is gone; columns are still those that were named."""
    x = np.arange(28)
    rows = [f"{n};{2.2 - 0.05 * n:.3f};{n}".replace(".", ",") for n in x.tolist()]
    (tmp_path / "mine.csv").write_text("\n".join(["row;R;pulses", *rows]), encoding="utf-16")
    here(MAIN, *OPTIONS, "--device-curve", "mine.csv", "--curve-columns", "pulses,R", "--run-dir", "run", "--epochs", 1)
    copy = (tmp_path / "run" / "device_curve.csv").read_bytes()
    assert copy == (tmp_path / "mine.csv").read_bytes()
    before = load_run(tmp_path / "run").meta
    (tmp_path / "run" / "run_meta.json").write_text(json.dumps(before | {"status": "interrupted"}))
    (tmp_path / "mine.csv").unlink()
    assert "models of" in here(MAIN, "--resume", "run", "--dry-run").out.replace("model(s)", "models")
    here(MAIN, "--resume", "run", "--quiet")
    after = load_run(tmp_path / "run").meta
    assert after["device_curve"] == before["device_curve"]
    assert after["config"] == before["config"]
    assert after["config"]["curve_columns"] == "pulses,R"


def test_a_sweep_trains_on_named_columns_and_never_mixes_units(tmp_path):
    path = plain_file(tmp_path / "mine.csv")
    config = {
        "device_curve": str(path), "curve_columns": "1+2", "field": ["measured"], "task": "digits", "layers": [16],
        "batch_size": 32, "epochs": 1, "n_models": 1, "curve_fit": "exponential",
    }  # fmt: skip
    first, second = tmp_path / "run_0000_a", tmp_path / "run_0001_b"
    for folder in (first, second):
        folder.mkdir()
    [columns] = sweep.train([config], [first])
    assert 0 < columns["final_test_acc"] < 1
    assert columns["swap_acc"] == columns["final_swap_acc"]
    assert columns["final_epoch"] == 1
    assert sweep.train([config], [first]) == [columns]  # it is done, and read
    make_old(first)
    with pytest.raises(InputError, match=r"run_0000_a: was begun before device curves were scaled"):
        sweep.train([config], [second])
    assert sweep.short({**config, "field": ["double-linear", "measured"]}, 1)[0]["field"] == ["double-linear"]
    assert "device_curve" not in sweep.short({**config, "field": ["double-linear", "measured"]}, 1)[0]
    assert "device_curve" in sweep.short(config, 1)[0]
