"""Device curves by their published values, and their inverses."""

import numpy as np
import pytest
import torch

from magnetoionic.curves import DOUBLE, SINGLE, span
from magnetoionic.relaxation import PUBLISHED_RATIO

PULSES = np.linspace(0.0, 27.0, 271)


def test_published_values():
    linear, exponential = DOUBLE["double-linear"], DOUBLE["double-exponential"]
    assert linear.value(0.0) == 2.742
    assert linear.value(10.0) == pytest.approx(2.532)
    assert exponential.value(0.0) == pytest.approx(2.28)
    assert exponential.value(9.741) == pytest.approx(1.530 / np.e + 0.750)
    assert span(linear) == pytest.approx(0.567)
    assert pytest.approx(0.3953, abs=5e-5) == PUBLISHED_RATIO


@pytest.mark.parametrize("name", DOUBLE)
def test_pairs_curves_fall_and_invert(name):
    curve = DOUBLE[name]
    values = curve.value(PULSES)
    assert (np.diff(values) < 0).all()
    assert np.abs(curve.pulses(values) - PULSES).max() < 1e-5
    back = curve.value(curve.pulses(values))
    assert np.abs(back - values).max() < 1e-12
    tensor = torch.tensor(PULSES)
    assert np.array_equal(curve.value(tensor).numpy(), curve.value(PULSES)) or np.allclose(
        curve.value(tensor).numpy(), curve.value(PULSES), rtol=1e-14
    )


@pytest.mark.parametrize("name", SINGLE)
@pytest.mark.parametrize("branch", ["plus", "minus"])
def test_single_branches_rise_or_fall_and_invert(name, branch):
    curve = getattr(SINGLE[name], branch)
    values = curve.value(PULSES)
    assert (np.diff(values) * (1 if branch == "plus" else -1) > 0).all()
    assert np.abs(curve.pulses(values) - PULSES).max() < 1e-5
    weights = np.linspace(-1.0, 1.0, 201)  # further than 27 pulses reach
    assert np.abs(curve.value(curve.pulses(weights)) - weights).max() < 1e-5


def test_published_single_curves_by_hand():
    strong, weak, linear = SINGLE["single-strong"], SINGLE["single-weak"], SINGLE["single-linear"]
    x = 5.0
    assert strong.minus.value(x) == pytest.approx(2 * (-24.77 * np.log(0.287 * np.log(x + 128)) + 9.11) - 1)
    assert strong.plus.value(x) == pytest.approx(2 * (0.443 * np.log(2.53 * np.log(x + 1.66)) - 0.11) - 1)
    assert weak.minus.value(x) == pytest.approx(2 * (-1.28 * np.log(0.997 * np.log(x + 5.02)) + 1.583) - 1)
    assert weak.plus.value(x) == pytest.approx(2 * (0.9066 * np.log(1.176 * np.log(x + 4.42)) - 0.507) - 1)
    assert linear.plus.value(x) == pytest.approx(2 * x / 27 - 1)
    assert linear.minus.value(x) == pytest.approx(1 - 2 * x / 27)
