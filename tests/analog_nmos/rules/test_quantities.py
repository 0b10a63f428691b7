"""What transistors compare, against numerical integrals of a transistor's current, and compiled against NumPy."""

import dataclasses
import itertools

import numpy as np
import pytest
from scipy.integrate import quad

from analog_nmos.backends.base import Edges
from analog_nmos.backends.native.transistor.parameters import device_parameters
from analog_nmos.cards.model_card import default_card_path, read_model_card
from analog_nmos.circuit import CircuitOptions
from analog_nmos.rules import QUANTITIES, TERMS
from analog_nmos.rules.ends import Ends
from analog_nmos.rules.terms_kernel import Weighted, added
from analog_nmos.rules.transistors import Transistors
from analog_nmos.rules.transistors_kernel import known

PLACES = [("ground", "ground"), ("source", "ground"), ("drain", "ground"), ("floating", "ground")]
PLACES += [("ground", "drain"), ("ground", "source"), ("floating", "drain"), ("drain", "body"), ("floating", "body")]
E = 64


def card(kind="nmos"):
    found = read_model_card(default_card_path())
    if kind == "nmos":
        return found
    model = {**found.model, "vto": -found.model["vto"]}
    return dataclasses.replace(found, kind="pmos", model=model)


def transistors(tie="ground", gate="ground", kind="nmos", deviates=True):
    rng = np.random.default_rng(1)
    device = device_parameters(card(kind), CircuitOptions(body_tie=tie, gate_ref=gate))
    made = Transistors.of(device, [None, None], E)
    offset_V, factor = rng.normal(0, 0.1, (2, E)), rng.normal(1, 0.1, (2, E))
    return dataclasses.replace(made, vto_offset_V=offset_V, kp_factor=factor) if deviates else made


def states(sign=1.0):
    """Ends of three states, and gates, in which transistors are off, linear and saturated."""
    rng = np.random.default_rng(2)
    ends = [Ends(*(sign * rng.uniform(0, 0.5, (2, 2, E)))) for _ in range(3)]
    return ends, sign * rng.uniform(0.4, 3.0, (2, E))


def ideal_current(drain_V, gate_V, source_V, body_V, m):
    """Shichman and Hodges without lambda, in A / beta, by cases."""
    if drain_V < source_V:
        return -ideal_current(source_V, gate_V, drain_V, body_V, m)
    above_V = body_V - source_V
    root = np.sqrt(m.phi_V - above_V) if above_V < 0 else np.sqrt(m.phi_V) - above_V / (2 * np.sqrt(m.phi_V))
    overdrive_V, across_V = gate_V - source_V - m.vbi_V - m.gamma * max(root, 0.0), drain_V - source_V
    if overdrive_V <= 0:
        return 0.0
    if across_V < overdrive_V:
        return overdrive_V * across_V - across_V**2 / 2
    return overdrive_V**2 / 2


def co_content(drain_V, gate_V, source_V, gate_on, m):
    """Integral of the current by the drain-source voltage: the lower end stays, the other one rises; body at ground."""
    low_V, up = min(drain_V, source_V), drain_V >= source_V

    def at(across_V):
        ends = (low_V + across_V, low_V) if up else (low_V, low_V + across_V)
        moved_V = gate_V + {"ground": 0.0, "drain": ends[0], "source": ends[1]}[gate_on]
        return abs(ideal_current(ends[0], moved_V, ends[1], 0.0, m))

    return quad(at, 0, abs(drain_V - source_V), limit=400, epsabs=1e-14)[0]


@pytest.mark.parametrize("gate_on", ["ground", "drain", "source"])
def test_device_aware_is_the_derivative_of_the_co_content(gate_on):
    own = transistors("ground", gate_on, deviates=False)
    m, nothing = own.around, Ends(np.zeros((2, E)), np.zeros((2, E)))
    (_, ends, _), gate_V = states()
    found = QUANTITIES.get("device-aware")(own, own).change(nothing, nothing, ends, gate_V)
    step_V, seen = 1e-4, set()
    for e in range(E):
        drain_V, source_V, gate = ends.drain_V[0, e], ends.source_V[0, e], gate_V[0, e]
        up, down = (co_content(drain_V, gate + h, source_V, gate_on, m) for h in (step_V, -step_V))
        slope = (up - down) / (2 * step_V)
        assert found[0, e] == pytest.approx(2 * slope, abs=2e-5)
        seen.add("off" if found[0, e] == 0 else "linear" if found[0, e] == abs(drain_V - source_V) ** 2 else "between")
    # A gate that rises with the upper end leaves no transistor saturated that would be on without it.
    assert {"off", "linear"} <= seen | ({"linear"} if gate_on == "source" else set())


