"""The exact quantity against the card's own current: its integral, differentiated by the gate voltage numerically."""

import dataclasses

import numpy as np
import pytest

from analog_nmos.backends.native.transistor.parameters import device_parameters
from analog_nmos.backends.native.transistor.states import edge_states
from analog_nmos.cards.model_card import default_card_path, read_model_card
from analog_nmos.circuit import CircuitOptions
from analog_nmos.rules.co_content import CoContent
from analog_nmos.rules.device_aware import DeviceAware
from analog_nmos.rules.ends import Ends
from analog_nmos.rules.transistors import Transistors
from analog_nmos.topology import dense

PLACES = [
    ("ground", "ground", 10.0),
    ("ground", "ground", 0.0),
    ("source", "ground", 10.0),
    ("floating", "ground", 10.0),
]
PLACES += [("floating", "drain", 10.0), ("drain", "ground", 0.0), ("ground", "drain", 10.0), ("source", "source", 10.0)]
E, STEP_V = 12, 1e-5


def made(tie, gate, ohm, kind="nmos"):
    card = read_model_card(default_card_path())
    if kind == "pmos":
        card = dataclasses.replace(card, kind="pmos", model={**card.model, "vto": -card.model["vto"]})
    device = device_parameters(card, CircuitOptions(body_tie=tie, gate_ref=gate, body_res=ohm))
    return device, Transistors.of(device, [None], E)


def ends_and_gates(sign=1.0):
    rng = np.random.default_rng(3)
    drain_V, source_V = sign * rng.uniform(0.05, 0.5, (2, 1, E))
    return Ends(drain_V, source_V), sign * rng.uniform(0.6, 2.0, (1, E))


def current_into_the_upper_end(device, ends_V, gate_V, up, sign):
    """A of one transistor, for many pairs of ends."""
    pair = dense(1, 1).keep(np.array([0]))
    node_V = np.zeros((len(ends_V), pair.max_node + 1))
    node_V[:, pair.edges_D[0]], node_V[:, pair.edges_S[0]] = ends_V.T
    found = edge_states(device, pair, node_V, np.array([gate_V]))
    return sign * (found.into_drain_A if up else found.into_source_A)[:, 0]


def by_differences(device, drain_V, source_V, gate_V, sign):
    """2 / beta times the derivative of the integral, by 400 pieces of two points each."""
    low_V, across_V = min(sign * drain_V, sign * source_V), abs(drain_V - source_V)
    up = sign * drain_V > sign * source_V
    piece = across_V / 400
    point = (np.arange(400)[:, None] + 0.5 + np.array([-1, 1]) / np.sqrt(12)) * piece
    upper_V, lower_V = sign * (low_V + point.ravel()), np.full(point.size, sign * low_V)
    ends_V = np.stack([upper_V, lower_V] if up else [lower_V, upper_V], axis=1)
    above, below = (
        current_into_the_upper_end(device, ends_V, gate_V + h, up, sign).sum() * piece / 2 for h in (STEP_V, -STEP_V)
    )
    return sign * 2.0 / device.beta * (above - below) / (2 * STEP_V)


@pytest.mark.parametrize("kind", ["nmos", "pmos"])
@pytest.mark.parametrize(("tie", "gate", "ohm"), PLACES)
def test_it_is_the_derivative_of_the_integral_of_the_cards_current(tie, gate, ohm, kind):
    sign = -1.0 if kind == "pmos" else 1.0
    device, transistors = made(tie, gate, ohm, kind)
    ends, gate_V = ends_and_gates(sign)
    expected = [by_differences(device, *words, sign) for words in zip(*(x[0] for x in (*ends, gate_V)), strict=True)]
    for points, error in ((4, 1e-5), (32, 1e-6)):
        found = CoContent(transistors, transistors, points=points).value(transistors, ends, gate_V)[0]
        np.testing.assert_allclose(found, expected, atol=error)
    assert np.count_nonzero(np.abs(expected) > 1e-4) > 0


def test_it_is_near_the_device_aware_one_and_has_lambda_and_resistances():
    _, transistors = made("ground", "ground", 10.0)
    ends, gate_V = ends_and_gates()
    exact = CoContent(transistors, transistors).value(transistors, ends, gate_V)
    aware = DeviceAware(transistors, transistors)._value(transistors, ends, gate_V)
    np.testing.assert_allclose(exact, aware, rtol=0.2, atol=1e-3)
    assert np.abs(exact - aware).max() > 1e-4
