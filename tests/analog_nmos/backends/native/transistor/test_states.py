"""States of transistors: Kirchhoff's law at solved nodes, and currents against those that ngspice prints."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from analog_nmos.backends.native import NativeBackend
from analog_nmos.backends.native.transistor.parameters import device_parameters
from analog_nmos.backends.native.transistor.states import LINEAR, OFF, SATURATED, edge_states, states_and_slopes
from analog_nmos.circuit import BODY_TIES, GATE_REFS, CircuitOptions
from analog_nmos.circuit.deviations import Deviations
from analog_nmos.topology import Topology, dense
from common.errors import InputError, RunError

ORACLE = runpy.run_path(str(Path(__file__).parents[1] / "test_against_ngspice.py"))
PMOS = {**ORACLE["MODEL"], "vto": -0.75, "tpg": -1.0}
LINKS = [(tie, gate_ref, ohm) for tie in BODY_TIES for gate_ref in GATE_REFS for ohm in (10.0, 0.0)]
every_link = pytest.mark.parametrize(("tie", "gate_ref", "body_res"), LINKS)
on = np.array([True])


class Solved:
    """A network solved in a free and a clamped phase; gates from cutoff to far above it, of a PMOS in the mirror."""

    def __init__(self, topology, options, kind="nmos", seed=0, differ=False):
        rng = np.random.default_rng([11, seed])
        sign = 1.0 if kind == "nmos" else -1.0
        self.topology, self.options = topology, options
        self.card = ORACLE["card"](ORACLE["MODEL"] if kind == "nmos" else PMOS, kind=kind)
        size = topology.n_edges
        self.own = Deviations(rng.normal(0, 0.1, size), rng.uniform(0.5, 2.0, size)) if differ else None
        backend = NativeBackend([topology], self.card, options, tolerance_V=1e-13, deviations=[self.own])
        self.gate_V = sign * rng.uniform(0.4, 4.0, size)
        self.input_V = sign * rng.uniform(0.0, 1.0, topology.n_inputs)
        self.target_V = sign * rng.uniform(0.0, 0.5, topology.n_outputs)
        self.clamped = rng.random(topology.n_outputs) < 0.6
        backend.set_gates(self.gate_V[None])
        free = backend.solve_free(self.input_V[None], on)
        self.node_V, status = [free.node_V[0].copy()], [int(free.status[0])]
        held = backend.solve_clamped(self.input_V[None], self.target_V[None], self.clamped[None], on)
        self.node_V.append(held.node_V[0].copy())
        assert [*status, int(held.status[0])] == [0, 0]
        self.device = device_parameters(self.card, options)
        self.states = edge_states(self.device, topology, np.array(self.node_V), self.gate_V, self.own)

    def left_over_A(self):
        """Currents at all free nodes that do not add up, of both phases."""
        topology, options, left = self.topology, self.options, []
        for phase, node_V in enumerate(self.node_V):
            series_ohm = np.where(self.clamped & (phase == 1), options.rs_clamp, options.rs_free)
            sink_V = np.where(self.clamped & (phase == 1), self.target_V, 0.0)
            into_A = np.zeros(node_V.size)
            np.add.at(into_A, topology.edges_D, self.states.into_drain_A[phase])
            np.add.at(into_A, topology.edges_S, self.states.into_source_A[phase])
            into_A += node_V / options.rshunt
            into_A[topology.out_nodes] += (node_V[topology.out_nodes] - sink_V) / series_ohm
            touched = np.isin(topology.hidden_nodes, [topology.edges_D, topology.edges_S])
            left += [into_A[topology.out_nodes], into_A[topology.hidden_nodes[touched]]]
        return np.concatenate(left)


@pytest.mark.parametrize("differ", [False, True])
@pytest.mark.parametrize("kind", ["nmos", "pmos"])
@every_link
def test_currents_add_up_at_the_free_nodes_of_solved_networks(tie, gate_ref, body_res, kind, differ):
    options = CircuitOptions(body_tie=tie, gate_ref=gate_ref, body_res=body_res)
    for seed, topology in enumerate((dense(5, 3), ORACLE["grid"]())):
        solved = Solved(topology, options, kind, seed, differ)
        largest_A = max(np.abs(solved.states.into_drain_A).max(), 1e-6)
        assert np.abs(solved.left_over_A()).max() < 1e-11 * largest_A


def test_wrong_voltages_leave_a_current():
    """The sums above can fail."""
    solved = Solved(dense(5, 3), CircuitOptions())
    moved_V = np.array(solved.node_V)
    moved_V[:, solved.topology.out_nodes] += 1e-6
    solved.node_V = list(moved_V)
    solved.states = edge_states(solved.device, solved.topology, moved_V, solved.gate_V)
    assert np.abs(solved.left_over_A()).max() > 1e-11


def ngspice_values(spice, netlist, names):
    """Vectors of an operating point by name."""
    spice.read(netlist)
    spice.command("save all " + " ".join(name for name in names if name.startswith("@")))
    spice.command("op")
    spice.drain()
    found = {name: spice.last_value(spice.vector(name), 1) for name in names}
    assert None not in found.values(), found
    return found


@pytest.mark.parametrize("differ", [False, True])
@pytest.mark.parametrize("kind", ["nmos", "pmos"])
@every_link
def test_currents_of_gate_sources_inputs_and_channels_equal_ngspice(spice, tie, gate_ref, body_res, kind, differ):
    options = CircuitOptions(body_tie=tie, gate_ref=gate_ref, body_res=body_res)
    solved = Solved(dense(4, 2), options, kind, 5, differ)
    topology, states = solved.topology, solved.states
    text = ORACLE["netlist"](
        topology, solved.card, options, solved.input_V, solved.gate_V, np.where(solved.clamped, solved.target_V, 0.0),
        np.where(solved.clamped, options.rs_clamp, options.rs_free).tolist(),
    )  # fmt: skip
    if differ:
        text = with_own_models(text, solved)
    count = topology.n_edges
    names = [f"@m{e}[{what}]" for e in range(count) for what in ("id", "ibd", "gm", "vds", "vbs", "von")]
    names += [f"vi{i}#branch" for i in range(topology.n_inputs)] + [f"vg{e}#branch" for e in range(count)]
    found = ngspice_values(spice, text, names)
    scale_A = np.abs(states.into_drain_A[1]).max()
    for i, node in enumerate(topology.input_nodes):
        out_A = states.into_drain_A[1][topology.edges_D == node].sum() + solved.input_V[i] / options.rshunt
        assert -found[f"vi{i}#branch"] == pytest.approx(out_A, rel=1e-8, abs=1e-9 * scale_A)
    for e in range(count):
        assert -found[f"vg{e}#branch"] == pytest.approx(states.gate_at_V[1, e] / options.rshunt, rel=1e-5, abs=1e-15)
        own_vds = states.drain_V[1, e] - states.source_V[1, e]
        sign = 1.0 if kind == "nmos" else -1.0
        assert sign * found[f"@m{e}[vds]"] == pytest.approx(own_vds, abs=1e-8)
        assert sign * found[f"@m{e}[vbs]"] == pytest.approx(states.body_V[1, e] - states.source_V[1, e], abs=1e-7)
        assert found[f"@m{e}[gm]"] == pytest.approx(abs(states.gm_S[1, e]), rel=1e-5, abs=1e-12)
        channel_A = found[f"@m{e}[id]"] + found[f"@m{e}[ibd]"]  # its id is what leaves the channel and the junction
        assert sign * channel_A == pytest.approx(states.channel_A[1, e], rel=1e-7, abs=1e-9 * scale_A)
        if own_vds * sign > 0.0:  # of a transistor whose ends have changed roles ngspice prints another sign
            assert found[f"@m{e}[von]"] == pytest.approx(states.threshold_V[1, e], abs=1e-6)


def with_own_models(text, solved):
    """A model of its own for each transistor of a netlist."""
    model, kind, lines = solved.card.model, solved.card.kind, []
    for line in text.splitlines():
        if line.startswith("M"):
            e = int(line.split()[0][1:])
            mine = model | {
                "vto": model["vto"] + solved.own.vto_offset_V[e], "kp": model["kp"] * solved.own.kp_factor[e]
            }  # fmt: skip
            lines.append(f".model n{e} {kind} (" + " ".join(f"{k}={float(v)!r}" for k, v in mine.items()) + ")")
            line = line.replace(" n ", f" n{e} ")
        lines.append(line)
    return "\n".join(lines) + "\n"


def test_regions_are_those_of_level_1():
    """One transistor of known regions: gate far above, just above and below what its ends leave."""
    topology, options = Topology(1, 2, np.array([4]), np.array([3]), np.array([4]), np.array([3])), CircuitOptions()
    device = device_parameters(ORACLE["card"](), options)
    node_V, gate_V = np.zeros((3, 5)), np.array([[4.0], [1.1], [0.5]])
    node_V[:, 4] = 1.0
    states = edge_states(device, topology, node_V, gate_V)
    assert states.region[:, 0].tolist() == [LINEAR, SATURATED, OFF]
    np.testing.assert_allclose(states.threshold_V[2], 0.75, atol=1e-6)  # nothing flows, so body and source are at 0 V
    np.testing.assert_allclose(states.overdrive_V[2], -0.25, atol=1e-6)
    assert states.channel_A[2, 0] == 0.0 < states.channel_A[1, 0] < states.channel_A[0, 0]
    w, across = states.overdrive_V[1, 0], states.across_V[1, 0]
    beta = 6.249608378152027e-05 * 0.138e-3 / 7.8e-6
    saturated_A = 0.5 * beta * w**2 * (1 + 0.19998491299329302 * across)
    assert states.channel_A[1, 0] == pytest.approx(saturated_A, rel=1e-12)
    assert states.gm_S[1, 0] == pytest.approx(2 * saturated_A / w, rel=1e-12)


@pytest.mark.parametrize("kind", ["nmos", "pmos"])
def test_slopes_are_derivatives_of_the_channel_current(kind):
    """By moving the drain's end alone: the channel follows its internal nodes by just these slopes."""
    solved, h = Solved(dense(4, 2), CircuitOptions(body_tie="floating", gate_ref="drain"), kind, 3), 1e-6
    _, slopes = states_and_slopes(solved.device, solved.topology, np.array(solved.node_V[:1]), solved.gate_V)
    sides = []
    for step in (h, -h):
        node_V = np.array(solved.node_V[:1])
        node_V[:, solved.topology.input_nodes] += step
        sides.append(edge_states(solved.device, solved.topology, node_V, solved.gate_V))
    up, down = sides
    expected = sum(
        slope * (getattr(up, name) - getattr(down, name))
        for slope, name in zip(slopes[:4], ("drain_V", "source_V", "body_V", "gate_at_V"), strict=True)
    )
    np.testing.assert_allclose(up.channel_A - down.channel_A, expected, rtol=1e-5, atol=1e-15)
    assert np.abs(expected).max() > 1e-10


def test_arrays_that_do_not_fit_and_voltages_that_are_none():
    topology, device = dense(2, 1), device_parameters(ORACLE["card"](), CircuitOptions())
    good_V = np.zeros((1, topology.max_node + 1))
    with pytest.raises(InputError, match="node_V must have shape"):
        edge_states(device, topology, good_V[0], np.zeros(2))
    with pytest.raises(InputError, match="gate_V must have shape"):
        edge_states(device, topology, good_V, np.zeros(3))
    with pytest.raises(InputError, match="deviations of 3"):
        edge_states(device, topology, good_V, np.zeros(2), Deviations(np.zeros(3), np.ones(3)))
    with pytest.raises(RunError, match="state 0 has a voltage that is not finite"):
        edge_states(device, topology, np.full_like(good_V, np.nan), np.zeros(2))


def test_what_does_not_come_to_rest_is_named(monkeypatch):
    solved = Solved(dense(5, 3), CircuitOptions(body_tie="floating"))
    monkeypatch.setattr("analog_nmos.backends.native.transistor.states.LARGEST_PASSES", 1)
    with pytest.raises(RunError, match="internal nodes of edge 0 of state 0"):
        edge_states(solved.device, solved.topology, np.array(solved.node_V), solved.gate_V)
