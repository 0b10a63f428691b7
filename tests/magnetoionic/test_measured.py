"""Measured curves: reading, the three fits, and training on one."""

import dataclasses
import json

import numpy as np
import pytest

from common.errors import InputError
from common.runs import load_run
from magnetoionic.devices.curves import span
from magnetoionic.devices.measured import FITS, fit, read_curve
from magnetoionic.devices.points import Measured

PULSES = np.arange(0.0, 41.0)
SHAPES = {
    "linear": 3.0 - 0.02 * PULSES,
    "exponential": 1.2 * np.exp(-PULSES / 11.0) + 0.5,
    "spline": 2.0 - np.tanh((PULSES - 20.0) / 6.0),
}


def write(path, pulses, values, header="pulses,value\n"):
    path.write_text(header + "".join(f"{x},{y!r}\n" for x, y in zip(pulses, np.asarray(values).tolist(), strict=True)))
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


FACTORS = (1e-6, 1e-3, 1.0, 1e7)


def noisy(factor, offset=0.0):
    """Points of an exponential with noise, in another unit."""
    rng = np.random.default_rng(3)
    return Measured(PULSES, factor * (SHAPES["exponential"] + rng.normal(0.0, 0.01, len(PULSES)) + offset))


def parameters(curve):
    """All numbers of a curve."""
    return [np.asarray(value).tolist() for value in dataclasses.astuple(curve)]


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize("factor", FACTORS)
def test_the_unit_of_a_file_leaves_no_trace_in_the_curve_that_trains(name, factor):
    one, other = fit(noisy(1.0), name), fit(noisy(factor), name)
    assert parameters(other.trained) == parameters(one.trained)
    assert other.trained.value(0.0) == pytest.approx(2.742, abs=1e-12)
    assert span(other.trained) == pytest.approx(0.567, abs=1e-12)
    # In the file's unit, the curve and its errors are as many times larger.
    assert other.rms == pytest.approx(factor * one.rms, rel=1e-6)
    x = np.linspace(0.0, 40.0, 101)
    assert other.curve.value(x) == pytest.approx(factor * one.curve.value(x), rel=1e-9)
    assert other.units.values(other.trained.value(x)) == pytest.approx(other.curve.value(x), rel=1e-12)


@pytest.mark.parametrize("name", FITS)
def test_an_offset_of_a_thousand_ranges_costs_no_digits_in_training(name):
    plain, raised = fit(noisy(1.0), name), fit(noisy(1.0, 1000.0), name)
    x = np.linspace(0.0, 40.0, 101)
    assert raised.trained.value(x) == pytest.approx(plain.trained.value(x), abs=1e-7)
    assert raised.curve.value(x) == pytest.approx(1000.0 + plain.curve.value(x), abs=1e-6)


@pytest.mark.parametrize("factor", [1e-9, 1e-6, 1e-3, 1.0, 1e7])
def test_an_exponential_is_found_in_every_unit(factor):
    found = fit(Measured(PULSES, factor * SHAPES["exponential"]), "exponential").curve
    wanted = (1.2 * factor, 11.0, 0.5 * factor)
    assert (found.amplitude, found.tau, found.floor) == pytest.approx(wanted, rel=1e-4)


def test_a_straight_line_gets_an_exponential_without_a_warning():
    found = fit(Measured(PULSES, SHAPES["linear"]), "exponential")
    assert found.worst < 0.01 * span(found.curve)


OPTIONS = ("--task", "digits", "--epochs", 3, "--n_models", 1, "--batch_size", 32, "--lr", 500, "--layers", 16)
OPTIONS += ("--resistor_noise", 0.015, "--clipping", 0.01, "--compute_intermediate")


def weights_of(folder):
    import torch

    name = load_run(folder).meta["simulation"]
    return torch.load(folder / f"{name}-0.pth", weights_only=True), json.loads((folder / f"{name}-0.json").read_text())


def test_the_unit_of_a_file_changes_no_number_of_a_training(here, tmp_path):
    """To the last digit: metrics and the JSON files' results; devices in the files are in its unit."""
    found, values = {}, SHAPES["exponential"]
    for factor in FACTORS:
        write(tmp_path / "mine.csv", PULSES.astype(int), factor * values)
        folder = tmp_path / f"run{factor:g}"
        options = ("--curve-fit", "exponential", "--device-curve", "mine.csv", "--run-dir", folder, "--quiet")
        here("magnetoionic.main", *OPTIONS, *options)
        weights, facts = weights_of(folder)
        metrics = load_run(folder).metrics.drop(columns="epoch_s").to_csv(index=False)
        found[factor] = metrics, facts["accuracy"], facts["swap_accuracy"], facts["loss"]
        for name in ("layers.1.weight1", "layers.4.weight2"):
            device = weights[name].numpy() / factor
            assert device.min() > values[-1] - 1e-3
            assert device.max() == pytest.approx(values[0], abs=1e-3)
        assert facts["device_curve"] == load_run(folder).meta["device_curve"]
        assert facts["device_curve"]["unit"] == pytest.approx(factor * (values[0] - values[-1]) / 0.567, rel=1e-3)
    assert facts["accuracy"] > 60
    assert all(each == found[1.0] for each in found.values())


