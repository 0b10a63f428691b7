"""One edge of a device that is Linked: derivatives against differences of the solved edge."""

import numba
import numpy as np
import pytest

from analog_nmos.backends.native.transistor.linked import Linked, linked_step
from analog_nmos.backends.native.transistor.packing import pack, unpack
from analog_nmos.backends.native.transistor.parameters import device_parameters
from analog_nmos.cards.model_card import ModelCard, default_card_path, read_model_card
from analog_nmos.circuit import BODY_TIES, GATE_REFS, CircuitOptions
from common.kernels.vectors import load, store

CARD = read_model_card(default_card_path())
LINKS = [(tie, ref, ohm) for tie in BODY_TIES for ref in GATE_REFS for ohm in (10.0, 0.0)]
LINKS = [one for one in LINKS if one[:2] != ("floating", "ground") and (one[1] != "ground" or one[2] == 0.0)]


@numba.njit
def _edge(array, v, out):
    step = linked_step(
        load(v, 0), load(v, 8), load(v, 16), load(v, 24), load(v, 32), load(v, 40), unpack(Linked, array, 0)
    )
    for i in range(16):
        store(out, 8 * i, step[i])


def solved(array, D, gate, S):
    """The step at the solution of the internal nodes, by many damped steps, and their voltages."""
    d, s, b, out = D, S, min(D, S), np.empty(128)
    for _ in range(300):
        _edge(array, np.repeat(np.array([D, gate, S, d, s, b], float), 8), out)
        d, s, b = (x + np.clip(dx, -0.02, 0.02) for x, dx in zip((d, s, b), out[:24:8], strict=True))
    return out[::8].copy(), (d, s, b)


@pytest.mark.parametrize(("tie", "gate_ref", "body_res"), LINKS)
def test_elimination_gives_the_derivatives_of_the_solved_edge(tie, gate_ref, body_res):
    device = device_parameters(CARD, CircuitOptions(body_tie=tie, gate_ref=gate_ref, body_res=body_res))
    array, h, rng = pack(device), 1e-5, np.random.default_rng(0)
    for D, S in ((0.9, 0.2), (0.1, 0.6), (-0.3, 0.25), (0.6, -0.1)):
        gate = rng.uniform(0.4, 5.0)
        step, _ = solved(array, D, gate, S)
        for by_D, columns in ((0.0, (10, 13)), (1.0, (11, 14))):  # of in_S and in_D
            up, _ = solved(array, D + by_D * h, gate, S + (1.0 - by_D) * h)
            down, _ = solved(array, D - by_D * h, gate, S - (1.0 - by_D) * h)
            for current, column in zip((9, 12), columns, strict=True):
                difference = (up[current] - down[current]) / (2 * h)
                assert abs(difference - step[column]) < 2e-8 + 1e-4 * abs(difference)


@pytest.mark.parametrize(("tie", "gate_ref", "body_res"), [one for one in LINKS if one[0] != "ground"])
def test_what_flows_in_at_the_ends_leaves_through_rshunt(tie, gate_ref, body_res):
    options = CircuitOptions(body_tie=tie, gate_ref=gate_ref, body_res=body_res)
    step, (d, s, b) = solved(pack(device_parameters(CARD, options)), 0.8, 2.0, 0.3)
    has_body = tie == "floating" or body_res > 0.0
    gate = {"ground": 0.0, "drain": 2.8, "source": 2.3, "body": 2.0 + b}[gate_ref]
    leaks_A = (d + s + b * has_body + gate) / options.rshunt
    assert step[9] + step[12] == pytest.approx(leaks_A, abs=1e-16, rel=1e-6)


def test_todays_circuits_are_no_linked_devices():
    for tie in ("source", "ground", "floating"):
        assert not isinstance(device_parameters(CARD, CircuitOptions(body_tie=tie)), Linked)
    for change in ({"body_tie": "drain"}, {"body_res": 0.0}, {"gate_ref": "body"}):
        assert isinstance(device_parameters(CARD, CircuitOptions(**change)), Linked)
    pmos = ModelCard(CARD.path, CARD.model, CARD.instance, kind="pmos")
    assert isinstance(device_parameters(pmos, CircuitOptions()), Linked)
