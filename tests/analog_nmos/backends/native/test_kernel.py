"""The fallbacks of the solver for one output, which ordinary networks never reach."""

import numba
import numpy as np
import pytest

from analog_nmos.backends.native.decoupled.newton import (
    CONVERGED,
    DAMPED,
    FIELDS,
    Edges,
    Output,
    attempt,
    solve_output,
    source_stepping,
)
from analog_nmos.backends.native.transistor import kinds
from analog_nmos.backends.native.transistor.accuracy import Limits, expect, limits
from analog_nmos.backends.native.transistor.device import Device
from analog_nmos.backends.native.transistor.linked import Linked
from analog_nmos.backends.native.transistor.packing import pack, unpack
from analog_nmos.backends.native.transistor.parameters import device_parameters
from analog_nmos.cards.model_card import default_card_path, read_model_card
from analog_nmos.circuit import CircuitOptions
from common.kernels.vectors import aligned


def all_ways(kind):
    """Newton, damped Newton and source stepping for a kind of device, compiled."""
    return numba.njit(lambda *args: _all_ways(kind, *args))


@numba.njit
def _all_ways(kind, array, bounds, drain_V, gate_V, weight, work):
    m, known, edges = unpack(kind, array, 0), unpack(Limits, bounds, 0), Edges(gate_V, weight, None, None)
    low_V, high_V, highest_V = kinds.reach(-0.5, 2.0, gate_V.min(), gate_V.max(), m)
    accuracy = expect(known, low_V, high_V, highest_V, m)
    out = Output(0, gate_V.size, m.shunt_S + 1e-9, 1e-10, 1e-11, 150, accuracy, 2.5 * DAMPED, known.knee_V)
    plain = solve_output(drain_V, edges, out, 0.3, m, work, gate_V.size)
    damped = attempt(drain_V, edges, out, 0.9, out.passes > 0, 150, out.passes > 0, m, work, gate_V.size)
    stepped = source_stepping(drain_V, edges, out, m, work, gate_V.size)
    return plain, damped, stepped


LINKS = [{"body_tie": tie} for tie in ("floating", "ground", "source", "drain")]
LINKS += [{"gate_ref": "source", "body_tie": "drain", "body_res": 0.0}, {"gate_ref": "body", "body_tie": "floating"}]
WAYS = {kind: all_ways(kind) for kind in (Device, Linked)}


@pytest.mark.parametrize("links", LINKS, ids=lambda links: " ".join(map(str, links.values())))
def test_damped_newton_and_source_stepping_find_the_same_voltage(links):
    rng = np.random.default_rng(0)
    device = device_parameters(read_model_card(default_card_path()), CircuitOptions(**links))
    ways = WAYS[type(device)]
    array, bounds = pack(device), pack(limits(device))
    weight, work = aligned(16), aligned(16 * FIELDS)
    weight[:13] = 1.0
    for lo, hi in ((0.4, 8.0), (0.4, 1.0)):
        for _ in range(20):
            answers = ways(array, bounds, rng.uniform(-0.5, 2.0, 16), rng.uniform(lo, hi, 16), weight, work)
            assert [answer[1] for answer in answers] == [CONVERGED] * 3
            np.testing.assert_allclose([answer[0] for answer in answers], answers[0][0], atol=2e-9)
