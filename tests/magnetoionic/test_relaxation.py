"""Field relaxation and the change of field, on 2x2 networks worked out by hand."""

import numpy as np
import pytest

from magnetoionic.build import find_curve
from magnetoionic.config import TrainConfig
from magnetoionic.curves import DOUBLE
from magnetoionic.images import Batch
from magnetoionic.kernels.normal import NormalStream
from magnetoionic.network import Network, Noise
from magnetoionic.pairs import PairLayer
from magnetoionic.relaxation import relaxation, relaxed
from magnetoionic.rule import Rule
from magnetoionic.simulation import change_field

LINEAR, EXPONENTIAL = DOUBLE["double-linear"], DOUBLE["double-exponential"]
FIRST = np.array([[3.0, 10.0], [20.0, 0.0]])  # pulses, (outputs, inputs)
SECOND = np.array([[8.0, 1.0], [5.0, 27.0]])


def two_by_two(curve):
    layer = PairLayer((2, 2), curve, Rule(1.0), 0.01, 0.0, 1)
    layer.load({"weight1": curve.value(FIRST), "weight2": curve.value(SECOND)})
    return layer, Network([layer], Noise(0.0, 0.0), 0.001, 1.0, 1, 4)


def image(currents):
    return Batch(
        np.array([0]), np.array([0, 2]), np.array([0, 1], np.uint16), np.array(currents, np.float32),
        np.array([0, 1, 2]), np.array([0, 0], np.uint16), np.array(currents, np.float32),
    )  # fmt: skip


@pytest.mark.parametrize("name", DOUBLE)
@pytest.mark.parametrize("scale", ["published", "physical"])
def test_relaxation_by_hand(name, scale):
    config = TrainConfig(field=(name,), relaxation_scale=scale)
    change = relaxation(config, [find_curve(name, config)])
    other = EXPONENTIAL if name == "double-linear" else LINEAR
    published = 0.567 / (1.530 * (1 - np.exp(-27 / 9.741)))
    ratio = published if scale == "published" or name == "double-linear" else 1 / published
    assert change.ratio == pytest.approx(ratio)
    layer, network = two_by_two(DOUBLE[name])
    layer_statistics = network.layers[0]
    layer_statistics.running_mean[...], layer_statistics.running_var[...] = [1e-5, -2e-5], [1e-9, 3e-9]
    relaxed(network, change)
    assert pytest.approx(other.value(FIRST), abs=2e-6) == layer.first.T
    assert pytest.approx(other.value(SECOND), abs=2e-6) == layer.second.T
    assert network.input_scale == pytest.approx(0.001 * ratio)
    currents = np.array([0.001, 0.0004]) * change.ratio
    outputs = network.forward(image(currents), NormalStream(0, "x"), training=False)[0]
    voltage = (other.value(SECOND) - other.value(FIRST)) @ currents
    wanted = (voltage - [1e-5, -2e-5]) / np.sqrt(np.array([1e-9, 3e-9]) + 1e-5)
    assert outputs == pytest.approx(wanted, rel=1e-4)


def test_a_change_of_field_keeps_pulse_counts_and_later_pulses_follow_the_new_curve():
    layer, network = two_by_two(LINEAR)
    change_field(network, EXPONENTIAL)
    assert pytest.approx(FIRST, abs=1e-4) == EXPONENTIAL.pulses(layer.first.astype(float)).T
    layer.pulse(np.array([[2.0, 0.0], [0.0, -3.0]], np.float32))  # (inputs, outputs)
    assert EXPONENTIAL.pulses(layer.second.astype(float)).T[0, 0] == pytest.approx(10.0, abs=1e-4)
    # The partner of the other device that moved was at its last pulse, so that pair is rewritten from the top.
    moved, bottom, top = (float(EXPONENTIAL.value(pulses)) for pulses in (3.0, 27.0, 0.0))
    assert [layer.first.T[1, 1], layer.second.T[1, 1]] == pytest.approx([top, bottom + top - moved], abs=1e-5)


def test_which_curve_is_the_other():
    both = TrainConfig(field=("double-exponential", "double-linear"))
    assert relaxation(both, [EXPONENTIAL, LINEAR]).curve is EXPONENTIAL
    single = TrainConfig(field=("single-weak",))
    assert relaxation(single, [find_curve("single-weak", single)]) is None
