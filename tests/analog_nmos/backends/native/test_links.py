"""Bodies and gate sources on any node: every voltage against ngspice at tight tolerances."""

import dataclasses
import runpy
from pathlib import Path

import numpy as np
import pytest

from analog_nmos.backends.base import Status
from analog_nmos.backends.native import NativeBackend
from analog_nmos.circuit import BODY_TIES, GATE_REFS, CircuitOptions
from analog_nmos.circuit.deviations import Deviations
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


def differences(ngspice, seed, options, kind="nmos", model=ORACLE["MODEL"]):
    """The largest of each network, free, clamped and free again; gates from cutoff to far above it.

    A PMOS has its gates below the node that they count from, or below the highest voltage, 1 V.
    """
    top_V = 1.0 if options.gate_ref == "ground" else 0.0
    rng = np.random.default_rng([23, seed])
    for topology in networks(rng):
        gates = (0.4, 8.0) if rng.random() < 0.5 else (0.4, 1.2)
        gates = gates if kind == "nmos" else (top_V - gates[1], top_V - gates[0])
        clamped = rng.random(topology.n_outputs) < 0.6
        yield ORACLE["compare"](
            ngspice, topology, options, rng.uniform(0.0, 1.0, topology.n_inputs),
            rng.uniform(*gates, topology.n_edges), rng.uniform(0.0, 0.5, topology.n_outputs), clamped,
            model, kind=kind,
        )  # fmt: skip


@pytest.mark.parametrize("body_res", [10.0, 0.0])
@everywhere
@every_tie
def test_native_equals_ngspice(ngspice, tie, gate_ref, body_res):
    options = CircuitOptions(body_tie=tie, gate_ref=gate_ref, body_res=body_res)
    found = list(differences(ngspice, 7, options))
    print(f"{tie} {gate_ref} {body_res:g}: {max(found):.1e} V")
    assert max(found) < LIMIT_V


PMOS = {**ORACLE["MODEL"], "vto": -0.75, "tpg": -1.0}
SOME = [("source", "ground", 10.0), ("drain", "source", 0.0), ("floating", "body", 10.0), ("ground", "drain", 0.0)]
ALL = [(tie, gate_ref, ohm) for tie in BODY_TIES for gate_ref in GATE_REFS for ohm in (10.0, 0.0)]


@pytest.mark.parametrize(
    ("tie", "gate_ref", "body_res"),
    [*SOME, *(pytest.param(*one, marks=pytest.mark.slow) for one in ALL if one not in SOME)],
)
def test_a_pmos_equals_ngspice(ngspice, tie, gate_ref, body_res):
    options = CircuitOptions(body_tie=tie, gate_ref=gate_ref, body_res=body_res)
    found = list(differences(ngspice, 8, options, "pmos", PMOS))
    print(f"pmos {tie} {gate_ref} {body_res:g}: {max(found):.1e} V")
    assert max(found) < LIMIT_V


@pytest.mark.parametrize(("temp", "tnom"), [(77.0, 27.0), (-20.0, 27.0), (50.0, 10.0)])
def test_a_pmos_at_other_temperatures(ngspice, temp, tnom):
    options = CircuitOptions(temp=temp, tnom=tnom)
    assert max(differences(ngspice, 9, options, "pmos", PMOS)) < LIMIT_V


both_kinds = pytest.mark.parametrize("topology", [dense(7, 3), ORACLE["grid"]()], ids=["alone", "coupled"])


def walk(topology, options, kind="nmos", model=ORACLE["MODEL"], sign=1.0, **settings):
    """Voltages and statuses of free and clamped phases; every voltage given is multiplied by `sign`."""
    backend = NativeBackend([topology], ORACLE["card"](model, kind=kind), options, tolerance_V=1e-11, **settings)
    rng, found, on = np.random.default_rng(3), [], np.ones(1, bool)
    for _ in range(3):
        backend.set_gates(sign * rng.uniform(0.6, 5.0, (1, topology.n_edges)))
        input_V, target_V = (sign * rng.uniform(0, 1, (1, n)) for n in (topology.n_inputs, topology.n_outputs))
        clamped = rng.random((1, topology.n_outputs)) < 0.5
        for solution in (
            backend.solve_free(input_V, on),
            backend.solve_clamped(input_V, target_V, clamped, on),
        ):
            assert solution.status.tolist() == [Status.CONVERGED]
            found.append(solution.node_V[0].copy())
    many_V, status = backend.solve_many(0, sign * rng.uniform(0, 1, (5, topology.n_inputs)))
    assert not status.any()
    return np.concatenate([*found, many_V.ravel()])