def test_weights_in_units_of_the_file_give_the_same_network_in_torch(here, tmp_path):
    """With the currents divided by the unit: voltages, and so the running statistics, are then those of the model."""
    import torch

    from common.datasets import load
    from magnetoionic.images import padded
    from magnetoionic.modules import Network

    write(tmp_path / "mine.csv", PULSES.astype(int), 1e-3 * SHAPES["exponential"])
    options = ("--device-curve", "mine.csv", "--curve-fit", "exponential", "--run-dir", "run", "--quiet")
    here("magnetoionic.main", *OPTIONS, *options, "--resistor_noise", 0)
    weights, facts = weights_of(tmp_path / "run")
    data, unit = load("digits28", None), facts["device_curve"]["unit"]
    curve = fit(read_curve(tmp_path / "mine.csv"), "exponential").curve
    network = Network((16,), curve, input_scale=facts["input_scale"] / unit)
    network.load_state_dict(weights, strict=False)
    images = torch.tensor(padded(data.test_x) / np.float32(255))
    with torch.no_grad():
        right = (network.eval()(images).argmax(1).numpy() == data.test_y).mean()
    assert 100 * right == pytest.approx(facts["accuracy"], abs=0.6)  # single precision turns an image or two
    first = [sorted((tmp_path / "run").glob(f"*-0-{kind}-layer-*.pth"))[0] for kind in ("intensity", "voltage")]
    current, voltage = (torch.load(path, weights_only=True).flatten().double() for path in first)
    expected = (weights["layers.1.weight2"] - weights["layers.1.weight1"]) @ current
    assert voltage.numpy() == pytest.approx(expected.numpy(), rel=1e-3, abs=1e-5 * float(expected.abs().max()))


def test_a_bad_file_ends_in_a_line_before_anything_is_written(here, tmp_path):
    (tmp_path / "mine.csv").write_text("pulses,value\n0,2\n1,9.9E37\n2,1\n3,0.5\n")
    for words in ((), ("--dry-run",)):
        error = here("magnetoionic.main", "--device-curve", "mine.csv", *words, code=2).err
        assert (
            error == "error: device curve mine.csv: row 3: 9.9E37 is an instrument's overload; allowed: below 1e+30\n"
        )
    error = here("magnetoionic.main", "--curve-columns", "2,3", code=2).err
    assert error == "error: --curve-columns names columns of --device-curve FILE.csv; give both\n"
    for columns in ("2", "2,", "1,2,3"):
        error = here("magnetoionic.main", "--device-curve", "mine.csv", "--curve-columns", columns, code=2).err
        assert f"argument --curve-columns: '{columns}' is not PULSES,VALUES or PULSES+VALUES, two columns" in error
    assert [path.name for path in tmp_path.iterdir()] == ["mine.csv"]


def test_a_curve_that_only_the_used_fit_takes_trains(here, tmp_path, monkeypatch):
    def refuse(where, pulses, values):
        raise InputError(f"{where}: no exponential fits")

    monkeypatch.setattr("magnetoionic.devices.measured._exponential", refuse)
    write(tmp_path / "mine.csv", PULSES.astype(int), SHAPES["spline"])
    words = (*OPTIONS, "--epochs", 1, "--device-curve", "mine.csv")
    out = here("magnetoionic.main", *words, "--curve-fit", "linear", "--run-dir", "run").out
    assert "linear fit: error" in out
    assert "device curve mine.csv: no exponential fits" in out
    assert "no exponential" in here("magnetoionic.main", *words, "--curve-fit", "exponential", code=2).err


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
    accuracy = {name: load_run(tmp_path / name).result for name in ("line", "spline", "builtin")}
    assert accuracy["builtin"]["final_test_acc"] > 0.8
    for name in ("line", "spline"):
        assert abs(accuracy[name]["final_test_acc"] - accuracy["builtin"]["final_test_acc"]) < 0.02
    assert load_run(tmp_path / "line").config["device_curve"] == "mine.csv"
    error = here("magnetoionic.main", "--field", "measured", code=2).err
    assert "--field measured and --device-curve FILE.csv go together" in error
