"""Settling times against transients of ngspice after a step of 1 mV, and against networks solved by hand."""

import re
from pathlib import Path

import numpy as np
import pytest

from analog_nmos.backends.native.transistor.parameters import device_parameters
from analog_nmos.backends.native.transistor.states import EdgeSlopes, states_and_slopes
from analog_nmos.cards.model_card import ModelCard
from analog_nmos.circuit import CircuitOptions
from analog_nmos.energy.capacitances import Capacitances, capacitances
from analog_nmos.energy.in_time import by_contour, modes
from analog_nmos.energy.linearised import Linearised
from analog_nmos.energy.options import CapacitanceOptions
from analog_nmos.energy.power import Loads
from analog_nmos.energy.settling import last_crossing, settling_times
from analog_nmos.topology import dense
from common.errors import RunError

STEP_V = 1e-3
JUNCTIONS = {"cgso": 2e-7, "cgdo": 1e-7, "cgbo": 3e-7, "cj": 2e-2, "cjsw": 3e-7, "mjsw": 0.33}
TOLERANCES = "reltol=1e-6 abstol=1e-13 vntol=1e-10 chgtol=1e-18 trtol=1 method=gear itl4=100"


def linearised(one, options):
    held = capacitances(one.card, options, one.states)
    return Linearised(one.device, one.topology, one.options, one.slopes, held, one.loads)


def transient(spice, one, options, phase, element, step_s, stop_s):
    """Times and voltages of the outputs and hidden nodes after a step of one source of the netlist."""
    topology, lines = one.topology, one.netlist(phase).splitlines()
    at = next(i for i, line in enumerate(lines) if line.split()[0] == element)
    name, plus, minus, volts = lines[at].split()
    lines[at] = f"{name} {plus} {minus} dc {volts} pwl(0 {volts} {step_s!r} {float(volts) + STEP_V!r})"
    free = [*topology.out_nodes, *(n for n in topology.hidden_nodes if n in topology.edges_D or n in topology.edges_S)]
    if options.node_cap:
        lines[-1:-1] = [f"C{n} {n} 0 {options.node_cap!r}" for n in free]
    if options.gate_cap:
        ends = enumerate(zip(topology.edges_D, topology.edges_S, strict=True))
        half_F = 0.5 * options.gate_cap
        lines[-1:-1] = [f"CE{e}{k} g{e} {n} {half_F!r}" for e, pair in ends for k, n in enumerate(pair)]
    # Tolerances of the operating point would make time steps that rounding errors decide.
    lines = [re.sub(r"^\.options klu .*", f".options klu {TOLERANCES}", line) for line in lines]
    spice.read("\n".join(lines) + "\n")
    spice.command(f"tran {step_s!r} {stop_s!r} 0 {step_s!r}")
    printed = spice.drain()
    names = ["time", *(f"v({n})" for n in free)]
    found = []
    for name in names:
        info = spice._library.ngGet_Vec_Info(spice.vector(name))
        assert info != spice._ffi.NULL, printed
        found.append(np.array([info.v_realdata[i] for i in range(info.v_length)]))
    return found[0], np.array(found[1:])


def last_above(time_s, change_V, final_V):
    """When the largest difference from the end (outputs,) falls below 1 percent of the largest final change, for good.

    The end is that of an operating point: bodies may take longer for the last hundredth than any transient lasts.
    """
    left = np.abs(change_V - final_V[:, None]).max(axis=0) / np.abs(final_V).max()
    at = np.flatnonzero(left > 0.01)[-1]
    share = (left[at] - 0.01) / (left[at] - left[at + 1])
    return time_s[at] + share * (time_s[at + 1] - time_s[at])


def by_ngspice(spice, one, options, source, expected_s):
    """The settling time of a free state after a step of an input, by a transient four times as long as expected."""
    stop_s, outputs = 4.0 * expected_s, one.topology.out_nodes
    time_s, volts = transient(spice, one, options, 0, f"VI{source}", stop_s / 4000, stop_s)
    assert time_s[-1] == pytest.approx(stop_s)
    stepped_V = one.input_V + STEP_V * (np.arange(one.topology.n_inputs) == source)
    final_V = (one.solve(stepped_V) - one.node_V)[0, outputs]
    change_V = volts[: outputs.size] - volts[: outputs.size, :1]
    return last_above(time_s - 0.5 * stop_s / 4000, change_V, final_V)  # the step takes as long as one of these


