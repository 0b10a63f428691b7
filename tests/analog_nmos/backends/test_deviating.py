"""Networks whose transistors differ: natively and in ngspice, alone and side by side, and beside those that do not."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from analog_nmos.backends.base import Backend, Status
from analog_nmos.backends.make import make_backend
from analog_nmos.backends.native import NativeBackend
from analog_nmos.backends.ngspice import NgspiceBackend
from analog_nmos.backends.ngspice_library import Ngspice
from analog_nmos.cards.model_card import default_card_path, read_model_card
from analog_nmos.circuit import BODY_TIES, CircuitOptions
from analog_nmos.circuit.deviations import Deviations
from analog_nmos.topology import Topology, dense
from common.errors import InputError

CARD = read_model_card(default_card_path())
TIGHT: dict[str, Any] = {"reltol": 1e-9, "abstol": 1e-14, "vntol": 1e-11, "itl1": 2000}
LIMIT_V = 2e-8
EVERYONE = np.ones(1, bool)


def grid(side: int = 4) -> Topology:
    """A periodic grid of side x side nodes joined to their right and lower neighbours: rails, 4 inputs, 3 outputs."""
    node = np.arange(1, side * side + 1).reshape(side, side)
    drains = np.concatenate([node.ravel(), node.ravel()])
    sources = np.concatenate([np.roll(node, -1, 1).ravel(), np.roll(node, -1, 0).ravel()])
    flat = node.ravel()
    return Topology(1, 2, flat[5:9], flat[2:5], drains, sources, hidden_nodes=flat[9:])


NETWORKS = {"alone": dense(12, 4), "coupled": grid()}
both_kinds = pytest.mark.parametrize("topology", NETWORKS.values(), ids=NETWORKS)


def chip(topology: Topology, seed: int = 0, vto_V: float = 0.05, kp: float = 0.2) -> Deviations:
    """Offsets of 0.05 V and factors of 0.2, as standard deviations."""
    rng = np.random.default_rng([7, seed])
    factor = np.maximum(1.0 + kp * rng.standard_normal(topology.n_edges), 1e-6)
    return Deviations(vto_V * rng.standard_normal(topology.n_edges), factor)


def nothing(topology: Topology) -> Deviations:
    return Deviations(np.zeros(topology.n_edges), np.ones(topology.n_edges))


def walk(backend: Backend, topology: Topology, seed: int = 0, row: int = 0, rows: int = 1, many: int = 4) -> np.ndarray:
    """Node voltages of free and clamped phases of one replica among others, and outputs of many samples."""
    rng, found = np.random.default_rng(seed), []
    on = np.arange(rows) == row
    for _ in range(3):
        gate_V = rng.uniform(0.5, 5.0, topology.n_edges)
        input_V, target_V = rng.uniform(-0.2, 1.0, topology.n_inputs), rng.uniform(0, 0.5, topology.n_outputs)
        clamped = rng.random(topology.n_outputs) < 0.5
        gates_V = np.zeros((rows, topology.n_edges))
        gates_V[row] = gate_V
        backend.set_gates(gates_V)
        one = np.tile(input_V, (rows, 1))
        for solution in (
            backend.solve_free(one, on),
            backend.solve_clamped(one, np.tile(target_V, (rows, 1)), np.tile(clamped, (rows, 1)), on),
        ):
            assert solution.status[row] == Status.CONVERGED
            found.append(solution.node_V[row, : topology.max_node + 1].copy())
    many_V, status = backend.solve_many(row, rng.uniform(0, 1, (many, topology.n_inputs)))
    assert not status.any()
    return np.concatenate([*found, many_V.ravel()])


def natively(topology: Topology, own: Deviations | None, tie: str, **settings: Any) -> np.ndarray:
    backend = NativeBackend([topology], CARD, CircuitOptions(body_tie=tie), deviations=[own], **settings)
    return walk(backend, topology)


def in_ngspice(topology: Topology, own: Deviations | None, tie: str, **options: Any) -> np.ndarray:
    backend = NgspiceBackend([topology], CARD, CircuitOptions(body_tie=tie, **TIGHT, **options), deviations=[own])
    try:
        return walk(backend, topology)
    finally:
        backend.close()


@both_kinds
@pytest.mark.parametrize("tie", BODY_TIES)
def test_both_solvers_find_the_same_voltages(spice: Ngspice, topology: Topology, tie: str) -> None:
    for seed in range(2):
        own = chip(topology, seed)
        found = natively(topology, own, tie, tolerance_V=1e-12)
        np.testing.assert_allclose(found, in_ngspice(topology, own, tie), rtol=0, atol=LIMIT_V)
        for part in (
            Deviations(own.vto_offset_V, np.ones(topology.n_edges)),
            Deviations(np.zeros(topology.n_edges), own.kp_factor),
        ):
            assert np.abs(found - natively(topology, part, tie)).max() > 1e-3


@both_kinds
def test_they_agree_on_large_deviations(spice: Ngspice, topology: Topology) -> None:
    own = chip(topology, 5, vto_V=0.5, kp=3.0)
    assert own.kp_factor.min() == 1e-6
    found = natively(topology, own, "floating", tolerance_V=1e-12)
    np.testing.assert_allclose(found, in_ngspice(topology, own, "floating"), rtol=0, atol=LIMIT_V)


@both_kinds
@pytest.mark.parametrize("tie", BODY_TIES)
def test_an_offset_is_a_lower_gate(topology: Topology, tie: str) -> None:
    own = chip(topology, kp=0.0)
    plain, deviating = (
        NativeBackend([topology], CARD, CircuitOptions(body_tie=tie), deviations=[one], tolerance_V=1e-11)
        for one in (None, own)
    )
    gate_V, input_V = np.linspace(0.6, 4, topology.n_edges)[None], np.linspace(0, 1, topology.n_inputs)[None]
    deviating.set_gates(gate_V)
    plain.set_gates(gate_V - own.vto_offset_V)
    found_V = deviating.solve_free(input_V, EVERYONE).node_V
    np.testing.assert_allclose(found_V, plain.solve_free(input_V, EVERYONE).node_V, rtol=0, atol=1e-10)


@both_kinds
@pytest.mark.parametrize("tie", BODY_TIES)
def test_without_offsets_and_factors_nothing_changes_by_a_bit(topology: Topology, tie: str) -> None:
    none, zeros = (
        NativeBackend([topology], CARD, CircuitOptions(body_tie=tie), deviations=one)
        for one in (None, [nothing(topology)])
    )
    np.testing.assert_array_equal(walk(zeros, topology), walk(none, topology))
    assert zeros.passes == none.passes


def test_a_netlist_without_offsets_and_factors_is_the_same_text(spice: Ngspice) -> None:
    topology = dense(3, 2)
    texts = []
    for own in (None, nothing(topology), chip(topology)):
        texts.append(NgspiceBackend([topology], CARD, CircuitOptions(), deviations=[own]).netlist())
    assert texts[0] == texts[1]
    assert [re.findall(r"^([XM])\d+ \d", text, re.MULTILINE) for text in texts[::2]] == [["X"] * 6, ["M"] * 6]


def test_a_netlist_has_a_model_for_each_kind_of_transistor(spice: Ngspice) -> None:
    topology = dense(3, 2)
    own = Deviations([0.0, 0.125, 0.0, 0.125, 0.125, 0.0], [1.0, 0.5, 0.75, 0.5, 0.75, 1.0])
    text = NgspiceBackend([topology], CARD, CircuitOptions(), deviations=[own]).netlist()
    kp = CARD.model["kp"]
    found = re.findall(r"^\.model (OWN\d) nmos \(.*vto=(\S+) .*kp=(\S+) .*\)$", text, re.MULTILINE)
    expected = [("0.875", 0.5), ("0.75", 0.75), ("0.875", 0.75)]
    assert found == [(f"OWN{n}", vto, repr(kp * factor)) for n, (vto, factor) in enumerate(expected)]
    assert re.findall(r"^([XM]\d) \d+ g\d \d+ b\d (\w+)", text, re.MULTILINE) == [
        ("X0", "NMOSWRAP"),
        ("M1", "OWN0"),
        ("M2", "OWN1"),
        ("M3", "OWN0"),
        ("M4", "OWN2"),
        ("X5", "NMOSWRAP"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "vto=0.8 gamma=0.9 phi=0.9 kp=5e-5 lambda=0.1 rsh=50",
        "gamma=0.9 lambda=0.1",
        "vto=0.6 tox=1e-7 uo=550 lambda=0.1",
        "vto=0.6 tox=5e-8 nsub=4e15",
    ],
)
def test_ngspice_takes_a_transistors_own_values_as_it_takes_the_cards(spice: Ngspice, tmp_path, text: str) -> None:
    path, topology = tmp_path / "card.lib", dense(4, 3)
    path.write_text(f".model ncg nmos ({text})\n.subckt NMOSWRAP D G S B\nM1 D G S B ncg l=8u w=120u nrd=0.4\n.ends\n")
    card, almost = read_model_card(path), Deviations(np.full(12, 1e-30), np.ones(12))
    found = []
    for own in (None, almost, chip(topology)):
        backend = NgspiceBackend([topology], card, CircuitOptions(**TIGHT), deviations=[own])
        found.append(walk(backend, topology))
        backend.close()
    np.testing.assert_allclose(found[1], found[0], rtol=0, atol=1e-12)
    assert np.abs(found[2] - found[0]).max() > 1e-3


@both_kinds
def test_replicas_have_the_numbers_they_have_alone(topology: Topology) -> None:
    """Also beside one without deviations, and one whose large factors call for more caution."""
    strong = Deviations(np.full(topology.n_edges, -0.2), np.full(topology.n_edges, 1e4))
    own = [chip(topology, 0), None, chip(topology, 1, kp=0.5), strong]
    topologies, options = [topology] * 4, CircuitOptions(body_tie="source", body_res=1.0)
    together = NativeBackend(topologies, CARD, options, deviations=own)
    for row in range(4):
        alone = NativeBackend([topology], CARD, options, deviations=[own[row]])
        expected, before = walk(alone, topology, row, many=300), together.passes
        np.testing.assert_array_equal(walk(together, topology, row, row, 4, many=300), expected)
        assert together.passes - before == alone.passes


def test_replicas_of_different_sizes_have_their_own() -> None:
    topologies = [dense(6, 3), dense(6, 3).keep(np.arange(18) % 3 != 1)]
    own = [chip(topology, seed) for seed, topology in enumerate(topologies)]
    together = NativeBackend(topologies, CARD, CircuitOptions(), deviations=own)
    gate_V, input_V = np.full((2, 18), 2.0), np.full((2, 6), 0.4)
    together.set_gates(gate_V)
    found = together.solve_free(input_V, np.ones(2, bool)).node_V.copy()
    for row in range(2):
        alone = NativeBackend([topologies[row]], CARD, CircuitOptions(), deviations=[own[row]])
        alone.set_gates(gate_V[row : row + 1])
        np.testing.assert_array_equal(found[row : row + 1], alone.solve_free(input_V[:1], EVERYONE).node_V)


@both_kinds
def test_a_restored_replica_goes_on_bit_for_bit(topology: Topology) -> None:
    first, second = (NativeBackend([topology], CARD, CircuitOptions(), deviations=[chip(topology)]) for _ in range(2))
    walk(first, topology)
    second.restore(0, first.state(0))
    np.testing.assert_array_equal(walk(second, topology, 1), walk(first, topology, 1))


OWN = """
from analog_nmos.backends.native import NativeBackend

