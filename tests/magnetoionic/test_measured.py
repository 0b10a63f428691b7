"""Measured curves: reading, the three fits, and training on one."""

import numpy as np
import pytest

from common.errors import InputError
from common.runs import load_run
from magnetoionic.measured import FITS, Measured, fit, read_curve

PULSES = np.arange(0.0, 41.0)
SHAPES = {
    "linear": 3.0 - 0.02 * PULSES,
    "exponential": 1.2 * np.exp(-PULSES / 11.0) + 0.5,
    "spline": 2.0 - np.tanh((PULSES - 20.0) / 6.0),
}


def write(path, pulses, values, header="pulses,value\n"):
    path.write_text(header + "".join(f"{x},{y}\n" for x, y in zip(pulses, values, strict=True)))
    return path


@pytest.mark.parametrize("shape", SHAPES)
def test_the_right_fit_is_exact_and_inverts(tmp_path, shape):
    measured = read_curve(write(tmp_path / "curve.csv", PULSES, SHAPES[shape]))
    found = fit(measured, shape)
    assert found.rms < 1e-5
    assert found.worst < 1e-4
    curve = found.curve
    x = np.linspace(0.0, 40.0, 1001)
    values = curve.value(x)
    assert (np.diff(values) < 0).all()
    assert np.abs(curve.pulses(values) - x).max() < 1e-5
    assert curve.last == 40.0
    assert "error" in found.describe()


def test_published_parameters_come_back():
    exponential = fit(Measured(PULSES, SHAPES["exponential"]), "exponential").curve
    assert (exponential.amplitude, exponential.tau, exponential.floor) == pytest.approx((1.2, 11.0, 0.5), rel=1e-4)
    linear = fit(Measured(PULSES, SHAPES["linear"]), "linear").curve
    assert (linear.slope, linear.start) == pytest.approx((0.02, 3.0))


def test_a_noisy_curve_gives_a_falling_spline_with_its_error():
    rng = np.random.default_rng(3)
    pulses = np.repeat(PULSES, 3)  # three devices
    values = np.repeat(SHAPES["exponential"], 3) + rng.normal(0.0, 0.03, len(pulses))
    order = rng.permutation(len(pulses))
    measured = Measured(pulses[np.argsort(pulses)], values)
    for name in FITS:
        found = fit(measured, name)
        x = np.linspace(0.0, 40.0, 500)
        assert (np.diff(found.curve.value(x)) < 0).all()
        left = found.curve.value(measured.pulses) - measured.values
        assert found.rms == pytest.approx(np.sqrt((left**2).mean()))
    assert fit(measured, "exponential").rms == pytest.approx(0.03, rel=0.2)
    assert fit(measured, "linear").rms > 2 * fit(measured, "spline").rms
    assert len(order) == len(values)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has 0 pulse counts; at least 4"),
        ("pulses,value\n0,1\n1,0.9\n2,0.8\n", "has 3 pulse counts"),
        ("0,1\n1,0.9\n2,x\n3,0.7\n", "'2,x' is not a pulse count and a value"),
        ("0,1\n1\n2,0.8\n3,0.7\n", "'1' is not a pulse count and a value"),
        ("0,1\n1,nan\n2,0.8\n3,0.7\n", "is not finite"),
        ("0,1\n1,1.1\n2,1.2\n3,1.3\n", "the values do not fall"),
        ("-1,1\n1,0.9\n2,0.8\n3,0.7\n", "-1 pulses; allowed: 0 or more"),
    ],
)
def test_bad_files(tmp_path, text, message):
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(InputError, match=r"device curve .*bad\.csv") as caught:
        read_curve(tmp_path / "bad.csv")
    assert message in str(caught.value)


def test_missing_and_binary_files(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_curve(tmp_path / "none.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        read_curve(tmp_path / "binary.csv")


def test_training_on_a_measured_device(here, tmp_path):
    """The published line, measured: the fitted line trains to nearly the same accuracy as the built-in one."""
    x = np.arange(28.0)
    write(tmp_path / "mine.csv", x, 2.742 - 0.021 * x)
    options = ("--task", "digits", "--epochs", 5, "--n_models", 1, "--batch_size", 32, "--lr", 500, "--var", 0)
    words = (*options, "--layers", 32, "--device-curve", "mine.csv")
    out = here("magnetoionic.main", *words, "--curve-fit", "linear", "--run-dir", "line").out
    assert "linear fit: error" in out
    assert "(used)" in out
    assert (tmp_path / "line" / "device_curve.png").stat().st_size > 5000
    assert (tmp_path / "line" / "device_curve.csv").is_file()
    here("magnetoionic.main", *words, "--run-dir", "spline", "--quiet")
    here("magnetoionic.main", *options, "--layers", 32, "--run-dir", "builtin", "--quiet")
    accuracy = {name: load_run(tmp_path / name).meta["result"] for name in ("line", "spline", "builtin")}
    assert accuracy["builtin"]["final_test_acc"] > 0.8
    for name in ("line", "spline"):
        assert abs(accuracy[name]["final_test_acc"] - accuracy["builtin"]["final_test_acc"]) < 0.02
    assert load_run(tmp_path / "line").config["device_curve"] == "mine.csv"
    error = here("magnetoionic.main", "--field", "measured", code=2).err
    assert "--field measured and --device-curve FILE.csv go together" in error