CIRCUITS = {
    "one output": ({"body_tie": "ground"}, "nmos", CapacitanceOptions(node_cap=2e-9), {}),
    "gates follow their drains": (
        {"gate_ref": "drain", "body_tie": "source"}, "nmos", CapacitanceOptions(node_cap=1e-9, gate_cap=3e-9), {},
    ),
    "gates follow floating bodies": (
        {"gate_ref": "body", "body_tie": "floating"}, "nmos", CapacitanceOptions(node_cap=1e-9, gate_cap=2e-9), {},
    ),
    "capacitances of the card": (
        {"body_tie": "floating"}, "nmos", CapacitanceOptions(node_cap=1e-10, gate_cap=1e-10), JUNCTIONS,
    ),
    "pmos": (
        {"body_tie": "drain", "body_res": 0.0}, "pmos", CapacitanceOptions(node_cap=1e-9, gate_cap=1e-9),
        {"cbd": 1e-9, "cbs": 3e-9, "cgso": 1e-6},
    ),
    "gates on their sources": (
        {"gate_ref": "source", "body_tie": "ground"}, "nmos", CapacitanceOptions(node_cap=0.0, gate_cap=5e-9), {},
    ),
    "body tied directly": (
        {"gate_ref": "body", "body_tie": "source", "body_res": 0.0}, "nmos",
        CapacitanceOptions(node_cap=1e-9), JUNCTIONS,
    ),
}  # fmt: skip


@pytest.mark.parametrize("coupled", [False, True])
@pytest.mark.parametrize("name", CIRCUITS)
def test_it_equals_a_transient_of_ngspice(spice, solved, oracle, name, coupled):
    links, kind, options, model = CIRCUITS[name]
    topology = oracle["grid"]() if coupled else dense(3, 1)
    one = solved(topology, kind, int(coupled), not coupled, gates=(1.2, 4.0), model=model, **links)
    network = linearised(one, options)
    for source in range(1, 3):
        time_s = float(settling_times(network, source)[0])
        found_s = by_ngspice(spice, one, options, source, time_s)
        print(f"{name}, {topology.n_edges} edges, input {source}: {time_s:.4g} s, ratio {time_s / found_s:.5f}")
        assert time_s == pytest.approx(found_s, rel=0.05)


def test_a_step_of_a_clamped_output_equals_a_transient(spice, solved, oracle):
    """Of VOUT behind rs_clamp; hidden nodes count."""
    options = CapacitanceOptions(node_cap=1e-9)
    one = solved(oracle["grid"](), gates=(1.2, 4.0))
    output = int(np.flatnonzero(one.clamped[1])[0])
    time_s = float(settling_times(linearised(one, options), output, clamps=True, everywhere=True)[1])
    stop_s = 4.0 * time_s
    found_s, volts = transient(spice, one, options, 1, f"VO{output}", stop_s / 4000, stop_s)
    change_V = volts - volts[:, :1]
    found_s = last_above(found_s - 0.5 * stop_s / 4000, change_V, change_V[:, -1])
    assert time_s == pytest.approx(found_s, rel=0.05)


def one_conductor(conductance_S, **held):
    """A transistor as a plain conductor from an input to one output; body tied directly, no series resistances."""
    zero = np.zeros((1, 1))
    slopes = EdgeSlopes(zero + conductance_S, zero - conductance_S, zero, zero, zero, zero)
    card = ModelCard(Path("none.lib"), {"kp": 6e-5, "gamma": 0.0, "rsh": 0.0}, {})
    options = CircuitOptions(body_res=0.0, rshunt=1e18, rs_free=1e18)
    loads = Loads(np.full((1, 1), options.rs_free), np.zeros((1, 1)))
    free = Capacitances(**{"node_F": 0.0, "end_F": 0.0, "gate_drain_F": 0.0, "gate_source_F": 0.0, "gate_body_F": 0.0,
                           "drain_body_F": zero, "source_body_F": zero, **held})  # fmt: skip
    return Linearised(device_parameters(card, options), dense(1, 1), options, slopes, free, loads)


