"""Bodies and gate sources on any node, of transistors that differ, by the package's own netlist."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from analog_nmos.backends.base import Backend, Status
from analog_nmos.backends.native import NativeBackend
from analog_nmos.backends.ngspice import NgspiceBackend
from analog_nmos.backends.ngspice_library import Ngspice
from analog_nmos.cards.model_card import default_card_path, read_model_card
from analog_nmos.circuit import BODY_TIES, GATE_REFS, CircuitOptions
from analog_nmos.circuit.deviations import Deviations
from analog_nmos.topology import Topology

TIGHT: dict[str, Any] = {"reltol": 1e-9, "abstol": 1e-14, "vntol": 1e-11, "itl1": 2000}
TEXT = default_card_path().read_text()
PMOS = TEXT.replace("nmos", "pmos").replace("vto=0.75", "vto=-0.75")


def grid() -> Topology:
    """A periodic grid of 3 x 3: rails, 3 inputs, 2 outputs and 2 hidden nodes."""
    node = np.arange(1, 10).reshape(3, 3)
    sources = np.concatenate([np.roll(node, -1, 1).ravel(), np.roll(node, -1, 0).ravel()])
    return Topology(1, 2, np.array([3, 6, 7]), np.array([4, 9]), np.tile(node.ravel(), 2), sources, np.array([5, 8]))


def walk(backend: Backend, topology: Topology, sign: float) -> np.ndarray:
    """Node voltages free, clamped and free again."""
    rng, on = np.random.default_rng(5), np.ones(1, bool)
    backend.set_gates(sign * rng.uniform(0.5, 4.0, (1, topology.n_edges)))
    input_V, target_V = sign * rng.uniform(0, 1, (1, 3)), sign * rng.uniform(0, 0.5, (1, 2))
    solutions = []
    for _ in range(2):
        for solution in (
            backend.solve_free(input_V, on),
            backend.solve_clamped(input_V, target_V, np.array([[True, False]]), on),
        ):
            assert solution.status.tolist() == [Status.CONVERGED]
            solutions.append(solution.node_V[0].copy())
    return np.concatenate(solutions)


@pytest.mark.parametrize("body_res", [10.0, 0.0])
@pytest.mark.parametrize("gate_ref", GATE_REFS)
@pytest.mark.parametrize("tie", BODY_TIES)
@pytest.mark.parametrize("text", [TEXT, PMOS], ids=["nmos", "pmos"])
def test_both_solvers_build_the_same_circuit(spice: Ngspice, tmp_path, text, tie, gate_ref, body_res) -> None:
    """ngspice takes the netlist, or the altering of its sources, without a warning, or there is no backend."""
    (tmp_path / "card.lib").write_text(text)
    card, topology, rng = read_model_card(tmp_path / "card.lib"), grid(), np.random.default_rng(6)
    options = CircuitOptions(body_tie=tie, gate_ref=gate_ref, body_res=body_res, **TIGHT)
    half = np.arange(topology.n_edges) % 2
    own = Deviations(half * rng.normal(0.0, 0.05, half.size), np.where(half, rng.uniform(0.7, 1.3, half.size), 1.0))
    parts = ([topology], card, options)
    backend = NgspiceBackend(*parts, deviations=[own])
    found = walk(backend, topology, card.sign)
    backend.close()
    native = NativeBackend(*parts, deviations=[own], tolerance_V=1e-11)
    np.testing.assert_allclose(walk(native, topology, card.sign), found, rtol=0, atol=2e-8)
