"""The power of states: equal to ngspice's source currents times voltages, and to what the circuit turns into heat."""

import numpy as np
import pytest

from analog_nmos.backends.native import NativeBackend
from analog_nmos.backends.native.transistor.parameters import device_parameters
from analog_nmos.backends.native.transistor.states import edge_states
from analog_nmos.circuit import BODY_TIES, GATE_REFS, CircuitOptions
from analog_nmos.energy.power import clamped_loads, free_loads, power
from analog_nmos.topology import dense

LINKS = [(tie, gate_ref) for tie in BODY_TIES for gate_ref in GATE_REFS]


def power_of(one):
    return power(one.states, one.topology, one.options, one.node_V, one.gate_V, one.loads)


def source_powers(spice, one, phase):
    """What each source of the netlist delivers by ngspice, in W, by the first two letters of its name."""
    spice.read(one.netlist(phase))
    spice.command("op")
    spice.drain()
    topology = one.topology
    volts = {"vm": one.options.vminus, "vp": one.options.vplus}
    volts |= {f"vi{i}": value for i, value in enumerate(one.input_V)}
    volts |= {f"vg{e}": value for e, value in enumerate(one.gate_V)}
    volts |= {f"vo{k}": value for k, value in enumerate(one.sink_V[phase])}
    assert len(volts) == 2 + topology.n_inputs + topology.n_edges + topology.n_outputs
    found = dict.fromkeys(("vm", "vp", "vi", "vg", "vo"), 0.0)
    for name, value in volts.items():
        current_A = spice.last_value(spice.vector(f"{name}#branch"), 1)
        found[name[:2]] -= value * current_A
    return found


@pytest.mark.parametrize("differ", [False, True])
@pytest.mark.parametrize("kind", ["nmos", "pmos"])
@pytest.mark.parametrize(("tie", "gate_ref"), LINKS)
def test_it_equals_the_source_currents_of_ngspice(spice, solved, oracle, tie, gate_ref, kind, differ):
    rails = {"vminus": -0.1, "vplus": 0.4}
    for seed, topology in enumerate((dense(4, 3), oracle["grid"]())):
        one = solved(topology, kind, seed, differ, body_tie=tie, gate_ref=gate_ref, **rails)
        ours = power_of(one)
        for phase in range(2):  # free, clamped
            theirs = source_powers(spice, one, phase)
            assert ours.total_W[phase] == pytest.approx(sum(theirs.values()), rel=1e-6)
            scale_W = abs(ours.total_W[phase])
            assert ours.rails_W[phase] == pytest.approx(theirs["vm"] + theirs["vp"], rel=1e-6, abs=1e-7 * scale_W)
            assert ours.inputs_W[phase] == pytest.approx(theirs["vi"], rel=1e-6, abs=1e-7 * scale_W)
            assert ours.gates_W[phase] == pytest.approx(theirs["vg"], rel=1e-6, abs=1e-7 * scale_W)
            assert ours.outputs_W[phase] == pytest.approx(theirs["vo"], rel=1e-6, abs=1e-7 * scale_W)


@pytest.mark.parametrize(("tie", "gate_ref"), LINKS)
def test_what_sources_deliver_becomes_heat(solved, oracle, tie, gate_ref):
    """In the transistors, rshunt of the numbered nodes and of the sinks, and the resistors of the outputs."""
    one = solved(oracle["grid"](), seed=2, body_tie=tie, gate_ref=gate_ref)
    found, options, topology = power_of(one), one.options, one.topology
    heat_W = found.edges_W.sum(axis=1) + (one.node_V**2).sum(axis=1) / options.rshunt
    heat_W += (one.sink_V**2).sum(axis=1) / options.rshunt
    heat_W += ((one.node_V[:, topology.out_nodes] - one.sink_V) ** 2 / one.loads.series_ohm).sum(axis=1)
    np.testing.assert_allclose(found.total_W, heat_W, rtol=1e-9)
    assert (found.edges_W >= 0.0).all()


def test_currents_that_nudge_outputs_are_sources_too(oracle):
    """As above, of a state in which outputs are nudged by currents."""
    topology, options = oracle["grid"](), CircuitOptions(nudge_mode="current")
    rng, card = np.random.default_rng(0), oracle["card"]()
    gate_V, driven_A = rng.uniform(0.6, 3.0, topology.n_edges), np.array([[1e-5, -2e-5, 0.0]])
    backend = NativeBackend([topology], card, options, tolerance_V=1e-13)
    backend.set_gates(gate_V[None])
    held = driven_A != 0.0
    node_V = backend.solve_clamped(rng.uniform(0, 1, (1, topology.n_inputs)), driven_A, held, np.ones(1, bool)).node_V
    loads = clamped_loads(options, np.zeros((1, 3)), held, driven_A)
    states = edge_states(device_parameters(card, options), topology, node_V, gate_V)
    found = power(states, topology, options, node_V, gate_V, loads)
    out_V = node_V[:, topology.out_nodes]
    heat_W = found.edges_W.sum() + (node_V**2).sum() / options.rshunt + (out_V**2).sum() / options.rs_free
    assert found.total_W[0] == pytest.approx(heat_W, rel=1e-9)
    assert found.outputs_W[0] == pytest.approx((driven_A * out_V).sum(), rel=1e-6)
    assert loads.of(slice(0, 1)).driven_A.tolist() == driven_A.tolist()


def test_a_resistor_by_hand(solved):
    """A single transistor far above its threshold between 1 V and an output that is clamped to 0 V."""
    one = solved(dense(1, 1), gates=(8.0, 8.0), body_tie="source")
    found = power_of(one)
    current_A = one.states.into_drain_A[:, 0]
    np.testing.assert_allclose(found.inputs_W, one.input_V * (current_A + one.input_V / 1e9), rtol=1e-12)
    np.testing.assert_allclose(found.rails_W, 0.45**2 / 1e9, rtol=1e-12)
    np.testing.assert_allclose(found.gates_W, 64.0 / 1e9, rtol=1e-9)


def test_loads_of_free_outputs(solved):
    one = solved(dense(2, 2))
    loads = free_loads(one.options, one.sink_V)
    assert (loads.series_ohm == one.options.rs_free).all()
    assert loads.series_ohm.shape == (2, 2)
