"""What the tests of the circuit solvers share."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from analog_nmos.backends.ngspice import NgspiceBackend
from analog_nmos.backends.ngspice_library import Ngspice, ngspice
from analog_nmos.cards.model_card import default_card_path, read_model_card
from analog_nmos.circuit import CircuitOptions
from analog_nmos.circuit.netlist import Sources, write_netlist
from analog_nmos.topology import Topology
from common.errors import InputError

FloatArray = NDArray[np.float64]


@pytest.fixture(scope="session")
def spice() -> Ngspice:
    """libngspice; the test is skipped where there is none."""
    try:
        return ngspice()
    except InputError as problem:
        pytest.skip(str(problem))


@pytest.fixture
def make_ngspice(spice: Ngspice) -> Callable[..., NgspiceBackend]:
    """Makes the ngspice backend of a topology; further arguments are circuit options."""

    def make(topology: Topology, **options: Any) -> NgspiceBackend:
        return NgspiceBackend([topology], read_model_card(default_card_path()), CircuitOptions(**options))

    return make


@pytest.fixture
def printed_op(spice: Ngspice) -> Callable[..., FloatArray]:
    """The published way to a circuit's voltages: its netlist, one plain `op`, `print` with 15 digits, parsed.

    Takes a topology, its sources, a mask of clamped outputs (or None) and circuit options; returns the voltages of
    outputs and hidden nodes.
    """

    def solve(topology: Topology, sources: Sources, clamped: NDArray[np.bool_] | None, **settings: Any) -> FloatArray:
        options = CircuitOptions(**settings)
        netlist = write_netlist(topology, read_model_card(default_card_path()), options, sources)
        for k in () if clamped is None else np.flatnonzero(clamped) + 1:
            netlist = re.sub(rf"^(RS{k} .*) \S+$", rf"\1 {options.rs_clamp!r}", netlist, flags=re.MULTILINE)
        spice.read(netlist)
        spice.command("option pivrel=1e-3")  # ngspice's own, which the backend changes
        spice.command("set numdgt=15")
        spice.command("op")
        spice.drain()
        nodes = [*topology.out_nodes, *topology.hidden_nodes]
        for node in nodes:
            spice.command(f"print v({node})")
        return np.array([float(line.split("=")[1]) for line in spice.drain()])

    return solve
