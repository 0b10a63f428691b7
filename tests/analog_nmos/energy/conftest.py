"""Circuits for the tests of energy: solved by the native backend, and the same by ngspice on netlists of their own."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from analog_nmos.backends.native import NativeBackend
from analog_nmos.backends.native.transistor.parameters import device_parameters
from analog_nmos.backends.native.transistor.states import states_and_slopes
from analog_nmos.backends.ngspice_library import ngspice
from analog_nmos.circuit import CircuitOptions
from analog_nmos.circuit.deviations import Deviations
from analog_nmos.energy.power import clamped_loads
from common.errors import InputError

ORACLE = runpy.run_path(str(Path(__file__).parents[1] / "backends/native/test_against_ngspice.py"))
PMOS = {**ORACLE["MODEL"], "vto": -0.75, "tpg": -1.0}


class Solved:
    """A network in a free and a clamped state, with gates from cutoff to far above; of a PMOS in the mirror."""

    def __init__(self, topology, kind="nmos", seed=0, differ=False, gates=(0.4, 4.0), model=(), **options):
        rng = np.random.default_rng([13, seed])
        sign, size = 1.0 if kind == "nmos" else -1.0, topology.n_edges
        self.topology, self.options = topology, CircuitOptions(**options)
        self.card = ORACLE["card"]({**(ORACLE["MODEL"] if kind == "nmos" else PMOS), **dict(model)}, kind=kind)
        self.own = Deviations(rng.normal(0, 0.1, size), rng.uniform(0.5, 2.0, size)) if differ else None
        self.gate_V = sign * rng.uniform(*gates, size)
        self.input_V = sign * rng.uniform(0.0, 1.0, topology.n_inputs)
        self.sink_V = sign * rng.uniform(0.0, 0.5, (2, topology.n_outputs))
        self.clamped = np.zeros((2, topology.n_outputs), bool)
        self.clamped[1] = rng.random(topology.n_outputs) < 0.7
        self.device = device_parameters(self.card, self.options)
        self.node_V = self.solve(self.input_V)
        self.loads = clamped_loads(self.options, self.sink_V, self.clamped)
        self.states, self.slopes = states_and_slopes(self.device, topology, self.node_V, self.gate_V, self.own)

    def solve(self, input_V):
        """Voltages (2, nodes) of the free and the clamped state; VOUT of free outputs is what `sink_V` says."""
        backend = NativeBackend(
            [self.topology], self.card, self.options, tolerance_V=1e-13, deviations=[self.own]
        )  # fmt: skip
        backend.set_gates(self.gate_V[None])
        found = []
        for sink_V, clamped in zip(self.sink_V, self.clamped, strict=True):
            backend.restore(0, {"sink_V": sink_V})
            solution = backend.solve_clamped(input_V[None], sink_V[None], clamped[None], np.array([True]))
            assert solution.status.tolist() == [0]
            found.append(solution.node_V[0].copy())
        return np.array(found)

    def netlist(self, phase, input_V=None):
        text = ORACLE["netlist"](
            self.topology, self.card, self.options, self.input_V if input_V is None else input_V, self.gate_V,
            self.sink_V[phase], self.loads.series_ohm[phase].tolist(),
        )  # fmt: skip
        return text if self.own is None else self._with_own_models(text)

    def _with_own_models(self, text):
        model, kind, lines = self.card.model, self.card.kind, []
        for line in text.splitlines():
            if line.startswith("M"):
                e = int(line.split()[0][1:])
                mine = {"vto": model["vto"] + self.own.vto_offset_V[e], "kp": model["kp"] * self.own.kp_factor[e]}
                values = " ".join(f"{k}={float(v)!r}" for k, v in {**model, **mine}.items())
                lines.append(f".model n{e} {kind} ({values})")
                line = line.replace(" n ", f" n{e} ")
            lines.append(line)
        return "\n".join(lines) + "\n"


@pytest.fixture(scope="session")
def spice():
    """libngspice; the test is skipped where there is none."""
    try:
        return ngspice()
    except InputError as problem:
        pytest.skip(str(problem))


@pytest.fixture(scope="session")
def solved():
    return Solved


@pytest.fixture(scope="session")
def oracle():
    return ORACLE