@pytest.mark.parametrize("links", [{}, {"gate_ref": "drain", "body_tie": "drain", "body_res": 0.0}], ids=len)
@both_kinds
def test_a_pmos_is_an_nmos_in_a_mirror(topology, links):
    """Rails change their places, since the upper one stays the upper one."""
    other = dataclasses.replace(topology, negref=topology.posref, posref=topology.negref)
    up = walk(topology, CircuitOptions(vminus=0.1, vplus=0.4, **links))
    down = walk(other, CircuitOptions(vminus=-0.4, vplus=-0.1, **links), "pmos", PMOS, -1.0)
    if links:  # the same equations, to the last bit
        np.testing.assert_array_equal(-down, up)
    np.testing.assert_allclose(-down, up, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("links", "kind", "model", "sign"),
    [
        ({"gate_ref": "body", "body_tie": "floating"}, "nmos", ORACLE["MODEL"], 1.0),
        ({"gate_ref": "drain", "body_tie": "source", "body_res": 0.0}, "pmos", PMOS, -1.0),
    ],
    ids=["body", "pmos"],
)
@pytest.mark.parametrize("differ", [False, True])
@both_kinds
def test_compiled_phases_and_replicas_have_the_numbers_of_the_methods_alone(topology, differ, links, kind, model, sign):
    rng, size = np.random.default_rng(0), topology.n_edges
    own = [Deviations(rng.normal(0, 0.05, size), rng.uniform(0.5, 1.5, size)) if differ else None for _ in range(2)]
    gates_V, inputs_V = sign * rng.uniform(0.5, 4.0, (2, size)), sign * rng.uniform(0, 0.8, (2, 4, topology.n_inputs))
    parts = (ORACLE["card"](model, kind=kind), CircuitOptions(**links))
    together, clamped = NativeBackend([topology] * 2, *parts, deviations=own), np.arange(topology.n_outputs) != 1
    together.set_gates(gates_V)
    solver = together.compiled()
    for replica in range(2):
        alone = NativeBackend([topology], *parts, deviations=[own[replica]])
        alone.set_gates(gates_V[replica : replica + 1])
        for input_V in inputs_V[replica]:
            free_V, clamped_V = np.empty((2, topology.max_node + 1))
            expected_V = alone.solve_free(input_V[None], np.ones(1, bool)).node_V[0].copy()
            assert solver.free(solver.memory, replica, input_V, free_V) == Status.CONVERGED
            np.testing.assert_array_equal(free_V, expected_V)
            target_V = free_V[topology.out_nodes] + 0.02
            held_V = alone.solve_clamped(input_V[None], target_V[None], clamped[None], np.ones(1, bool)).node_V[0]
            assert solver.clamped(solver.memory, replica, input_V, target_V, clamped, clamped_V) == Status.CONVERGED
            np.testing.assert_array_equal(clamped_V, held_V)
            solver.edges.gate_V[solver.edges.slot[replica]] += 0.01
            gates_V[replica] += 0.01
            alone.set_gates(gates_V[replica : replica + 1])


@pytest.mark.parametrize("tie", BODY_TIES)
@pytest.mark.parametrize("gate_ref", ["drain", "source", "body"])
def test_source_stepping_alone_finds_the_same_voltages(tie, gate_ref):
    """Where gates are far off and draw their nodes down through rshunt too: at no sources, 0 V must solve the rest."""
    topology, options = ORACLE["grid"](), CircuitOptions(body_tie=tie, gate_ref=gate_ref, body_res=0.0)
    parts = ([topology], ORACLE["card"](), options)
    rng, on = np.random.default_rng(4), np.ones(1, bool)
    plain, stepping = NativeBackend(*parts, tolerance_V=1e-9), NativeBackend(*parts, tolerance_V=1e-9)
    device, bounds, settings, book = stepping._engine._circuit
    stepping._engine._circuit = (device, bounds, settings._replace(passes=-1), book)
    for lowest, highest in ((0.5, 6.0), (-4.0, 0.7)):
        gate_V, input_V = rng.uniform(lowest, highest, (1, topology.n_edges)), rng.uniform(0, 1, (1, topology.n_inputs))
        found = []
        for backend in (plain, stepping):
            backend.set_gates(gate_V)
            solution = backend.solve_free(input_V, on)
            assert solution.status.tolist() == [Status.CONVERGED]
            found.append(solution.node_V[0].copy())
        np.testing.assert_allclose(found[1], found[0], rtol=0, atol=1e-8)
    assert stepping.passes > 1.5 * plain.passes  # it went another way