def test_all_are_the_squared_drop_of_a_transistor_that_conducts_linearly():
    own = transistors(deviates=False)
    (free, _, _), gate_V = states()
    gate_V = gate_V + 5.0
    after = Ends(free.drain_V + 1e-7, free.source_V - 1e-7)
    published = QUANTITIES.get("squared-drop")(None, None).change(free, free, after, gate_V)
    aware = QUANTITIES.get("device-aware")(own, own).change(free, free, after, gate_V)
    field = QUANTITIES.get("vector-field")(own, own).change(free, free, after, gate_V)
    np.testing.assert_allclose(aware, published, rtol=1e-6, atol=1e-18)
    grown = 1.0 + own.around.lam * np.abs(free.drain_V - free.source_V)
    np.testing.assert_allclose(field, published * grown, rtol=1e-3, atol=1e-13)


def test_vector_field_is_the_current_that_a_gate_makes_times_what_the_drop_moves():
    own = transistors(deviates=False)
    (free, first, second), gate_V = states()
    found = QUANTITIES.get("vector-field")(own, own).change(free, first, second, gate_V)
    m = own.around
    for e in range(E):
        ends = free.drain_V[1, e], free.source_V[1, e]
        across_V = ends[0] - ends[1]
        up, down = (ideal_current(ends[0], gate_V[1, e] + h, ends[1], 0.0, m) for h in (1e-6, -1e-6))
        by_gate = (up - down) / 2e-6 * (1 + m.lam * abs(across_V))
        moved_V = (second.drain_V - second.source_V - first.drain_V + first.source_V)[1, e]
        assert found[1, e] == pytest.approx(2 * by_gate * moved_V, abs=1e-6)


def edges_of():
    """Edge e from node 2 e to node 2 e + 1, in both replicas."""
    ends = np.tile(np.arange(2 * E).reshape(E, 2), (2, 1, 1))
    nothing = np.zeros(2, np.int64)
    return Edges(np.zeros(E), np.zeros((2, E), np.int64), ends[:, :, 0].copy(), ends[:, :, 1].copy(), nothing)


def nodes(ends, row):
    return np.stack([ends.drain_V[row], ends.source_V[row]], axis=1).ravel().copy()


@pytest.mark.parametrize("kind", ["nmos", "pmos"])
@pytest.mark.parametrize(("tie", "gate"), PLACES)
@pytest.mark.parametrize("name", list(QUANTITIES))
def test_compiled_quantities_have_the_numbers_of_numpy(name, tie, gate, kind):
    quantity = QUANTITIES.get(name)
    first = transistors(tie, gate, kind)
    second = dataclasses.replace(first, vto_offset_V=-first.vto_offset_V)
    made = quantity(first, second) if quantity.device else quantity(None, None)
    ends, gate_V = states(-1.0 if kind == "pmos" else 1.0)
    expected, kernel = made.change(*ends, gate_V), made.kernel()
    assert np.isfinite(expected).all()
    assert (expected != 0).any()
    for row in range(2):
        found = np.full(E, np.nan)
        kernel.change(kernel.own, row, edges_of(), gate_V[row], *(nodes(one, row) for one in ends), found)
        # The exact one is compiled twice, and either may fuse a product and a sum where the other does not.
        error = 1e-12 if name == "co-content" else 0.0
        np.testing.assert_allclose(found, expected[row], rtol=error, atol=1e-3 * error)


@pytest.mark.parametrize(("tie", "gate"), PLACES)
def test_compiled_terms_have_the_numbers_of_numpy(tie, gate):
    own = transistors(tie, gate)
    (free, _, _), gate_V = states()
    terms = [TERMS.get(name)(own) for name in TERMS]
    weight = np.random.default_rng(3).uniform(0.1, 1, (2, len(terms)))
    add = added(*(term.kernel().value for term in terms))
    for row in range(2):
        expected = np.full((2, E), 0.25)
        for number, term in enumerate(terms):
            expected += weight[:, number, None] * term.value(free, gate_V)
        found = np.full(E, 0.25)
        add(Weighted(known(own), weight), row, edges_of(), gate_V[row], nodes(free, row), found)
        np.testing.assert_array_equal(found, expected[row])


def test_homeostasis_lifts_gates_of_saturated_transistors_alone():
    own = transistors(deviates=False)
    (free, _, _), gate_V = states()
    value = TERMS.get("homeostasis")(own).value(free, gate_V)
    stands = own.channel(free, gate_V)
    assert (value[stands.overdrive_V >= stands.across_V] == 0).all()
    assert (value[stands.overdrive_V < stands.across_V] < 0).all()
    assert (value >= -stands.across_V).all()


def test_power_is_the_derivative_of_a_transistors_power():
    own = transistors(deviates=False)
    (free, _, _), gate_V = states()
    value, m = TERMS.get("power")(own).value(free, gate_V), own.around
    for e, row in itertools.product(range(E), range(2)):
        drain_V, source_V = free.drain_V[row, e], free.source_V[row, e]
        grown = 1 + m.lam * abs(drain_V - source_V)
        up, down = (
            (drain_V - source_V) * ideal_current(drain_V, gate_V[row, e] + h, source_V, 0.0, m) * grown
            for h in (1e-6, -1e-6)
        )
        assert value[row, e] == pytest.approx((up - down) / 2e-6, abs=1e-6)