def test_one_resistor_and_one_capacitor():
    """ln(100) R C, wherever the capacitor hangs."""
    expected_s = np.log(100.0) * 1e4 * 2e-12
    for held in ({"node_F": 2e-12}, {"end_F": 2e-12}, {"source_body_F": np.full((1, 1), 2e-12)}):
        assert settling_times(one_conductor(1e-4, **held)) == pytest.approx(expected_s, rel=1e-4)


def test_without_charge_everything_follows_at_once():
    assert settling_times(one_conductor(1e-4)) == 0.0


def test_the_search_in_time():
    """A state slower than expected, one that crosses late after it had been below, and one that never ends."""
    expected_s = 100.0 * np.log(100.0)
    assert last_crossing(lambda t: np.exp(-t / 100.0), np.ones(1)) == pytest.approx(expected_s, rel=1e-4)
    twice = last_crossing(lambda t: np.abs(2.0 * np.exp(-t) - 3.0 * np.exp(-2.0 * t)), np.ones(1))
    assert twice == pytest.approx(np.log(200.0), rel=3e-3)
    with pytest.raises(RunError, match="does not settle"):
        last_crossing(np.ones_like, np.ones(1))
    with pytest.raises(RunError, match="does not settle"):
        last_crossing(lambda t: t * np.nan, np.ones(1))


def test_the_worst_input_counts_of_those_that_matter(solved):
    one = solved(dense(4, 2), gates=(1.5, 4.0))
    network = linearised(one, CapacitanceOptions(node_cap=1e-12))
    alone_s = np.array([settling_times(network, source) for source in range(4)])
    np.testing.assert_allclose(settling_times(network), alone_s.max(axis=0), rtol=1e-3)


def test_an_input_without_effect_does_not_count(solved):
    """An edge that is off, to an output of its own, would take milliseconds."""
    one = solved(dense(2, 2), gates=(3.0, 4.0), vplus=0.5)
    one.gate_V[one.topology.edges_D == one.topology.input_nodes[1]] = 0.0
    one.node_V = one.solve(one.input_V)
    one.states, one.slopes = states_and_slopes(one.device, one.topology, one.node_V, one.gate_V)
    network = linearised(one, CapacitanceOptions(node_cap=1e-12))
    assert settling_times(network)[0] == pytest.approx(settling_times(network, 0)[0], rel=1e-3)


@pytest.mark.parametrize("clamps", [False, True])
@pytest.mark.parametrize("gate_ref", ["ground", "source"])
def test_both_ways_into_time_agree(solved, oracle, gate_ref, clamps):
    one = solved(oracle["grid"](), gates=(1.0, 4.0), gate_ref=gate_ref)
    network = linearised(one, CapacitanceOptions(node_cap=1e-12, gate_cap=2e-12))
    final, everything = network.transfers(np.zeros((2, 1)), clamps)[:, 0].real, slice(None)
    found = modes(network, clamps, final, network.n_free, everything)
    assert found is not None
    for time_s in (1e-10, 1e-9, 1e-8):
        times_s = np.array([time_s, 0.7 * time_s])
        other = by_contour(network, times_s, clamps, final, network.n_free, everything)
        np.testing.assert_allclose(found.at(times_s), other, atol=1e-6 * np.abs(final).max())


def test_there_are_no_modes_where_a_node_holds_no_charge(solved):
    one = solved(dense(2, 2))
    final = np.zeros((2, 2, 2))
    assert modes(linearised(one, CapacitanceOptions(node_cap=0.0)), False, final, 2, slice(None)) is None
    card = solved(dense(2, 2), model=JUNCTIONS)
    assert modes(linearised(card, CapacitanceOptions()), False, final, 2, slice(None)) is None
