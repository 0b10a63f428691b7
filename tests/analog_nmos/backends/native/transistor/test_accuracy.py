"""Bounds of a network are those of its strongest transistor and its lowest threshold."""

import numpy as np
import pytest

from analog_nmos.backends.native.transistor.accuracy import LOOSE, expect, limits
from analog_nmos.backends.native.transistor.parameters import device_parameters
from analog_nmos.cards.model_card import default_card_path, read_model_card
from analog_nmos.circuit import CircuitOptions
from analog_nmos.circuit.deviations import Deviations

CARD = read_model_card(default_card_path())
DEVICE = device_parameters(CARD, CircuitOptions(body_tie="source", body_res=1.0))


def test_without_deviations_they_are_the_devices_own():
    assert limits(DEVICE, Deviations(np.zeros(3), np.ones(3))) == limits(DEVICE)


def test_one_strong_transistor_makes_its_body_tie_a_loose_one():
    own = Deviations(np.zeros(3), np.array([1.0, 1e3, 1e-3]))
    assert DEVICE.body_S > LOOSE * DEVICE.beta
    assert DEVICE.body_S < LOOSE * DEVICE.beta * 1e3
    found, weak = limits(DEVICE, own), limits(DEVICE)
    assert found == limits(DEVICE._replace(beta=1e3 * DEVICE.beta))
    assert found.by_span > 10 * weak.by_span


@pytest.mark.parametrize("offset_V", [-0.4, 0.3])
def test_the_lowest_threshold_counts(offset_V):
    own = Deviations(np.array([offset_V, 0.5]), np.ones(2))
    moved = DEVICE._replace(vbi_V=DEVICE.vbi_V + offset_V)
    found = expect.py_func(limits(DEVICE, own), 0.0, 1.0, 5.0, DEVICE)
    assert found.curvature == pytest.approx(expect.py_func(limits(moved), 0.0, 1.0, 5.0, moved).curvature, rel=1e-15)
    assert found.curvature != expect.py_func(limits(DEVICE), 0.0, 1.0, 5.0, DEVICE).curvature
