"""Drain current and diodes against a slow scalar version from the equations, derivatives against differences."""

import math

import numba
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analog_nmos.backends.native.transistor.device import Device, drain_current, junction
from analog_nmos.backends.native.transistor.edge import floating_body, newton_step
from analog_nmos.backends.native.transistor.packing import pack, unpack
from analog_nmos.backends.native.transistor.parameters import device_parameters
from analog_nmos.cards.model_card import default_card_path, read_model_card
from analog_nmos.circuit import CircuitOptions
from common.kernels.vectors import load, store

CARD = read_model_card(default_card_path())
DEVICE = device_parameters(CARD, CircuitOptions(body_tie="floating"))
ARRAY = pack(DEVICE)
voltages = st.lists(st.floats(-2.0, 8.0), min_size=4, max_size=4)


@numba.njit
def _device(array, v, out):
    """v: rows d, g, s, b of eight; out: five rows of the drain current, two of the diode at b - s."""
    m = unpack(Device, array, 0)
    found = drain_current(load(v, 0), load(v, 8), load(v, 16), load(v, 24), m) + junction(load(v, 24) - load(v, 16), m)
    for i in range(7):
        store(out, 8 * i, found[i])


def device(v):
    """The seven results of one operating point (d, g, s, b) in volts."""
    out = np.empty(56)
    _device(ARRAY, np.repeat(np.asarray(v, float), 8), out)
    assert (out.reshape(7, 8) == out[::8, None]).all()
    return out[::8]


def scalar_current(d, g, s, b):
    """Level 1 as in a textbook, with its cases spelled out."""
    if d < s:
        return -scalar_current(s, g, d, b)
    vds, vgs, vbs = d - s, g - s, b - s
    root_phi = math.sqrt(DEVICE.phi_V)
    body = math.sqrt(DEVICE.phi_V - vbs) if vbs <= 0 else max(0.0, root_phi - vbs / (2 * root_phi))
    vgst = vgs - (CARD.model["vto"] + DEVICE.gamma * (body - root_phi))
    beta = CARD.model["kp"] * CARD.instance["w"] / CARD.instance["l"] * (1 + CARD.model["lambda"] * vds)
    if vgst <= 0:
        return 0.0
    return beta / 2 * vgst**2 if vgst <= vds else beta * vds * (vgst - vds / 2)


def scalar_diode(v):
    vt = DEVICE.vt_V
    return DEVICE.gmin_S * v - 1e-14 if v <= -3 * vt else 1e-14 * (math.exp(v / vt) - 1) + DEVICE.gmin_S * v


@settings(deadline=None, max_examples=300)
@given(voltages)
def test_currents_are_those_of_the_scalar_version(v):
    found = device(v)
    np.testing.assert_allclose(found[0], scalar_current(*v), rtol=1e-12, atol=1e-16)
    v[3] = v[2] + min(v[3] - v[2], 1.0)
    np.testing.assert_allclose(device(v)[5], scalar_diode(v[3] - v[2]), rtol=1e-12, atol=1e-26)


@settings(deadline=None, max_examples=300)
@given(voltages)
def test_derivatives_are_those_of_central_differences(v):
    v[3] = min(v[3], v[2] + 0.9)
    found, step = device(v), 1e-6
    for place, row in ((0, 1), (2, 2), (3, 3)):
        up, down = list(v), list(v)
        up[place] += step
        down[place] -= step
        difference = (scalar_current(*up) - scalar_current(*down)) / (2 * step)
        # The curvature jumps by up to beta (1 + gamma / ...) where regions meet; a difference sees half of that.
        assert abs(found[row] - difference) < 1e-8 + 1e-6 * abs(difference)
    bias = v[3] - v[2]
    if abs(bias + 3 * DEVICE.vt_V) > 2 * step:
        difference = (scalar_diode(bias + step) - scalar_diode(bias - step)) / (2 * step)
        np.testing.assert_allclose(found[6], difference, rtol=1e-4)


def test_both_signs_of_vds_and_the_threshold_are_continuous():
    for v in ([0.3, 2.0, 0.3, 0.1], [1.0, 0.3 + 0.75, 0.3, 0.3]):
        near = [device([v[0] + e, v[1], v[2], v[3]])[:4] for e in (-1e-12, 1e-12)]
        np.testing.assert_allclose(near[0], near[1], atol=1e-12)


@numba.njit
def _edge(array, v, out):
    step = newton_step(
        load(v, 0), load(v, 8), load(v, 16), load(v, 24), load(v, 32), load(v, 40), unpack(Device, array, 0)
    )
    for i in range(16):
        store(out, 8 * i, step[i])


@numba.njit
def _body(array, v, out):
    store(out, 0, floating_body(load(v, 0), load(v, 8), unpack(Device, array, 0)))


def edge_currents(array, D, gate, S):
    """Currents into drain and source end (A) of one edge whose internal nodes are solved by many damped steps."""
    d, s, b, out = D, S, min(D, S), np.empty(128)
    for _ in range(400):
        _edge(array, np.repeat(np.array([D, gate, S, d, s, b], float), 8), out)
        step = out[::8]
        d, s, b = (x + np.clip(dx, -0.05, 0.05) for x, dx in zip((d, s, b), step[:3], strict=True))
    return step, (d, s, b)


@settings(deadline=None, max_examples=25)
@given(
    st.sampled_from(["floating", "ground", "source"]), st.floats(-0.5, 1.5), st.floats(0.4, 8.0), st.floats(-0.5, 1.5)
)
def test_elimination_gives_the_derivatives_of_the_solved_edge(tie, D, gate, S):
    array = pack(device_parameters(CARD, CircuitOptions(body_tie=tie)))
    step, _ = edge_currents(array, D, gate, S)
    h = 1e-5
    for shift, columns in (((0.0, h), (10, 13)), ((h, 0.0), (11, 14))):  # by S, by D: columns of in_S and in_D
        up, _ = edge_currents(array, D + shift[0], gate, S + shift[1])
        down, _ = edge_currents(array, D - shift[0], gate, S - shift[1])
        for current, column in zip((9, 12), columns, strict=True):
            difference = (up[current] - down[current]) / (2 * h)
            assert abs(difference - step[column]) < 2e-8 + 1e-4 * abs(difference)


def test_floating_body_guess_is_close():
    for D in np.linspace(0.0, 1.2, 25):
        _, (d, s, b) = edge_currents(ARRAY, D, 4.0, 0.3)
        out = np.empty(8)
        _body(ARRAY, np.repeat(np.array([d, s], float), 8), out)
        assert abs(out[0] - b) < 2e-3