class Plain(NativeBackend):
    takes_deviations = False

    def __init__(self, topologies, card, options):
        super().__init__(topologies, card, options)
"""


def test_a_backend_of_a_users_own_needs_no_keyword_for_them(tmp_path, monkeypatch) -> None:
    (tmp_path / "plain_backend.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    name, topology = "plain_backend:Plain", dense(2, 2)
    for own in (None, [None]):
        assert type(make_backend(name, [topology], CARD, CircuitOptions(), own)).__name__ == "Plain"
    with pytest.raises(InputError, match=f"^backend {name} gives all transistors the values of the card; native and"):
        make_backend(name, [topology], CARD, CircuitOptions(), [chip(topology)])


@pytest.mark.parametrize("name", ["native", "ngspice"])
def test_make_backend_hands_them_on(spice: Ngspice, name: str) -> None:
    topology = dense(2, 2)
    found = []
    for own in (None, chip(topology)):
        backend = make_backend(name, [topology], CARD, CircuitOptions(), [own])
        found.append(walk(backend, topology))
        backend.close()
    assert np.abs(found[1] - found[0]).max() > 1e-4
    with pytest.raises(InputError, match=r"^deviations of 6 transistors do not fit replica 0, which has 4$"):
        make_backend(name, [topology], CARD, CircuitOptions(), [chip(dense(3, 2))])
    with pytest.raises(InputError, match=r"^deviations of 2 replica\(s\) do not fit 1$"):
        make_backend(name, [topology], CARD, CircuitOptions(), [chip(topology)] * 2)


def test_ngspice_says_what_card_it_cannot_vary(spice: Ngspice, tmp_path) -> None:
    path = tmp_path / "card.lib"
    path.write_text(".model ncg nmos (level=3 vto=0.8)\n.subckt NMOSWRAP D G S B\nM1 D G S B ncg\n.ends\n")
    topology = dense(2, 2)
    with pytest.raises(InputError, match=r"^model card \S*card\.lib: with level 3 its transistors cannot deviate"):
        NgspiceBackend([topology], read_model_card(path), CircuitOptions(), deviations=[chip(topology)])
