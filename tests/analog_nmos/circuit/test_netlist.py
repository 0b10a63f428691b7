"""The netlist's lines of a transistor, by what its body is tied to."""

import re

import numpy as np
import pytest

from analog_nmos.cards.model_card import default_card_path, read_model_card
from analog_nmos.circuit import NUDGE_MODES, CircuitOptions
from analog_nmos.circuit.deviations import Deviations
from analog_nmos.circuit.netlist import Sources, write_netlist
from analog_nmos.topology import dense

CARD = read_model_card(default_card_path())


def lines(own=None, **options):
    """The lines of edge 1 of one input (node 5) and two outputs (3, 4), its gate at 2 V."""
    sources = Sources(np.zeros(1), np.full(2, 2.0), np.zeros(2))
    text = write_netlist(dense(1, 2), CARD, CircuitOptions(**options), sources, own)
    return re.findall(r"^(?:VG|RB|X|M)1 (?!D ).*$", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("tie", "ohm", "expected"),
    [
        ("ground", 10.0, ["VG1 g1 0 dc 2.0", "RB1 b1 0 10.0", "X1 5 g1 4 b1 NMOSWRAP"]),
        ("source", 10.0, ["VG1 g1 0 dc 2.0", "RB1 b1 4 10.0", "X1 5 g1 4 b1 NMOSWRAP"]),
        ("drain", 10.0, ["VG1 g1 0 dc 2.0", "RB1 b1 5 10.0", "X1 5 g1 4 b1 NMOSWRAP"]),
        ("floating", 10.0, ["VG1 g1 0 dc 2.0", "X1 5 g1 4 b1 NMOSWRAP"]),
        ("ground", 0.0, ["VG1 g1 0 dc 2.0", "X1 5 g1 4 0 NMOSWRAP"]),
        ("source", 0.0, ["VG1 g1 0 dc 2.0", "X1 5 g1 4 4 NMOSWRAP"]),
        ("drain", 0.0, ["VG1 g1 0 dc 2.0", "X1 5 g1 4 5 NMOSWRAP"]),
        ("floating", 0.0, ["VG1 g1 0 dc 2.0", "X1 5 g1 4 b1 NMOSWRAP"]),
    ],
)
def test_where_the_body_goes(tie, ohm, expected):
    assert lines(body_tie=tie, body_res=ohm) == expected


@pytest.mark.parametrize(
    ("gate_ref", "tie", "ohm", "node"),
    [
        ("ground", "source", 10.0, "0"),
        ("drain", "source", 10.0, "5"),
        ("source", "drain", 10.0, "4"),
        ("body", "ground", 10.0, "b1"),
        ("body", "floating", 0.0, "b1"),
        ("body", "ground", 0.0, "0"),
        ("body", "drain", 0.0, "5"),
    ],
)
def test_where_the_gate_source_stands(gate_ref, tie, ohm, node):
    assert lines(gate_ref=gate_ref, body_tie=tie, body_res=ohm)[0] == f"VG1 g1 {node} dc 2.0"


def test_a_transistor_of_its_own_is_tied_directly_too():
    own = Deviations(np.zeros(2), np.array([1.0, 0.5]))
    assert lines(own, body_tie="source", body_res=0.0)[1].startswith("M1 5 g1 4 4 OWN0 ")


def test_only_a_circuit_that_is_nudged_by_currents_has_current_sources():
    sources = Sources(np.zeros(1), np.full(2, 2.0), np.zeros(2))
    found = {}
    for mode in NUDGE_MODES:
        text = write_netlist(dense(1, 2), CARD, CircuitOptions(nudge_mode=mode), sources)
        found[mode] = re.findall(r"^I.*$", text, re.MULTILINE)
    assert found == {"clamp": [], "held": [], "current": ["IOUT0 0 3 dc 0", "IOUT1 0 4 dc 0"]}
