"""Capacitances of the card against those that ngspice prints for its transistors, and stated ones."""

import numpy as np
import pytest

from analog_nmos.energy.capacitances import capacitances, gate_F, used
from analog_nmos.energy.options import CapacitanceOptions
from analog_nmos.topology import dense

CARD = {"cgso": 2e-10, "cgdo": 1e-10, "cgbo": 3e-10, "cj": 2e-4, "cjsw": 3e-10, "mjsw": 0.33, "mj": 0.4, "pb": 0.7}


@pytest.mark.parametrize("model", [CARD, {**CARD, "cbd": 1e-12, "cbs": 2e-12, "fc": 0.2}], ids=["areas", "whole"])
@pytest.mark.parametrize("kind", ["nmos", "pmos"])
def test_junctions_equal_those_of_ngspice(spice, solved, kind, model):
    """From reverse to forward bias beyond fc * pb: of floating bodies, and of bodies tied to sources above drains."""
    compared, beyond = 0, 0
    for tie in ("floating", "source", "drain", "ground"):
        one = solved(dense(3, 2), kind, 4, body_tie=tie, model=model)
        found = capacitances(one.card, CapacitanceOptions(), one.states)
        names = [f"@m{e}[{what}]" for e in range(6) for what in ("cbd", "cbs")]
        for phase in range(2):
            spice.read(one.netlist(phase))
            spice.command("save all " + " ".join(names))
            spice.command("op")
            spice.drain()
            theirs = np.array([spice.last_value(spice.vector(name), 1) for name in names]).reshape(6, 2)
            ours = np.stack([found.drain_body_F[phase], found.source_body_F[phase]], axis=1)
            np.testing.assert_allclose(ours, theirs, rtol=1e-5)
            compared += 12
            low_V = np.stack([one.states.drain_V[phase], one.states.source_V[phase]], axis=1)
            forward_V = one.card.sign * (one.states.body_V[phase][:, None] - low_V)
            beyond += int((forward_V > model.get("fc", 0.5) * 0.7).sum())
    assert compared == 96
    assert beyond > 0


def test_gates_and_nodes(solved):
    one = solved(dense(2, 1), model=CARD)
    options = CapacitanceOptions(node_cap=5e-12, gate_cap=4e-12)
    found = capacitances(one.card, options, one.states)
    assert (found.node_F, found.end_F) == (5e-12, 2e-12)
    assert found.gate_source_F == pytest.approx(2e-10 * 0.138e-3)
    assert found.gate_drain_F == pytest.approx(1e-10 * 0.138e-3)
    assert found.gate_body_F == pytest.approx(3e-10 * 7.8e-6)
    assert gate_F(one.card, options) == pytest.approx(4e-12 + 3e-10 * 0.138e-3 + 3e-10 * 7.8e-6)
    assert found.inside
    assert used(one.card, options).endswith("cgso=2e-10, cgdo=1e-10, cgbo=3e-10, cj=0.0002, cjsw=3e-10")
    bare = solved(dense(2, 1))
    assert not capacitances(bare.card, options, bare.states).inside
    assert used(bare.card, options) == "capacitances: 5e-12 F a node, 4e-12 F a gate, none of the card"
    assert "nothing holds charge" in used(bare.card, CapacitanceOptions(node_cap=0.0))
