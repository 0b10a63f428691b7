"""Bodies and gate sources on any node: every voltage against ngspice at tight tolerances."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from analog_nmos.circuit import BODY_TIES, GATE_REFS, CircuitOptions
from analog_nmos.topology import dense

HERE = Path(__file__)
ORACLE = runpy.run_path(str(HERE.with_name("test_against_ngspice.py")))
CIRCUITS = runpy.run_path(str(HERE.with_name("test_random_circuits.py")))
LIMIT_V = 2e-8
everywhere = pytest.mark.parametrize("gate_ref", GATE_REFS)
every_tie = pytest.mark.parametrize("tie", BODY_TIES)


def networks(rng):
    """Inputs to outputs only; a grid; anything."""
    anything = CIRCUITS["random_topology"](rng, 4, 3, 5, 20)
    return dense(7, 3).keep(rng.random(21) < 0.8), ORACLE["grid"](), anything


def differences(ngspice, seed, options):
    """The largest of each network, free, clamped and free again; gates from cutoff to far above it."""
    rng = np.random.default_rng([23, seed])
    for topology in networks(rng):
        gates = (0.4, 8.0) if rng.random() < 0.5 else (0.4, 1.2)
        clamped = rng.random(topology.n_outputs) < 0.6
        yield ORACLE["compare"](
            ngspice, topology, options, rng.uniform(0.0, 1.0, topology.n_inputs),
            rng.uniform(*gates, topology.n_edges), rng.uniform(0.0, 0.5, topology.n_outputs), clamped,
        )  # fmt: skip


@pytest.mark.parametrize("body_res", [10.0, 0.0])
@everywhere
@every_tie
def test_native_equals_ngspice(ngspice, tie, gate_ref, body_res):
    options = CircuitOptions(body_tie=tie, gate_ref=gate_ref, body_res=body_res)
    found = list(differences(ngspice, 7, options))
    print(f"{tie} {gate_ref} {body_res:g}: {max(found):.1e} V")
    assert max(found) < LIMIT_V
