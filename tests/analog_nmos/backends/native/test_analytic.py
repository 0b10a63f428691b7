"""One transistor and a resistor: a quadratic equation solved by hand."""

import math
from pathlib import Path

import numpy as np
import pytest

from analog_nmos.backends.native import NativeBackend
from analog_nmos.cards.model_card import ModelCard
from analog_nmos.circuit import CircuitOptions
from analog_nmos.topology import dense

VTO, BETA, LOAD_OHM = 0.7, 1e-4 * 10.0, 2000.0
CARD = ModelCard(Path("ideal"), {"vto": VTO, "kp": 1e-4, "is": 1e-30}, {"w": 1e-4, "l": 1e-5})


def solved(drain_V, gate_V, target_V):
    """Source voltage (V) of the transistor with its source joined to target_V through LOAD_OHM."""
    options = CircuitOptions(gmin=1e-30, rshunt=1e30, rs_clamp=LOAD_OHM)
    backend = NativeBackend([dense(1, 1)], CARD, options, tolerance_V=1e-13)
    backend.set_gates(np.array([[gate_V]]))
    solution = backend.solve_clamped(
        np.array([[drain_V]]), np.array([[target_V]]), np.array([[True]]), np.array([True])
    )
    assert solution.status.tolist() == [0]
    return solution.node_V[0, 3]


@pytest.mark.parametrize("gate_V", [1.0, 1.5, 2.2])
def test_saturation(gate_V):
    """beta/2 (a - s)^2 = (s - t)/R with a = vg - vto, for vd above a."""
    target_V = 0.1
    a, c = gate_V - VTO, 2.0 / (BETA * LOAD_OHM)
    # s^2 - (2 a + c) s + a^2 + c t = 0, the root below a
    s = ((2 * a + c) - math.sqrt((2 * a + c) ** 2 - 4 * (a**2 + c * target_V))) / 2
    assert s < a < 5.0
    assert solved(5.0, gate_V, target_V) == pytest.approx(s, abs=1e-12)


@pytest.mark.parametrize(("drain_V", "target_V"), [(0.9, 0.1), (0.2, 0.6)])
def test_linear_region_forward_and_reversed(drain_V, target_V):
    """beta ((a - s) - (d - s)/2) (d - s) = (s - t)/R; the current is beta/2 ((a - s)^2 - (a - d)^2) for either sign."""
    gate_V = 3.0
    a, c = gate_V - VTO, 2.0 / (BETA * LOAD_OHM)
    s = ((2 * a + c) - math.sqrt((2 * a + c) ** 2 - 4 * (a**2 + c * target_V - (a - drain_V) ** 2))) / 2
    assert max(s, drain_V) < a
    assert solved(drain_V, gate_V, target_V) == pytest.approx(s, abs=1e-12)


def test_cutoff_leaves_the_target():
    assert solved(1.0, 0.5, 0.25) == pytest.approx(0.25, abs=1e-12)
