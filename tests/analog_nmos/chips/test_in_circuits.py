"""Both solvers take a chip's circuits, and find the same voltages."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from analog_nmos.backends.base import Status
from analog_nmos.backends.make import make_backend
from analog_nmos.cards.model_card import default_card_path, read_model_card
from analog_nmos.chips import Mismatch, draw_chip, load_chip
from analog_nmos.circuit import CircuitOptions
from analog_nmos.circuit.deviations import Deviations
from analog_nmos.topology import Topology, dense
from analog_nmos.topology.torus import Torus

pytestmark = pytest.mark.usefixtures("needs_ngspice")
CARD = read_model_card(default_card_path())
TIGHT: dict[str, Any] = {"reltol": 1e-9, "abstol": 1e-14, "vntol": 1e-11, "itl1": 2000}
LIMIT_V = 2e-8


def solved(name: str, topology: Topology, own: Deviations | None) -> np.ndarray:
    backend = make_backend(name, [topology], CARD, CircuitOptions(**TIGHT), [own])
    try:
        backend.set_gates(np.linspace(1.0, 4.0, topology.n_edges)[None])
        solution = backend.solve_free(np.linspace(0.1, 0.4, topology.n_inputs)[None], np.ones(1, bool))
        assert solution.status[0] == Status.CONVERGED
        return solution.node_V[0, : topology.max_node + 1].copy()
    finally:
        backend.close()


@pytest.mark.parametrize("topology", [dense(6, 3), Torus().build()], ids=["dense", "torus"])
@pytest.mark.parametrize("ending", [".npz", ".csv"])
def test_both_solvers_agree_on_a_chip_from_a_file(tmp_path, topology: Topology, ending: str) -> None:
    draw_chip(topology, CARD, Mismatch(vto_sigma=0.05, kp_sigma=0.1, vto_gradient=0.1), 3).save(tmp_path / f"c{ending}")
    chip = load_chip(tmp_path / f"c{ending}", topology)
    plain_V = solved("native", topology, None)
    copies_V = [solved("native", topology, own) for own in (chip.free(), chip.clamp())]
    for own, found_V in zip((chip.free(), chip.clamp()), copies_V, strict=True):
        np.testing.assert_allclose(found_V, solved("ngspice", topology, own), rtol=0, atol=LIMIT_V)
        assert np.abs(found_V - plain_V).max() > 1e-3
    assert np.abs(copies_V[0] - copies_V[1]).max() > 1e-3
